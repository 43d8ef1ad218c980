"""Operators that hold or do not hold."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from app.plans.literals import PLAN_CODE, WORD, Term
from app.plans.operators.choices import Entry

if TYPE_CHECKING:
    from app.plans.expressions import Expression, Pair, Several


class Equals(Term):
    """Both are the same number, amount, word or day."""

    equals: "Pair"


class Reaches(Term):
    """The first is at least the second (≥)."""

    reaches: "Pair"


class Exceeds(Term):
    """The first is above the second (>)."""

    exceeds: "Pair"


class UpTo(Term):
    """The first is at most the second (≤)."""

    up_to: "Pair"


class Below(Term):
    """The first is below the second (<)."""

    below: "Pair"


class Words_(Term):
    """A word, and those that it may be."""

    of: "Expression"
    words: Annotated[
        tuple[Annotated[str, Field(pattern=WORD)], ...],
        Field(min_length=1, max_length=200, strict=False),
    ]


class OneOf(Term):
    """Whether a word is one of those named."""

    one_of: Words_


class Listed(Term):
    """Whether a table of the document has the word or number."""

    listed: Entry


class Holds(Term):
    """Whether the person was also covered by another plan at the event."""

    holds: str = Field(pattern=PLAN_CODE)


class All(Term):
    """Every condition holds."""

    all: "Several"


class Any_(Term):
    """At least one condition holds."""

    any: "Several"


class Not(Term):
    """The condition does not hold."""

    not_: "Expression" = Field(alias="not")


Comparison = Equals | Reaches | Exceeds | UpTo | Below
