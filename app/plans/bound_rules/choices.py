"""What choosing operators can come to: whatever may be chosen, together."""

from collections.abc import Mapping

from app.plans.intervals import (
    NOTHING,
    ZERO,
    Bound,
    Truth,
    covers,
    exactly,
    interval,
    join,
    meets,
    settled,
)
from app.plans.operators.choices import Choose, InBand, InSlices, LookUp, When
from app.plans.relating import keys, possible
from app.plans.slicing import sliced_within
from app.plans.view import BoundRule, PartOf, View, as_truth


def _band(node: InBand, view: View, part_of: PartOf) -> Bound:
    of = interval(part_of(node.band.of, view))
    found = [part_of(band.gives, view) for band in node.band.bands if meets(band, of)]
    if not found or not covers(node.band.bands, of):
        found.append(NOTHING)
    return _chosen(found)


def _chosen(found: list[Bound]) -> Bound:
    """One of several; where nothing was chosen a condition does not hold."""
    if any(isinstance(each, Truth) for each in found):
        found = [each if isinstance(each, Truth) else settled(False) for each in found]
    return join(found)


def _slices(node: InSlices, view: View, part_of: PartOf) -> Bound:
    return sliced_within(node.slices.slices, interval(part_of(node.slices.of, view)))


def _look_up(node: LookUp, view: View, part_of: PartOf) -> Bound:
    of, table = part_of(node.look_up.of, view), view.tables[node.look_up.table]
    values = [value for key, value in table.items() if value is not None and possible(of, key)]
    wanted = keys(of)
    if not values or wanted is None or any(table.get(key) is None for key in wanted):
        values.append(ZERO)
    return join([exactly(value) for value in values])


def _choose(node: Choose, view: View, part_of: PartOf) -> Bound:
    of, cases = part_of(node.choose.by, view), node.choose.cases
    found = [part_of(gives, view) for key, gives in cases.items() if possible(of, key)]
    wanted = keys(of)
    if not found or wanted is None or any(key not in cases for key in wanted):
        rest = node.choose.otherwise
        found.append(NOTHING if rest is None else part_of(rest, view))
    return _chosen(found)


def _when(node: When, view: View, part_of: PartOf) -> Bound:
    test = as_truth(part_of(node.when.if_, view))
    found = [part_of(node.when.then, view)] if test.can_hold else []
    if test.can_fail:
        found.append(part_of(node.when.otherwise, view))
    return join(found)


CHOICES: Mapping[type, BoundRule] = {
    InBand: _band,
    InSlices: _slices,
    LookUp: _look_up,
    Choose: _choose,
    When: _when,
}
