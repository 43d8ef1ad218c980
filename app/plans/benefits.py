"""What a benefit pays, as typed data: one class per shape, told apart by `shape`."""

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.kernel.schema import PositiveFen

DocumentKind = Literal[
    "identity",
    "medical_record",
    "receipt",
    "claimant_identity",
    "death_certificate",
    "kinship_proof",
    "disability_assessment",
]
Cause = Literal["accident", "illness"]

THREE: tuple[DocumentKind, ...] = ("identity", "medical_record", "receipt")
DEATH_THREE: tuple[DocumentKind, ...] = (
    "claimant_identity",
    "death_certificate",
    "kinship_proof",
)


class Term(BaseModel):
    """Base of everything inside a plan document: nothing coerced, nothing unknown."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Words(Term):
    """A text of the plan in both languages."""

    zh: str = Field(min_length=1, max_length=2_000)
    en: str = Field(min_length=1, max_length=2_000)


def _share_of_one(value: str) -> str:
    if not 0 < Fraction(value) <= 1:
        raise ValueError("a share above 0 and up to 1 is expected")
    return value


# Exact decimals as text: a float would not be what the printed plan says.
Rate = Annotated[
    str,
    Field(pattern=r"^(?:0\.\d{1,6}|1(?:\.0{1,6})?)$", examples=["0.35"]),
    AfterValidator(_share_of_one),
]


class _Benefit(Term):
    """What every benefit has, whatever its shape.

    `causes` say what may have happened; `cap_per_term_fen` limits all payments of one
    policy under this benefit together, per share where `per_share` says so; `excludes`
    names benefits of the same incident that cannot be paid beside this one.
    """

    code: str = Field(pattern=r"^[A-Z][A-Z0-9_]{1,31}$")
    name: Words
    trigger: Words
    causes: tuple[Cause, ...] = Field(min_length=1, strict=False)
    per_share: bool = False
    documents: tuple[DocumentKind, ...] = Field(default=THREE, min_length=1, strict=False)
    waiting_days: int | None = Field(default=None, ge=0, le=3_650)
    cap_per_term_fen: PositiveFen | None = None
    hospital_grade_from: Literal[1, 2, 3] | None = None
    excludes: tuple[str, ...] = Field(default=(), strict=False)


class Lump(_Benefit):
    """A fixed amount when the event happens."""

    shape: Literal["lump"]
    amount_fen: PositiveFen


class LumpPerShare(_Benefit):
    """A fixed amount for each share."""

    shape: Literal["lump_per_share"]
    amount_per_share_fen: PositiveFen


class LumpUpTo(_Benefit):
    """The proven loss, up to a maximum."""

    shape: Literal["lump_up_to"]
    max_fen: PositiveFen


class DisabilityGrade(_Benefit):
    """The grade's share of a base amount, by one of the plan's disability tables."""

    shape: Literal["disability_grade"]
    base_fen: PositiveFen
    table: str


class PercentAfterDeductible(_Benefit):
    """A share of the self-paid cost above a deductible, up to a maximum per claim."""

    shape: Literal["percent_after_deductible"]
    deductible_fen: int = Field(ge=0)
    rate: Rate
    max_fen: PositiveFen


class PerDiem(_Benefit):
    """An amount per day in hospital, after unpaid first days of each stay, up to limits."""

    shape: Literal["per_diem"]
    daily_fen: PositiveFen
    unpaid_days_per_stay: int = Field(default=0, ge=0, le=365)
    max_days: int | None = Field(default=None, ge=1, le=3_650)
    max_fen: PositiveFen | None = None


Benefit = Annotated[
    Lump | LumpPerShare | LumpUpTo | DisabilityGrade | PercentAfterDeductible | PerDiem,
    Field(discriminator="shape"),
]
