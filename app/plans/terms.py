"""A plan version's document as types: everything that the service does by it is in here."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from app.plans.benefits import (
    STANDARD_DOCUMENTS,
    Benefit,
    Cause,
    DocumentKind,
    Limit,
    PlanCode,
    Words,
)
from app.plans.declarations import FactDeclaration, Table
from app.plans.errors import BenefitNotFound, OptionNotFound
from app.plans.frozen import Frozen
from app.plans.literals import (
    OWN_NAME,
    PLAN_CODE,
    REASON,
    TABLE,
    Money,
    Rate,
    Term,
    Yuan,
)
from app.plans.prices import Cancellation, Contribution, ContributionOption, PlanDay, Upgrade

Sex = Literal["male", "female"]
Occupation = Literal[
    "delivery_rider", "courier", "ride_hailing_driver", "truck_driver", "other_gig", "employee"
]
Channel = Literal["bought", "gifted", "roster", "on_site"]


class AgeRange(Term):
    """Ages in whole years on the first covered day, both inclusive ("未满60" is 59)."""

    minimum: int = Field(ge=0, le=120)
    maximum: int = Field(ge=0, le=120)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError("the minimum age is above the maximum age")
        return self


class Statement(Term):
    """Something that the applicant states and answers for: good health, insured, in service."""

    code: str = Field(pattern=REASON, examples=["healthy"])
    words: Words


class Eligibility(Term):
    """Who may be covered. Nothing named means everybody.

    `renewal_maximum_age` replaces the maximum for who renews without a gap.
    """

    ages: dict[Sex, AgeRange] = Field(min_length=1)
    renewal_maximum_age: int | None = Field(default=None, ge=0, le=120)
    occupations: tuple[Occupation, ...] = Field(default=(), strict=False)
    statements: tuple[Statement, ...] = Field(default=(), max_length=20, strict=False)
    unit_required: bool = False
    card_required: bool = False


class Group(Term):
    """What a unit has to fulfil that joins as a whole."""

    minimum_participation: Rate | None = None
    everybody_up_to: int | None = Field(default=None, ge=1, le=10_000)
    equal_shares: bool = False


class Joining(Term):
    """When and how a plan may be joined; no window means at any time."""

    opens_on: PlanDay | None = None
    closes_on: PlanDay | None = None
    channels: tuple[Channel, ...] = Field(default=(), strict=False)
    group: Group | None = None


class Waiting(Term):
    """Days from the start in which a cause pays nothing; day 0 is the first covered day."""

    accident_days: int = Field(default=0, ge=0, le=3_650)
    illness_days: int = Field(default=0, ge=0, le=3_650)


class Renewal(Term):
    """How cover goes on. A renewal inside the grace days follows the old end and does not wait."""

    modes: tuple[Literal["manual", "automatic"], ...] = Field(default=("manual",), strict=False)
    opens_days_before: int = Field(default=30, ge=0, le=365)
    grace_days: int = Field(default=0, ge=0, le=365)
    covered_in_grace: bool = False


class Relations(Term):
    """Other plans: that cannot be held as well, that must be held, that pay first."""

    excludes: tuple[PlanCode, ...] = Field(default=(), max_length=40, strict=False)
    requires: tuple[PlanCode, ...] = Field(default=(), max_length=40, strict=False)
    pays_after: tuple[PlanCode, ...] = Field(default=(), max_length=40, strict=False)


class Clock(Term):
    """A promised length of time."""

    length: int = Field(ge=1, le=365)
    unit: Literal["calendar_days", "working_days"] = "calendar_days"


class ClaimRules(Term):
    """How claims of this plan are run; lengths are the plan's promise (domain.md).

    Up to `straight_through_up_to` a complete claim may be decided by rule. `appeal_days`
    count from the decision. An incident in the first `early_days` of cover is looked at by a
    person. `decided_by` is the managing or the receiving organisation.
    """

    deadline_days: int = Field(default=730, ge=1, le=3_650)
    review: Clock = Clock(length=5)
    payout: Clock = Clock(length=10)
    second_approval_above: Money = Yuan(yuan=20_000)
    straight_through_up_to: Money | None = None
    appeal_days: int = Field(default=60, ge=0, le=365)
    early_days: int = Field(default=3, ge=0, le=365)
    decided_by: Literal["managing", "receiving"] = "managing"

    @property
    def second_approval_above_fen(self) -> int:
        return self.second_approval_above.fen


class Source(Term):
    """Where the terms come from, and which of them nobody published."""

    issuer: Words
    as_of: str = Field(min_length=1, max_length=60)
    published_plan: str = Field(min_length=1, max_length=60)
    demonstration: tuple[Words, ...] = Field(default=(), max_length=40, strict=False)


class PlanTerms(Term):
    """The whole document of one plan version."""

    code: str = Field(pattern=PLAN_CODE, examples=["RIDER-ACC"])
    name: Words
    summary: Words
    kind: Literal["purchased", "gifted"]
    source: Source
    eligibility: Eligibility
    contribution: Contribution
    joining: Joining = Joining()
    waiting: Waiting = Waiting()
    renewal: Renewal = Renewal()
    upgrade: Upgrade | None = None
    cancellation: Cancellation = Cancellation()
    relations: Relations = Relations()
    facts: dict[Annotated[str, Field(pattern=OWN_NAME)], FactDeclaration] = Field(
        default_factory=dict, max_length=60
    )
    tables: dict[Annotated[str, Field(pattern=TABLE)], Table] = Field(
        default_factory=dict, max_length=40
    )
    document_kinds: dict[DocumentKind, Words] = Field(default_factory=dict, max_length=40)
    benefits: tuple[Benefit, ...] = Field(min_length=1, max_length=40, strict=False)
    limits: tuple[Limit, ...] = Field(default=(), max_length=20, strict=False)
    claims: ClaimRules = ClaimRules()

    # What was made ready from this document, by benefit.
    _programs: dict[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def programs(self) -> dict[str, Any]:
        """Where compiled benefits are kept with their document."""
        return self._programs

    def document(self) -> dict[str, Any]:
        """The document as JSON, without what was left to its default."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    @property
    def gifted(self) -> bool:
        return self.kind == "gifted"

    @property
    def max_shares(self) -> int:
        return self.contribution.max_shares

    @cached_property
    def by_code(self) -> Mapping[str, Benefit]:
        return {benefit.code: benefit for benefit in self.benefits}

    def option(self, code: str | None = None) -> ContributionOption:
        """The named contribution option, or the first; raises OptionNotFound (422)."""
        for option in self.contribution.options:
            if code is None or option.code == code:
                return option
        raise OptionNotFound

    def benefit(self, code: str) -> Benefit:
        """Raises BenefitNotFound (422)."""
        found = self.by_code.get(code)
        if found is None:
            raise BenefitNotFound
        return found

    def limits_of(self, benefit_code: str) -> tuple[Limit, ...]:
        """The plan's own limits that this benefit's payments count against."""
        return tuple(
            limit for limit in self.limits if not limit.benefits or benefit_code in limit.benefits
        )

    def documents(self, benefit_code: str) -> tuple[DocumentKind, ...]:
        """The papers that a claim for this benefit needs: exactly these, never more."""
        return self.benefit(benefit_code).documents

    def document_name(self, kind: DocumentKind) -> Words:
        """What a kind of paper is called."""
        return self.document_kinds.get(kind) or STANDARD_DOCUMENTS[kind]

    def waiting_days(self, benefit_code: str, cause: Cause) -> int:
        """Days since the start (day 0) in which this cause pays nothing under this benefit."""
        own = self.benefit(benefit_code).waiting_days
        if cause == "accident":
            return self.waiting.accident_days
        return self.waiting.illness_days if own is None else own

    @cached_property
    def waits(self) -> Mapping[str, tuple[tuple[Cause, timedelta], ...]]:
        """The waiting time of every cause of every benefit, by the benefit's code."""
        return {
            benefit.code: tuple(
                (cause, timedelta(days=self.waiting_days(benefit.code, cause)))
                for cause in benefit.causes
            )
            for benefit in self.benefits
        }

    @cached_property
    def longest_wait(self) -> timedelta:
        """After so long every cause of every benefit pays."""
        return max((wait for each in self.waits.values() for _, wait in each), default=timedelta())


FROZEN_TERMS = Frozen(PlanTerms)
