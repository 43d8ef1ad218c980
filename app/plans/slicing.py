"""Marginal rates: each slice of an amount at its own rate, added up."""

from collections.abc import Sequence
from fractions import Fraction

from app.plans.intervals import ZERO, Interval
from app.plans.literals import edge_value
from app.plans.operators.choices import Slice


def slice_edges(each: Slice) -> tuple[Fraction, Fraction | None]:
    """From where to where a slice counts."""
    low = each.above if each.above is not None else each.from_
    high = each.to if each.to is not None else each.below
    return (
        ZERO if low is None else edge_value(low),
        None if high is None else edge_value(high),
    )


def sliced(slices: Sequence[Slice], value: Fraction) -> Fraction:
    """Each slice of an amount at its own rate, added up."""
    total = ZERO
    for each in slices:
        low, high = slice_edges(each)
        if value > low:
            total += (value if high is None else min(value, high)) * Fraction(each.rate)
            total -= low * Fraction(each.rate)
    return total


def sliced_within(slices: Sequence[Slice], of: Interval) -> Interval:
    """What the slices of a bounded amount can come to."""
    if of.high is not None:
        return Interval(sliced(slices, of.low), sliced(slices, of.high))
    edges = [slice_edges(each) for each in slices]
    ends = [high for _, high in edges if high is not None]
    endless = any(
        high is None and Fraction(each.rate) > 0
        for each, (_, high) in zip(slices, edges, strict=True)
    )
    high = None if endless else sliced(slices, max([of.low, *ends]))
    return Interval(sliced(slices, of.low), high)
