"""A plan version's document as types: everything that the service does by it is in here."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from app.kernel.schema import Fen, PositiveFen
from app.plans.benefits import Benefit, Cause, DocumentKind, Rate, Term, Words
from app.plans.errors import BenefitNotFound, OptionNotFound

Sex = Literal["male", "female"]
Occupation = Literal[
    "delivery_rider", "courier", "ride_hailing_driver", "truck_driver", "other_gig", "employee"
]


class AgeRange(Term):
    """Ages in whole years on the first covered day, both inclusive ("未满60" is 59)."""

    minimum: int = Field(ge=0, le=120)
    maximum: int = Field(ge=0, le=120)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError("the minimum age is above the maximum age")
        return self


class Eligibility(Term):
    """Who may be covered; no occupations named means every occupation."""

    ages: dict[Sex, AgeRange]
    occupations: tuple[Occupation, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _both_sexes(self) -> Self:
        if not self.ages:
            raise ValueError("name the ages of at least one sex")
        return self


class ContributionOption(Term):
    """A price for a term: months or days, never both."""

    code: str = Field(pattern=r"^[A-Z0-9]{1,8}$")
    price_per_share_fen: Fen
    term_months: int | None = Field(default=None, ge=1, le=120)
    term_days: int | None = Field(default=None, ge=1, le=366)

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        if (self.term_months is None) == (self.term_days is None):
            raise ValueError("give term_months or term_days")
        return self


class Contribution(Term):
    """Prices; the first option is the one sold when nobody chooses."""

    options: tuple[ContributionOption, ...] = Field(min_length=1, strict=False)
    max_shares: int = Field(ge=1, le=100)
    refund: Literal["none", "full_before_start"] = "full_before_start"


class Clock(Term):
    """A promised length of time."""

    length: int = Field(ge=1, le=365)
    unit: Literal["calendar_days", "working_days"] = "calendar_days"


class ClaimRules(Term):
    """How claims of this plan are run; lengths are the plan's promise (domain.md)."""

    deadline_days: int = Field(default=730, ge=1, le=3_650)
    review: Clock = Clock(length=5)
    payout: Clock = Clock(length=10)
    second_approval_above_fen: Fen = 2_000_000


class Waiting(Term):
    """Days from the start in which a cause pays nothing; day 0 is the first covered day."""

    accident_days: int = Field(default=0, ge=0, le=3_650)
    illness_days: int = Field(default=0, ge=0, le=3_650)
    renewal_grace_days: int = Field(default=0, ge=0, le=365)


class Source(Term):
    """Where the terms come from, and which of them nobody published."""

    issuer: Words
    as_of: str
    published_plan: str
    demonstration: tuple[Words, ...] = Field(default=(), strict=False)


DisabilityTable = Annotated[dict[str, Rate], Field(min_length=1)]


class PlanTerms(Term):
    """The whole document of one plan version."""

    code: str = Field(pattern=r"^[A-Z][A-Z0-9-]{1,31}$")
    name: Words
    summary: Words
    kind: Literal["purchased", "gifted"]
    source: Source
    eligibility: Eligibility
    contribution: Contribution
    waiting: Waiting = Waiting()
    benefits: tuple[Benefit, ...] = Field(min_length=1, strict=False)
    claims: ClaimRules = ClaimRules()
    cap_per_term_fen: PositiveFen | None = None
    tables: dict[str, DisabilityTable] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        codes = [benefit.code for benefit in self.benefits]
        if len(set(codes)) != len(codes):
            raise ValueError("a benefit code appears twice")
        for benefit in self.benefits:
            if benefit.shape == "disability_grade" and benefit.table not in self.tables:
                raise ValueError(f"{benefit.code} names a table that the document lacks")
            if unknown := set(benefit.excludes) - set(codes):
                raise ValueError(f"{benefit.code} excludes unknown benefits {sorted(unknown)}")
        free = all(not option.price_per_share_fen for option in self.contribution.options)
        if free != (self.kind == "gifted"):
            raise ValueError("a gifted plan is free and a purchased plan is not")
        return self

    @property
    def gifted(self) -> bool:
        return self.kind == "gifted"

    @property
    def max_shares(self) -> int:
        return self.contribution.max_shares

    @property
    def term_months(self) -> int | None:
        return self.option().term_months

    @property
    def term_days(self) -> int | None:
        return self.option().term_days

    def option(self, code: str | None = None) -> ContributionOption:
        """The named contribution option, or the first; raises OptionNotFound (422)."""
        for option in self.contribution.options:
            if code is None or option.code == code:
                return option
        raise OptionNotFound

    def price_fen(self, shares: int, option: str | None = None) -> int:
        """What `shares` cost for the whole term, in fen."""
        return shares * self.option(option).price_per_share_fen

    def benefit(self, code: str) -> Benefit:
        """Raises BenefitNotFound (422)."""
        for benefit in self.benefits:
            if benefit.code == code:
                return benefit
        raise BenefitNotFound

    def documents(self, benefit_code: str) -> tuple[DocumentKind, ...]:
        """The papers that a claim for this benefit needs: exactly these, never more."""
        return self.benefit(benefit_code).documents

    def waiting_days(self, benefit_code: str, cause: Cause) -> int:
        """Days since the start (day 0) in which this cause pays nothing under this benefit."""
        own = self.benefit(benefit_code).waiting_days
        if cause == "accident":
            return self.waiting.accident_days
        return self.waiting.illness_days if own is None else own


@lru_cache(maxsize=512)
def _parsed(_version_id: UUID, document: "_Document") -> PlanTerms:
    return PlanTerms.model_validate(document.content)


class _Document:
    """A document that the cache does not look at: the version id is the whole key."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = content

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Document)


def frozen_terms(version_id: UUID, document: Mapping[str, Any]) -> PlanTerms:
    """The terms of a version whose document can no longer change."""
    return _parsed(version_id, _Document(document))
