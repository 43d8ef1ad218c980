"""Operators that reckon: with amounts, numbers and days."""

from typing import TYPE_CHECKING

from app.plans.literals import Edge, Term

if TYPE_CHECKING:
    from app.plans.expressions import Expression, Several


class Sum(Term):
    """Everything added up: money with money, or numbers with numbers."""

    sum: "Several"


class Minus(Term):
    """The first less all others, never below zero: a deductible, unpaid days, an offset."""

    minus: "Several"


class Times(Term):
    """Multiplied; at most one of the factors is money."""

    times: "Several"


class PercentOf(Term):
    """A rate is a share of one: "0.35" is 35 %."""

    of: "Expression"
    rate: "Expression"


class Percent(Term):
    """A share of an amount."""

    percent: PercentOf


class Limited(Term):
    """What is limited, and the limit."""

    of: "Expression"
    limit: "Expression"


class AtMost(Term):
    """The smaller of two: a maximum."""

    at_most: Limited


class Floored(Term):
    """What is lifted, and to what."""

    of: "Expression"
    floor: "Expression"


class AtLeast(Term):
    """The larger of two: a minimum payment. Nothing stays nothing only where `when` says so."""

    at_least: Floored


class Proportion(Term):
    """`of` × `part` ÷ `whole`; nothing where `whole` is zero, never more than `of`."""

    of: "Expression"
    part: "Expression"
    whole: "Expression"


class ProRata(Term):
    """A part of an amount by days or months."""

    pro_rata: Proportion


class Units(Term):
    """How many times `per` fits into `of`."""

    of: "Expression"
    per: Edge


class Full(Term):
    """Whole units: full weeks, full thousands."""

    full: Units


class Span(Term):
    """Two days."""

    first: "Expression"
    last: "Expression"


class DaysBetween(Term):
    """Days from the first to the last; zero where the last is not later."""

    days_between: Span
