"""How values that are only bounded stand to one another, and to the keys of tables."""

from typing import Any

from app.plans.intervals import EITHER, Bound, Days, Interval, Truth, WordSet, interval

# A look-up or a choice by number is spelled out up to so many numbers.
MAX_KEYS = 1_000
MAX_KEY = 10**18


def keys(of: Bound) -> list[str] | None:
    """The keys that a word or whole number can be looked up by; None if they are too many."""
    if isinstance(of, WordSet):
        return None if of.words is None else sorted(of.words)
    reach = interval(of)
    if reach.high is None or reach.high > MAX_KEY or reach.high - reach.low > MAX_KEYS:
        return None
    if not reach.whole:
        return [str(reach.low)] if reach.low == reach.high else None
    return [str(number) for number in range(int(reach.low), int(reach.high) + 1)]


def possible(of: Bound, key: str) -> bool:
    """Whether a value can be the one that a key stands for."""
    if isinstance(of, WordSet):
        return of.words is None or key in of.words
    reach = interval(of)
    if not key.isdigit():
        return False
    return reach.low <= int(key) and (reach.high is None or int(key) <= reach.high)


def _ends(bound: Bound) -> tuple[Any, Any]:
    if isinstance(bound, Interval | Days):
        return bound.low, bound.high
    raise TypeError(f"has no size: {bound}")


def in_order(one: Bound, other: Bound, *, strict: bool) -> Truth:
    """Whether the first can be at least (strict: above) the second, and whether it can fail."""
    low, high = _ends(one)
    least, most = _ends(other)
    certain = low is not None and most is not None and (low > most if strict else low >= most)
    never = high is not None and least is not None and (high <= least if strict else high < least)
    return Truth(not never, not certain)


def same(one: Bound, other: Bound) -> Truth:
    """Whether two values can be, and whether they must be, the same."""
    if isinstance(one, WordSet) and isinstance(other, WordSet):
        if one.words is None or other.words is None:
            return EITHER
        alike = len(one.words) == 1 and one.words == other.words
        return Truth(bool(one.words & other.words), not alike)
    (low, high), (least, most) = _ends(one), _ends(other)
    apart = (high is not None and least is not None and high < least) or (
        low is not None and most is not None and low > most
    )
    alike = low is not None and low == high == least == most
    return Truth(not apart, not alike)
