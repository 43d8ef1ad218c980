"""What a price looks at: what the buyer chose and stated, who they are, and the days."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.dialects.postgresql import Range

from app.kernel.clock import business_day
from app.plans.expressions import Node
from app.plans.inputs import Value
from app.plans.prices import ContributionOption, Span
from app.plans.terms import PlanTerms
from app.policies.calendar import age_on, period_days, whole_months
from app.policies.eligibility import Applicant


@dataclass(frozen=True, slots=True)
class Choice:
    """What the buyer chose and stated. `shares` are those bought: of an upgrade the added."""

    shares: int = 1
    option: str | None = None
    term_days: int | None = None
    starts_on: date | None = None
    occupation: str | None = None
    statements: tuple[str, ...] = ()
    unit_kind: str | None = None
    card_holder: bool | None = None

    def stated(self) -> dict[str, Any]:
        """What the buyer answers for, as it is sealed; empty when nothing was stated."""
        found = {
            "statements": list(self.statements) or None,
            "occupation": self.occupation,
            "unit_kind": self.unit_kind,
            "card_holder": self.card_holder,
        }
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who is to be covered. `in_unit`: the membership is with a unit of ours, or under one."""

    birth_on: date
    sex: str
    verified_at: datetime
    in_unit: bool = False

    def applicant(self, choice: Choice) -> Applicant:
        """What the rules look at."""
        return Applicant(
            birth_on=self.birth_on,
            sex=self.sex,
            occupation=choice.occupation,
            statements=frozenset(choice.statements),
            in_unit=self.in_unit or choice.unit_kind is not None,
            card_holder=choice.card_holder,
        )


def price_of(terms: PlanTerms, option: ContributionOption, first_day: date) -> tuple[str, Node]:
    """Who joins after a fixed term has begun pays the late price, where there is one."""
    begun = option.term.first_day is not None and first_day > option.term.first_day
    late = terms.contribution.late_price
    if begun and late is not None:
        return "late_price", late
    return f"price:{option.code}", option.price


def price_inputs(
    term: Span, choice: Choice, buyer: Buyer, first_day: date, period: Range[datetime]
) -> dict[str, Value]:
    """The vocabulary of prices; what nobody stated is left out and asked for."""
    assert period.upper is not None  # noqa: S101  cover always ends
    end = business_day(period.upper)
    remaining = period_days(period)
    whole, first = remaining, first_day
    if term.first_day is not None and term.last_day is not None:
        first, whole = term.first_day, (term.last_day - term.first_day).days + 1
    inputs: dict[str, Value | None] = {
        "shares": choice.shares,
        "age": age_on(buyer.birth_on, first_day),
        "sex": buyer.sex,
        "occupation": choice.occupation,
        "unit_member": buyer.in_unit or choice.unit_kind is not None,
        "unit_kind": choice.unit_kind,
        "card_holder": choice.card_holder,
        "term_days": whole,
        "term_months": term.months or whole_months(first, end),
        "remaining_days": remaining,
        "remaining_months": whole_months(first_day, end),
    }
    return {name: value for name, value in inputs.items() if value is not None}
