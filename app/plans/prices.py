"""What a plan version says of time and money: terms, prices, upgrades, what goes back."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from app.kernel.schema import Day
from app.plans.benefits import Words
from app.plans.expressions import Expression
from app.plans.literals import OPTION, Term

# The longest term: ten years.
MAX_MONTHS = 120


def _plain_day(value: object) -> object:
    """YAML reads a date as a date; the document keeps it as text."""
    return value.isoformat() if type(value) is date else value


PlanDay = Annotated[Day, BeforeValidator(_plain_day)]


class Span(Term):
    """How long cover lasts: months, days, a choice of days, or fixed calendar days.

    A fixed period covers both of its days; a choice of days is made with the order.
    """

    months: int | None = Field(default=None, ge=1, le=MAX_MONTHS)
    days: int | None = Field(default=None, ge=1, le=366)
    days_from: int | None = Field(default=None, ge=1, le=366)
    days_to: int | None = Field(default=None, ge=1, le=366)
    first_day: PlanDay | None = None
    last_day: PlanDay | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        chosen = [
            self.months is not None,
            self.days is not None,
            (self.days_from, self.days_to) != (None, None),
            (self.first_day, self.last_day) != (None, None),
        ]
        if sum(chosen) != 1:
            raise ValueError("give months, or days, or days_from and days_to, or both fixed days")
        if chosen[2] and (
            self.days_from is None or self.days_to is None or self.days_from > self.days_to
        ):
            raise ValueError("days_from and days_to go together, in this order")
        if chosen[3] and (
            self.first_day is None or self.last_day is None or self.first_day > self.last_day
        ):
            raise ValueError("first_day and last_day go together, in this order")
        return self


class Part(Term):
    """What one payer gives of a price."""

    payer: Literal["member", "unit", "union", "platform"]
    amount: Expression


class ContributionOption(Term):
    """A price for a term. `price` is for all shares together and the whole term.

    `split` says who pays what of it; the parts must add up to the price. `deposit` is
    the part that goes back when the term ends.
    """

    code: str = Field(pattern=OPTION)
    name: Words | None = None
    term: Span
    price: Expression
    split: tuple[Part, ...] = Field(default=(), max_length=4, strict=False)
    deposit: Expression | None = None


class Contribution(Term):
    """Prices; the first option is the one sold when nobody chooses.

    `late_price` prices what is joined after a fixed term has begun (remaining days or
    months); without it the full price is due.
    """

    options: tuple[ContributionOption, ...] = Field(min_length=1, max_length=40, strict=False)
    max_shares: int = Field(ge=1, le=100)
    late_price: Expression | None = None


class Raise(Term):
    """From one contribution option to a higher one during the term, and what that costs.

    All shares are raised together; until the waiting days of the higher option are over
    the lower one pays.
    """

    from_: str = Field(alias="from", pattern=OPTION)
    to: str = Field(pattern=OPTION)
    price: Expression


class Upgrade(Term):
    """More for running cover: shares added at a `price`, and options raised.

    What is new waits, what there was does not.
    """

    price: Expression | None = None
    options: tuple[Raise, ...] = Field(default=(), max_length=40, strict=False)

    def raising(self, held: str, wanted: str) -> Raise | None:
        """How one option becomes another; None where the plan does not say so."""
        for each in self.options:
            if (each.from_, each.to) == (held, wanted):
                return each
        return None


class Cancellation(Term):
    """What goes back on cancelling; a missing rule means it cannot be cancelled then."""

    before_start: Expression | None = None
    after_start: Expression | None = None
