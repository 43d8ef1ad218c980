"""What reckoning operators can come to."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import reduce

from app.plans.intervals import (
    NOTHING,
    ZERO,
    Bound,
    Days,
    Interval,
    added,
    exactly,
    interval,
    larger,
    lessened,
    multiplied,
    proportion,
    smaller,
)
from app.plans.literals import Fen, Yuan, edge_value
from app.plans.operators.arithmetic import (
    AtLeast,
    AtMost,
    DaysBetween,
    Full,
    Minus,
    Percent,
    ProRata,
    Sum,
    Times,
)
from app.plans.view import BoundRule, PartOf, View


def _money(node: Yuan | Fen, _view: View, _part_of: PartOf) -> Bound:
    return exactly(node.fen)


def _fold(name: str, combine: Callable[[Interval, Interval], Interval]) -> BoundRule:
    return lambda node, view, part_of: reduce(
        combine, [interval(part_of(part, view)) for part in getattr(node, name)]
    )


def _percent(node: Percent, view: View, part_of: PartOf) -> Bound:
    return multiplied(
        interval(part_of(node.percent.of, view)), interval(part_of(node.percent.rate, view))
    )


def _at_most(node: AtMost, view: View, part_of: PartOf) -> Bound:
    return smaller(
        interval(part_of(node.at_most.of, view)), interval(part_of(node.at_most.limit, view))
    )


def _at_least(node: AtLeast, view: View, part_of: PartOf) -> Bound:
    return larger(
        interval(part_of(node.at_least.of, view)), interval(part_of(node.at_least.floor, view))
    )


def _pro_rata(node: ProRata, view: View, part_of: PartOf) -> Bound:
    asked = node.pro_rata
    return proportion(
        interval(part_of(asked.of, view)),
        interval(part_of(asked.part, view)),
        interval(part_of(asked.whole, view)),
    )


def _full(node: Full, view: View, part_of: PartOf) -> Bound:
    of, per = interval(part_of(node.full.of, view)), edge_value(node.full.per)
    if not per:
        return NOTHING
    high = None if of.high is None else Fraction(of.high // per)
    return Interval(Fraction(of.low // per), high, True)


def _days_between(node: DaysBetween, view: View, part_of: PartOf) -> Bound:
    span = node.days_between
    first, last = _days(part_of(span.first, view)), _days(part_of(span.last, view))
    low, high = ZERO, None
    if first.high is not None and last.low is not None:
        low = Fraction(max(0, (last.low - first.high).days))
    if first.low is not None and last.high is not None:
        high = Fraction(max(0, (last.high - first.low).days))
    return Interval(low, high, True)


def _days(found: Bound) -> Days:
    if not isinstance(found, Days):
        raise TypeError(f"not a day: {found}")
    return found


ARITHMETIC: Mapping[type, BoundRule] = {
    Yuan: _money,
    Fen: _money,
    Sum: _fold("sum", added),
    Minus: _fold("minus", lessened),
    Times: _fold("times", multiplied),
    Percent: _percent,
    AtMost: _at_most,
    AtLeast: _at_least,
    ProRata: _pro_rata,
    Full: _full,
    DaysBetween: _days_between,
}
