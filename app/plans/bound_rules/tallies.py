"""What counting operators can come to: over lists and histories that may be unknown."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import reduce

from app.plans.inputs import MAX_ITEMS, Item
from app.plans.intervals import (
    NOTHING,
    ZERO,
    Bound,
    Interval,
    added,
    exactly,
    interval,
    larger,
    multiplied,
)
from app.plans.operators.tallies import (
    Before,
    Count,
    Each,
    Largest,
    Listing,
    Occurrence,
    PaidBefore,
    Total,
)
from app.plans.steps import ITEMS
from app.plans.view import BoundRule, PartOf, View


def _each(node: Each, view: View, part_of: PartOf) -> Bound:
    known = _items(node, view, part_of)
    if known is None:
        one = interval(part_of(node.each.gives, _inside(view, node.each.of, {}, None)))
        return multiplied(one, Interval(ZERO, Fraction(MAX_ITEMS), True))
    return reduce(added, known, NOTHING)


def _largest(node: Largest, view: View, part_of: PartOf) -> Bound:
    known = _items(node, view, part_of)
    if known is None:
        one = interval(part_of(node.largest.gives, _inside(view, node.largest.of, {}, None)))
        return replace(one, low=ZERO)
    return reduce(larger, known, NOTHING)


def _items(node: Listing, view: View, part_of: PartOf) -> list[Interval] | None:
    """What each item of the list gives; None where the list is not known."""
    listed, known = node.over.of, view.known.get(node.over.of)
    if not isinstance(known, tuple):
        return None
    return [
        interval(part_of(node.over.gives, _inside(view, listed, item, at)))
        for at, item in enumerate(known, 1)
    ]


def _inside(view: View, listed: str, item: Item, position: int | None) -> View:
    return replace(view, items={listed: item}, position=position)


def _count(node: Count, view: View, _part_of: PartOf) -> Bound:
    known = view.known.get(node.count)
    if isinstance(known, tuple):
        return exactly(len(known))
    return Interval(ZERO, Fraction(MAX_ITEMS), True)


def _occurrence(node: Occurrence, view: View, _part_of: PartOf) -> Bound:
    history, within = view.history, node.occurrence.within
    if history is None or view.position is None:
        return Interval(Fraction(view.position or 1), None, True)
    if view.position:
        return exactly(int(history.counted(ITEMS, within)) + view.position)
    return exactly(history.times(within) + 1)


def _paid_before(node: PaidBefore, view: View, _part_of: PartOf) -> Bound:
    asked = node.paid_before
    if view.history is None:
        return Interval(ZERO, None, True)
    return exactly(view.history.paid(asked.within, asked.benefits, asked.plans))


def _earlier(name: str, view: View) -> Interval:
    """Other benefits, and older versions, may have counted fractions."""
    if view.history is None:
        return Interval(ZERO, None)
    return exactly(view.history.counted(name, view.counters[name].within))


def _before(node: Before, view: View, _part_of: PartOf) -> Bound:
    return _earlier(node.before, view)


def _total(node: Total, view: View, part_of: PartOf) -> Bound:
    return added(interval(part_of(view.counters[node.total].of, view)), _earlier(node.total, view))


TALLIES: Mapping[type, BoundRule] = {
    Each: _each,
    Largest: _largest,
    Count: _count,
    Occurrence: _occurrence,
    PaidBefore: _paid_before,
    Before: _before,
    Total: _total,
}
