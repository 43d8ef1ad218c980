"""A fund's formula as types, and as the one benefit that the plans' engine runs and explains."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any

from pydantic import Field

from app.plans.benefits import Condition, Step, Words
from app.plans.declarations import FactDeclaration, Table
from app.plans.expressions import Expression
from app.plans.facts import facts_of
from app.plans.frozen import Frozen
from app.plans.inputs import Input
from app.plans.literals import PLAN_CODE, TABLE, Money, Term
from app.plans.terms import PlanTerms, Source, Statement
from app.relief.grounds import GROUNDS, SITUATIONS, Ground, ReliefDocumentKind

# What the engine calls a formula; condolences are uses of another benefit of the same fund.
RELIEF, CONDOLENCE = "RELIEF", "CONDOLENCE"
_NAME = {"zh": "救助金", "en": "Relief"}
_EVERYBODY = {"minimum": 0, "maximum": 120}


def _money(zh: str, en: str) -> dict[str, Any]:
    return {"kind": "money", "words": {"zh": zh, "en": en}}


# Facts that every formula may name without declaring them.
STANDARD: Mapping[str, Mapping[str, Any]] = {
    "net_self_pay_fen": _money(
        "本年度扣除互助金后的净自付", "Self-paid part of the year, less what mutual aid paid"
    ),
    "self_pay_fen": _money("本年度个人自付合计", "Self-paid part of the year"),
    "mutual_aid_fen": _money("本年度互助金合计", "Paid by mutual aid in the year"),
    "disaster_loss_fen": _money("灾害损失", "Loss in the disaster"),
    "household_income_fen": _money("家庭年收入", "Household income of a year"),
    "household_size": {
        "kind": "number",
        "words": {"zh": "家庭人口", "en": "Members of the household"},
        "least": 1,
        "most": 50,
    },
    "situation": {
        "kind": "word",
        "words": {"zh": "家庭困难类别", "en": "Situation of the household"},
        "choices": {word: {"zh": text.zh, "en": text.en} for word, text in SITUATIONS.items()},
    },
}
# What the service works out from decided claims.
COMPUTED = ("net_self_pay_fen", "self_pay_fen", "mutual_aid_fen")
# What a household's file says.
OF_HOUSEHOLD = ("household_income_fen", "household_size", "situation")


class YearLimit(Term):
    """A maximum for one household in a calendar year, or over all years."""

    max: Expression
    per: Annotated[str, Field(pattern=r"^(year|lifetime)$")] = "year"


class Hardship(Term):
    """What a board may grant, with a written reason, where the formula comes to nothing."""

    most: Money


class Condolence(Term):
    """A fixed sum that a visit brings, and how often in a year for one household."""

    amount: Money
    per_year: int = Field(default=1, ge=1, le=12)


class FormulaTerms(Term):
    """The whole document of one formula version.

    `pays` is the amount in fen for a household's facts in one calendar year; with
    `once_a_year` what the fund granted by formula in the year is taken off. `documents`
    are asked for whatever the ground, `ground_documents` besides for one of them. No
    formula can ask where a household is registered: there is no such fact.
    """

    code: str = Field(pattern=PLAN_CODE, examples=["CQ-RELIEF-DEMO"])
    name: Words
    summary: Words
    source: Source
    grounds: tuple[Ground, ...] = Field(min_length=1, max_length=7, strict=False)
    statements: tuple[Statement, ...] = Field(default=(), max_length=20, strict=False)
    facts: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,40}$")], FactDeclaration] = Field(
        default_factory=dict, max_length=40
    )
    tables: dict[Annotated[str, Field(pattern=TABLE)], Table] = Field(
        default_factory=dict, max_length=20
    )
    conditions: tuple[Condition, ...] = Field(default=(), max_length=30, strict=False)
    steps: tuple[Step, ...] = Field(default=(), max_length=30, strict=False)
    pays: Expression
    limits: tuple[YearLimit, ...] = Field(default=(), max_length=10, strict=False)
    once_a_year: bool = True
    documents: tuple[ReliefDocumentKind, ...] = Field(default=(), max_length=7, strict=False)
    ground_documents: dict[
        Ground, Annotated[tuple[ReliefDocumentKind, ...], Field(max_length=7, strict=False)]
    ] = Field(default_factory=dict)
    hardship: Hardship | None = None
    condolence: Condolence | None = None

    def document(self) -> dict[str, Any]:
        """The document as JSON, without what was left to its default."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    @cached_property
    def plan(self) -> PlanTerms:
        """The formula as the engine runs it: a plan of one benefit that nobody buys."""
        document = plan_document(self.document())
        if self.once_a_year:
            [benefit] = document["benefits"]
            granted = {"paid_before": {"within": "year"}}
            benefit["pays"] = {"minus": [benefit["pays"], granted]}
        return PlanTerms.model_validate(document)

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """The facts that decide about the amount."""
        return facts_of(self.plan, self.plan.benefit(RELIEF))

    def papers(self, ground: str) -> tuple[str, ...]:
        """The documents that a case on this ground needs, each once."""
        more = self.ground_documents.get(ground, ())  # type: ignore[call-overload]
        return tuple(dict.fromkeys((*self.documents, *more)))


def plan_document(formula: Mapping[str, Any]) -> dict[str, Any]:
    """The document of a plan with the formula as its only benefit.

    Whatever is at fault in the formula is at fault here, below `/benefits/0`.
    """
    grounds = formula.get("grounds")
    named = (
        [word for word in grounds if isinstance(word, str) and word in GROUNDS]
        if isinstance(grounds, list)
        else []
    )
    words = {word: {"zh": GROUNDS[word].zh, "en": GROUNDS[word].en} for word in named}
    ground: dict[str, Any] = {"kind": "word", "words": {"zh": "救助事由", "en": "Ground"}}
    facts = formula.get("facts")
    own = facts if isinstance(facts, dict) else {}
    benefit: dict[str, Any] = {
        "code": RELIEF,
        "name": _NAME,
        "trigger": _NAME,
        "causes": ["accident", "illness"],
    }
    for part in ("conditions", "steps", "pays", "limits"):
        if part in formula:
            benefit[part] = formula[part]
    if isinstance(benefit.get("limits"), list):
        benefit["limits"] = [
            {"per": "year", **each} if isinstance(each, dict) else each
            for each in benefit["limits"]
        ]
    return {
        "code": formula.get("code"),
        "name": formula.get("name"),
        "summary": formula.get("summary"),
        "kind": "gifted",
        "source": formula.get("source"),
        "eligibility": {"ages": {"male": _EVERYBODY, "female": _EVERYBODY}},
        "contribution": {
            "max_shares": 1,
            "options": [{"code": "A", "term": {"months": 12}, "price": {"yuan": 0}}],
        },
        "facts": {**STANDARD, "ground": ground | ({"choices": words} if words else {}), **own},
        "tables": formula.get("tables", {}),
        "benefits": [benefit],
    }


FROZEN_FORMULAS = Frozen(FormulaTerms)
