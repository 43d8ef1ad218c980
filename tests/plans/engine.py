"""Small documents and a person's history, for tests of the engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from importlib.resources import files
from typing import Any
from uuid import UUID

import yaml
from pydantic import TypeAdapter

from app.kernel.clock import add_months
from app.plans.assessment import Assessment, assess
from app.plans.catalogue import documents
from app.plans.evaluation import compiled
from app.plans.expressions import Expression, Node
from app.plans.history import Past, Standpoint, Use
from app.plans.inputs import Inputs
from app.plans.literals import Within, edge_value
from app.plans.pricing import NO_HISTORY
from app.plans.steps import Run, Scope, Step
from app.plans.tables import expand_tables, standard_tables
from app.plans.terms import PlanTerms

EXPRESSION: TypeAdapter[Node] = TypeAdapter(Expression)
WORDS = {"zh": "字", "en": "words"}
CATALOGUE = {
    document["code"]: PlanTerms.model_validate(document) for _effective, document in documents()
}

# Facts and tables that the operators are tried with.
DAY = date(2026, 3, 1)


KNOWN: dict[str, Any] = {
    "cost_fen": 12_345,
    "shares": 3,
    "grade": 2,
    "ill": True,
    "well": False,
    "disease": "C50",
    "first": DAY,
    "last": date(2026, 3, 31),
    "stays": (
        {"days": 4, "cost_fen": 100_00},
        {"days": 10, "cost_fen": 250_00},
        {"days": 1, "cost_fen": 0},
    ),
}


RATES: dict[str, dict[str, object]] = {
    "RATES": {"1": "1", "2": "0.35", "C50": "0.5"},
    "LIST": {"C50": None, "7": None},
}


def library() -> dict[str, PlanTerms]:
    """Every plan that comes with the service, and every printed one beside them."""
    found = dict(CATALOGUE)
    for entry in files("app.plans").joinpath("library").iterdir():
        if entry.name.endswith(".yaml"):
            document = yaml.load(entry.read_text("utf-8"), yaml.CSafeLoader)["document"]
            terms = PlanTerms.model_validate(expand_tables(document, standard_tables()))
            found[terms.code] = terms
    return found


LIBRARY = library()


def uid(number: int) -> UUID:
    return UUID(int=number)


def parsed(written: object) -> Node:
    """An expression as a document has it."""
    return EXPRESSION.validate_python(written)


def evaluated(
    written: object,
    inputs: Inputs | None = None,
    *,
    past: Past | None = None,
    tables: Mapping[str, Mapping[str, object]] | None = None,
    counters: Mapping[str, tuple[object, Within]] | None = None,
    steps: Mapping[str, Step] | None = None,
    holds: frozenset[str] = frozenset(),
) -> Step:
    """One run of one expression; the entries of `tables` are exact numbers or None."""
    known = {
        name: {word: None if entry is None else edge_value(entry) for word, entry in table.items()}  # type: ignore[arg-type]
        for name, table in (tables or {}).items()
    }
    remembered = {
        name: (compiled(parsed(of), Scope(known)), within)
        for name, (of, within) in (counters or {}).items()
    }
    run = Run(inputs or {}, past or NO_HISTORY, holds, dict(steps or {}))
    return compiled(parsed(written), Scope(known, remembered))(run)


def value(written: object, inputs: Inputs | None = None, **more: Any) -> Any:
    return evaluated(written, inputs, **more).value


def benefit(code: str, pays: object, **more: Any) -> dict[str, Any]:
    return {
        "code": code,
        "name": WORDS,
        "trigger": WORDS,
        "causes": ["accident", "illness"],
        "pays": pays,
        **more,
    }


def condition(code: str, require: object) -> dict[str, Any]:
    return {"code": code, "require": require, "words": WORDS}


def plan(*benefits: dict[str, Any], **more: Any) -> PlanTerms:
    """A document with these benefits and the least of everything else."""
    return PlanTerms.model_validate(
        {
            "code": "PLAN-A",
            "name": WORDS,
            "summary": WORDS,
            "kind": "purchased",
            "source": {"issuer": WORDS, "as_of": "2026", "published_plan": "none"},
            "eligibility": {"ages": {"male": {"minimum": 0, "maximum": 120}}},
            "contribution": {
                "max_shares": 10,
                "options": [{"code": "A", "term": {"months": 12}, "price": {"yuan": 1}}],
            },
            "benefits": list(benefits),
            **more,
        }
    )


START = date(2026, 1, 1)


def here(
    benefit_code: str = "PAY",
    *,
    plan_code: str = "PLAN-A",
    policy: int = 1,
    incident: int = 1,
    claim: int | None = 1_000,
    on: date = date(2026, 6, 1),
    starts: date = START,
    months: int = 12,
) -> Standpoint:
    return Standpoint(
        plan_code,
        benefit_code,
        uid(policy),
        uid(incident),
        None if claim is None else uid(claim),
        on,
        starts,
        add_months(starts, months),
    )


def use(
    fen: int,
    benefit_code: str = "PAY",
    *,
    plan_code: str = "PLAN-A",
    policy: int = 1,
    incident: int = 1,
    claim: int = 1,
    on: date = date(2026, 5, 1),
    counters: Mapping[str, int | Fraction] | None = None,
) -> Use:
    return Use(
        plan_code,
        benefit_code,
        uid(policy),
        uid(incident),
        uid(claim),
        on,
        fen,
        {name: Fraction(count) for name, count in (counters or {}).items()},
    )


@dataclass
class Diary:
    """One person's claims under one plan, each paid before the next is assessed."""

    terms: PlanTerms
    uses: list[Use] = field(default_factory=list)

    def claim(
        self, benefit_code: str, inputs: Inputs, *, incident: int | None = None, policy: int = 1
    ) -> Assessment:
        """Assess one claim and remember it, as a decision does."""
        number = len(self.uses) + 1
        spot = here(
            benefit_code,
            plan_code=self.terms.code,
            policy=policy,
            incident=number if incident is None else incident,
            claim=number,
        )
        found = assess(self.terms, benefit_code, inputs, Past(self.uses, spot))
        if not found.failed and not found.missing:
            self.uses.append(
                Use(
                    spot.plan_code,
                    benefit_code,
                    spot.policy_id,
                    spot.incident_id,
                    uid(number),
                    spot.event_on,
                    found.amount_fen,
                    found.counters,
                )
            )
        return found

    def all_paid(self, benefit_code: str, claims: Sequence[Inputs]) -> list[int]:
        return [self.claim(benefit_code, inputs).amount_fen for inputs in claims]


def assessed(
    terms: PlanTerms,
    inputs: Mapping[str, Any],
    uses: list[Use] | None = None,
    code: str = "PAY",
    **spot: Any,
) -> Assessment:
    return assess(terms, code, inputs, Past(uses or [], here(code, **spot)))


def codes(found: Assessment) -> list[str]:
    return [failed.code for failed in found.failed]
