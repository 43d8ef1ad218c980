"""One promise of a plan: when it pays, what it pays, within which limits, on which papers."""

import unicodedata
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from app.plans.expressions import Expression
from app.plans.literals import CODE, FIELD, NAME, OWN_NAME, PLAN_CODE, REASON, Term, Within

# A standard kind, or one that the plan declares under `document_kinds`.
DocumentKind = Annotated[str, Field(pattern=OWN_NAME, examples=["medical_record"])]
Cause = Literal["accident", "illness"]
Across = Literal["policy", "member"]
Code = Annotated[str, Field(pattern=CODE)]
PlanCode = Annotated[str, Field(pattern=PLAN_CODE)]
Name = Annotated[str, Field(pattern=NAME)]

THREE: tuple[DocumentKind, ...] = ("identity", "medical_record", "receipt")


def _readable(value: str) -> str:
    """Members read it: some of it is visible, and nothing turns or hides what follows."""
    if any(each != "\n" and unicodedata.category(each) in ("Cc", "Cf") for each in value):
        raise ValueError("a text without control characters is expected")
    if not value.strip():
        raise ValueError("a text that can be seen is expected")
    return value


Readable = Annotated[str, Field(min_length=1, max_length=2_000), AfterValidator(_readable)]


class Words(Term):
    """A text of the plan in both languages."""

    zh: Readable
    en: Readable


# The papers that any plan may ask for without declaring them.
STANDARD_DOCUMENTS: Mapping[str, Words] = {
    "identity": Words(zh="身份证明", en="Identity document"),
    "medical_record": Words(zh="诊断或出院记录", en="Diagnosis or discharge record"),
    "receipt": Words(zh="医疗发票或结算单", en="Medical invoice or settlement sheet"),
    "claimant_identity": Words(zh="申领人身份证明", en="Identity of the claimant"),
    "death_certificate": Words(zh="死亡证明", en="Death certificate"),
    "kinship_proof": Words(zh="亲属关系证明", en="Proof of kinship"),
    "disability_assessment": Words(zh="伤残鉴定书", en="Disability assessment"),
}


class Condition(Term):
    """Something that must hold before anything is paid; `code` is the reason when it does not."""

    code: str = Field(pattern=REASON, examples=["hospital-grade-too-low"])
    require: Expression
    words: Words


class Step(Term):
    """A named intermediate value; later steps and `pays` use it by its name."""

    name: str = Field(pattern=OWN_NAME)
    words: Words
    value: Expression


class Counter(Term):
    """What is remembered of each paid claim: days, cost, stays; counted within a period."""

    of: Expression
    within: Within
    words: Words


class Limit(Term):
    """A maximum for everything paid in a period.

    `across` is this policy, or all policies of the member. `benefits` are those counted
    together (default: this benefit; on a plan: all). `plans` adds other plans and
    implies the whole member.
    """

    max: Expression
    per: Within
    across: Across = "policy"
    benefits: tuple[Code, ...] = Field(default=(), max_length=40, strict=False)
    plans: tuple[PlanCode, ...] = Field(default=(), max_length=40, strict=False)


class Once(Term):
    """Pays once in the period, and thereby ends the benefits named, itself included."""

    within: Literal["term", "lifetime"] = "term"
    benefits: tuple[Code, ...] = Field(default=(), max_length=40, strict=False)


class Benefit(Term):
    """One promise of a plan.

    `pays` is the amount in fen for the facts of a claim, computed from `steps` and
    inputs. `excludes` names benefits of the same incident that cannot be paid beside
    this one. `waiting_days` replaces the plan's days for illness. `schemes` are public
    schemes that go first; what they paid is a fact of the claim.
    """

    code: Code
    name: Words
    trigger: Words
    causes: tuple[Cause, ...] = Field(min_length=1, strict=False)
    waiting_days: int | None = Field(default=None, ge=0, le=3_650)
    conditions: tuple[Condition, ...] = Field(default=(), max_length=30, strict=False)
    counters: dict[Annotated[str, Field(pattern=FIELD)], Counter] = Field(
        default_factory=dict, max_length=10
    )
    steps: tuple[Step, ...] = Field(default=(), max_length=30, strict=False)
    pays: Expression
    limits: tuple[Limit, ...] = Field(default=(), max_length=20, strict=False)
    once: Once | None = None
    excludes: tuple[Code, ...] = Field(default=(), max_length=40, strict=False)
    schemes: tuple[Words, ...] = Field(default=(), max_length=10, strict=False)
    documents: tuple[DocumentKind, ...] = Field(
        default=THREE, min_length=1, max_length=20, strict=False
    )
    payee: Literal["member", "beneficiary"] = "member"
