"""Operators that count: over the items of a list, and over what was counted and paid before."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from app.plans.literals import CODE, NAME, PLAN_CODE, Term, Within

if TYPE_CHECKING:
    from app.plans.expressions import Expression


class EachOf(Term):
    """A list, and what each of its items gives; inside, its fields are `list.field`."""

    of: str = Field(pattern=NAME)
    gives: "Expression"


class Each(Term):
    """Added up over the items of a list."""

    each: EachOf

    @property
    def over(self) -> EachOf:
        """The list, and what each of its items gives."""
        return self.each


class Largest(Term):
    """The largest over the items of a list: the gravest injury, the highest class."""

    largest: EachOf

    @property
    def over(self) -> EachOf:
        """The list, and what each of its items gives."""
        return self.largest


class Count(Term):
    """How many items a list has."""

    count: str = Field(pattern=NAME)


class OccurrenceIn(Term):
    """The period in which it is counted."""

    within: Within


class Occurrence(Term):
    """1 for the first paid claim of this benefit in the period, 2 for the second …

    Inside `each`, the item's own number, the items of earlier paid claims counted as well.
    """

    occurrence: OccurrenceIn


class PaidIn(Term):
    """A period, and which benefits of this plan, or which other plans; else this benefit."""

    within: Within
    benefits: Annotated[
        tuple[Annotated[str, Field(pattern=CODE)], ...], Field(max_length=40, strict=False)
    ] = ()
    plans: Annotated[
        tuple[Annotated[str, Field(pattern=PLAN_CODE)], ...], Field(max_length=40, strict=False)
    ] = ()


class PaidBefore(Term):
    """What was paid before in the period."""

    paid_before: PaidIn


class Before(Term):
    """What a counter had before this claim."""

    before: str = Field(pattern=NAME)


class Total(Term):
    """What a counter has with this claim."""

    total: str = Field(pattern=NAME)


Listing = Each | Largest
