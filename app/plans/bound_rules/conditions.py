"""Which conditions can hold, and which can fail."""

from collections.abc import Mapping
from typing import Any

from app.plans.intervals import EITHER, Bound, Truth, WordSet, settled
from app.plans.operators.conditions import (
    All,
    Any_,
    Below,
    Equals,
    Exceeds,
    Holds,
    Listed,
    Not,
    OneOf,
    Reaches,
    UpTo,
)
from app.plans.relating import in_order, keys, possible, same
from app.plans.view import BoundRule, PartOf, View, as_truth


def _ordered(name: str, *, strict: bool, swapped: bool) -> BoundRule:
    def of(node: Any, view: View, part_of: PartOf) -> Bound:
        one, other = (part_of(part, view) for part in getattr(node, name))
        if swapped:
            one, other = other, one
        return in_order(one, other, strict=strict)

    return of


def _equals(node: Equals, view: View, part_of: PartOf) -> Bound:
    one, other = (part_of(part, view) for part in node.equals)
    return same(one, other)


def _one_of(node: OneOf, view: View, part_of: PartOf) -> Bound:
    of, words = part_of(node.one_of.of, view), frozenset(node.one_of.words)
    if not isinstance(of, WordSet) or of.words is None:
        return EITHER
    return Truth(bool(of.words & words), bool(of.words - words))


def _listed(node: Listed, view: View, part_of: PartOf) -> Bound:
    of, table = part_of(node.listed.of, view), view.tables[node.listed.table]
    wanted = keys(of)
    if wanted is None:
        return Truth(any(possible(of, key) for key in table), True)
    return Truth(any(key in table for key in wanted), any(key not in table for key in wanted))


def _holds(node: Holds, view: View, _part_of: PartOf) -> Bound:
    return EITHER if view.holds is None else settled(node.holds in view.holds)


def _all(node: All, view: View, part_of: PartOf) -> Bound:
    found = [as_truth(part_of(part, view)) for part in node.all]
    return Truth(all(each.can_hold for each in found), any(each.can_fail for each in found))


def _any(node: Any_, view: View, part_of: PartOf) -> Bound:
    found = [as_truth(part_of(part, view)) for part in node.any]
    return Truth(any(each.can_hold for each in found), all(each.can_fail for each in found))


def _not(node: Not, view: View, part_of: PartOf) -> Bound:
    found = as_truth(part_of(node.not_, view))
    return Truth(found.can_fail, found.can_hold)


CONDITIONS: Mapping[type, BoundRule] = {
    Equals: _equals,
    Reaches: _ordered("reaches", strict=False, swapped=False),
    Exceeds: _ordered("exceeds", strict=True, swapped=False),
    UpTo: _ordered("up_to", strict=False, swapped=True),
    Below: _ordered("below", strict=True, swapped=True),
    OneOf: _one_of,
    Listed: _listed,
    Holds: _holds,
    All: _all,
    Any_: _any,
    Not: _not,
}
