"""What a value can be while it is not known: an interval, a truth, words, days; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import reduce
from math import ceil, floor

from app.plans.literals import edge_value
from app.plans.operators.choices import Range

ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Interval:
    """Numbers or fen from `low` to `high`, both inclusive; None is without end.

    Nothing in a plan is below zero. `whole`: there are no fractions between.
    """

    low: Fraction
    high: Fraction | None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Truth:
    """Whether a condition can hold, and whether it can fail."""

    can_hold: bool
    can_fail: bool


@dataclass(frozen=True, slots=True)
class WordSet:
    """The words that a word can be; None is any."""

    words: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Days:
    """Days from `low` to `high`, both inclusive; None is without end."""

    low: date | None
    high: date | None


Bound = Interval | Truth | WordSet | Days
EITHER = Truth(True, True)
NOTHING = Interval(ZERO, ZERO, True)


def exactly(value: int | Fraction) -> Interval:
    known = Fraction(value)
    return Interval(known, known, known.denominator == 1)


def settled(value: bool) -> Truth:
    return Truth(value, not value)


def join(bounds: Iterable[Bound]) -> Bound:
    """What a value can be that is one of several."""
    return reduce(_join, bounds)


def _join(one: Bound, other: Bound) -> Bound:
    if isinstance(one, Truth) or isinstance(other, Truth):
        first, second = _truth(one), _truth(other)
        return Truth(first.can_hold or second.can_hold, first.can_fail or second.can_fail)
    if isinstance(one, WordSet) and isinstance(other, WordSet):
        if one.words is None or other.words is None:
            return WordSet(None)
        return WordSet(one.words | other.words)
    if isinstance(one, Days) and isinstance(other, Days):
        lows = None if one.low is None or other.low is None else min(one.low, other.low)
        highs = None if one.high is None or other.high is None else max(one.high, other.high)
        return Days(lows, highs)
    first_, second_ = interval(one), interval(other)
    open_ = first_.high is None or second_.high is None
    high = None if open_ else max(first_.high or ZERO, second_.high or ZERO)
    return Interval(min(first_.low, second_.low), high, first_.whole and second_.whole)


def _truth(bound: Bound) -> Truth:
    """The truth that stands where nothing was chosen does not hold."""
    return bound if isinstance(bound, Truth) else Truth(False, True)


def interval(bound: Bound) -> Interval:
    """A bound that the kind checker has found to be a number or money."""
    if not isinstance(bound, Interval):
        raise TypeError(f"not a number: {bound}")
    return bound


def added(one: Interval, other: Interval) -> Interval:
    high = None if one.high is None or other.high is None else one.high + other.high
    return Interval(one.low + other.low, high, one.whole and other.whole)


def lessened(one: Interval, other: Interval) -> Interval:
    low = ZERO if other.high is None else max(ZERO, one.low - other.high)
    high = None if one.high is None else max(ZERO, one.high - other.low)
    return Interval(low, high, one.whole and other.whole)


def multiplied(one: Interval, other: Interval) -> Interval:
    low = one.low * other.low
    whole = one.whole and other.whole
    if ZERO in (one.high, other.high):
        return Interval(ZERO, ZERO, True)
    if one.high is None or other.high is None:
        return Interval(low, None, whole)
    high = one.high * other.high
    return Interval(low, high, whole or (low == high and low.denominator == 1))


def smaller(one: Interval, other: Interval) -> Interval:
    highs = [each.high for each in (one, other) if each.high is not None]
    whole = one.whole and other.whole
    return Interval(min(one.low, other.low), min(highs) if highs else None, whole)


def larger(one: Interval, other: Interval) -> Interval:
    high = None if one.high is None or other.high is None else max(one.high, other.high)
    return Interval(max(one.low, other.low), high, one.whole and other.whole)


def proportion(of: Interval, part: Interval, whole: Interval) -> Interval:
    """`of` × the share `part` ÷ `whole`, which is from 0 to 1, and 0 where `whole` is 0."""
    least = ZERO
    if whole.low > 0 and whole.high is not None:
        least = min(Fraction(1), part.low / whole.high)
    most = Fraction(1)
    if whole.high == 0 or part.high == 0:
        most = ZERO
    elif part.high is not None and whole.low > 0:
        most = min(most, part.high / whole.low)
    return multiplied(of, Interval(least, most))


# Cuts: (x, 0) lies before x, (x, 1) after it; a band is everything between two cuts.
Cut = tuple[Fraction, int]
ENDLESS: Cut = (Fraction(10**40), 1)
START: Cut = (ZERO, 0)


def _rounded(cut: Cut, whole: bool) -> Cut:
    """Among whole numbers "after 30" and "before 31" are the same."""
    if not whole or cut == ENDLESS:
        return cut
    value, after = cut
    return (Fraction(floor(value) + 1 if after else ceil(value)), 0)


def cuts(band: Range, whole: bool) -> tuple[Cut, Cut]:
    """Where a band begins and ends; an edge that is not given is open."""
    low, high = START, ENDLESS
    if band.from_ is not None:
        low = (edge_value(band.from_), 0)
    elif band.above is not None:
        low = (edge_value(band.above), 1)
    if band.to is not None:
        high = (edge_value(band.to), 1)
    elif band.below is not None:
        high = (edge_value(band.below), 0)
    return _rounded(low, whole), _rounded(high, whole)


def span(of: Interval) -> tuple[Cut, Cut]:
    """The cuts around everything that a value can be."""
    low: Cut = (of.low, 0)
    high = ENDLESS if of.high is None else (of.high, 1)
    return _rounded(low, of.whole), _rounded(high, of.whole)


def meets(band: Range, of: Interval) -> bool:
    """Whether the value can lie in the band."""
    low, high = cuts(band, of.whole)
    least, most = span(of)
    return max(low, least) < min(high, most)


def covers(bands: Iterable[Range], of: Interval) -> bool:
    """Whether ascending bands leave no value out."""
    reached, most = span(of)
    for band in bands:
        low, high = cuts(band, of.whole)
        if low <= reached:
            reached = max(reached, high)
    return reached >= most
