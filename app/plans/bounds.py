"""What an expression can come to while inputs are unknown: intervals instead of numbers.

Always sound: whatever the unknown inputs turn out to be within their declared ranges, the
exact value lies within the bound. Used when a plan is published and in claim estimates.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import reduce
from typing import Any

from app.plans.benefits import Counter
from app.plans.expressions import Node
from app.plans.inputs import MAX_FEN, MAX_ITEMS, Input, Inputs, Item
from app.plans.intervals import (
    EITHER,
    NOTHING,
    ZERO,
    Bound,
    Days,
    Interval,
    Truth,
    WordSet,
    added,
    covers,
    exactly,
    interval,
    join,
    larger,
    lessened,
    meets,
    multiplied,
    proportion,
    settled,
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
from app.plans.operators.choices import Choose, InBand, InSlices, LookUp, Slice, When
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
from app.plans.steps import ITEMS, History

# A look-up or a choice by number is spelled out up to so many numbers.
MAX_KEYS = 1_000
MAX_KEY = 10**18


@dataclass(frozen=True, slots=True)
class View:
    """What is known where an expression stands.

    `known` are inputs with a value, `steps` what earlier steps can come to. Without
    `history` or `holds` nothing is known of the past or of other plans.
    """

    inputs: Mapping[str, Input]
    tables: Mapping[str, Mapping[str, Fraction | None]] = field(default_factory=dict)
    known: Inputs = field(default_factory=dict)
    counters: Mapping[str, Counter] = field(default_factory=dict)
    steps: Mapping[str, Bound] = field(default_factory=dict)
    history: History | None = None
    holds: frozenset[str] | None = None
    items: Mapping[str, Item] = field(default_factory=dict)
    position: int | None = 0


def bounds(node: Node, view: View) -> Bound:
    """What a checked expression can come to."""
    if isinstance(node, int):
        return exactly(node)
    if isinstance(node, str):
        return exactly(Fraction(node)) if node[0].isdigit() else _named(node, view)
    return _BOUNDS[type(node)](node, view)


def amount(node: Node, view: View) -> Interval:
    """The bound of an expression that is a number or money."""
    return interval(bounds(node, view))


def truth(node: Node, view: View) -> Truth:
    """The bound of a condition."""
    found = bounds(node, view)
    if not isinstance(found, Truth):
        raise TypeError(f"not a condition: {node!r}")
    return found


def _named(name: str, view: View) -> Bound:
    if "." in name:
        listed, inner = name.split(".")
        return _input(view.inputs[listed].fields[inner], view.items.get(listed, {}).get(inner))
    if name in view.steps:
        return view.steps[name]
    return _input(view.inputs[name], view.known.get(name))


def _input(declared: Input, value: Any) -> Bound:
    """A known value, or everything that the input can be."""
    match declared.kind:
        case "truth":
            return EITHER if value is None else settled(value)
        case "word":
            if value is not None:
                return WordSet(frozenset({value}))
            return WordSet(frozenset(declared.words) if declared.words else None)
        case "day":
            return Days(value, value)
        case "list":
            raise TypeError(f"a list has no value: {declared.name}")
    if value is not None:
        return exactly(value)
    high = None if declared.most >= MAX_FEN else Fraction(declared.most)
    return Interval(Fraction(declared.least), high, True)


def _money(node: Yuan | Fen, _view: View) -> Bound:
    return exactly(node.fen)


def _fold(
    name: str, combine: Callable[[Interval, Interval], Interval]
) -> Callable[[Any, View], Bound]:
    return lambda node, view: reduce(combine, [amount(part, view) for part in getattr(node, name)])


def _pro_rata(node: ProRata, view: View) -> Bound:
    asked = node.pro_rata
    return proportion(amount(asked.of, view), amount(asked.part, view), amount(asked.whole, view))


def _full(node: Full, view: View) -> Bound:
    of, per = amount(node.full.of, view), edge_value(node.full.per)
    if not per:
        return NOTHING
    high = None if of.high is None else Fraction(of.high // per)
    return Interval(Fraction(of.low // per), high, True)


def _band(node: InBand, view: View) -> Bound:
    of = amount(node.band.of, view)
    found = [bounds(band.gives, view) for band in node.band.bands if meets(band, of)]
    if not found or not covers(node.band.bands, of):
        found.append(NOTHING)
    return _chosen(found)


def _chosen(found: list[Bound]) -> Bound:
    """One of several; where nothing was chosen a condition does not hold."""
    if any(isinstance(each, Truth) for each in found):
        found = [each if isinstance(each, Truth) else settled(False) for each in found]
    return join(found)


def sliced(node: InSlices, value: Fraction) -> Fraction:
    """Each slice of an amount at its own rate, added up."""
    total = ZERO
    for each in node.slices.slices:
        low, high = slice_edges(each)
        if value > low:
            total += (value if high is None else min(value, high)) * Fraction(each.rate)
            total -= low * Fraction(each.rate)
    return total


def slice_edges(each: Slice) -> tuple[Fraction, Fraction | None]:
    """From where to where a slice counts."""
    low = each.above if each.above is not None else each.from_
    high = each.to if each.to is not None else each.below
    return (
        ZERO if low is None else edge_value(low),
        None if high is None else edge_value(high),
    )


def _slices(node: InSlices, view: View) -> Bound:
    of = amount(node.slices.of, view)
    if of.high is not None:
        return Interval(sliced(node, of.low), sliced(node, of.high))
    edges = [slice_edges(each) for each in node.slices.slices]
    ends = [high for _, high in edges if high is not None]
    endless = any(
        high is None and Fraction(each.rate) > 0
        for each, (_, high) in zip(node.slices.slices, edges, strict=True)
    )
    high = None if endless else sliced(node, max([of.low, *ends]))
    return Interval(sliced(node, of.low), high)


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


def _possible(of: Bound, key: str) -> bool:
    """Whether a value can be the one that a key stands for."""
    if isinstance(of, WordSet):
        return of.words is None or key in of.words
    reach = interval(of)
    if not key.isdigit():
        return False
    return reach.low <= int(key) and (reach.high is None or int(key) <= reach.high)


def _look_up(node: LookUp, view: View) -> Bound:
    of, table = bounds(node.look_up.of, view), view.tables[node.look_up.table]
    values = [value for key, value in table.items() if value is not None and _possible(of, key)]
    wanted = keys(of)
    if not values or wanted is None or any(table.get(key) is None for key in wanted):
        values.append(ZERO)
    return join([exactly(value) for value in values])


def _choose(node: Choose, view: View) -> Bound:
    of, cases = bounds(node.choose.by, view), node.choose.cases
    found = [bounds(gives, view) for key, gives in cases.items() if _possible(of, key)]
    wanted = keys(of)
    if not found or wanted is None or any(key not in cases for key in wanted):
        rest = node.choose.otherwise
        found.append(NOTHING if rest is None else bounds(rest, view))
    return _chosen(found)


def _when(node: When, view: View) -> Bound:
    test = truth(node.when.if_, view)
    found = [bounds(node.when.then, view)] if test.can_hold else []
    if test.can_fail:
        found.append(bounds(node.when.otherwise, view))
    return join(found)


def _each(node: Each, view: View) -> Bound:
    known = _items(node, view)
    if known is None:
        one = amount(node.each.gives, _inside(view, node.each.of, {}, None))
        return multiplied(one, Interval(ZERO, Fraction(MAX_ITEMS), True))
    return reduce(added, known, NOTHING)


def _largest(node: Largest, view: View) -> Bound:
    known = _items(node, view)
    if known is None:
        one = amount(node.largest.gives, _inside(view, node.largest.of, {}, None))
        return replace(one, low=ZERO)
    return reduce(larger, known, NOTHING)


def _items(node: Listing, view: View) -> list[Interval] | None:
    """What each item of the list gives; None where the list is not known."""
    listed, known = node.over.of, view.known.get(node.over.of)
    if not isinstance(known, tuple):
        return None
    return [
        amount(node.over.gives, _inside(view, listed, item, at)) for at, item in enumerate(known, 1)
    ]


def _inside(view: View, listed: str, item: Item, position: int | None) -> View:
    return replace(view, items={listed: item}, position=position)


def _count(node: Count, view: View) -> Bound:
    known = view.known.get(node.count)
    if isinstance(known, tuple):
        return exactly(len(known))
    return Interval(ZERO, Fraction(MAX_ITEMS), True)


def _occurrence(node: Occurrence, view: View) -> Bound:
    history, within = view.history, node.occurrence.within
    if history is None or view.position is None:
        return Interval(Fraction(view.position or 1), None, True)
    if view.position:
        return exactly(int(history.counted(ITEMS, within)) + view.position)
    return exactly(history.times(within) + 1)


def _paid_before(node: PaidBefore, view: View) -> Bound:
    asked = node.paid_before
    if view.history is None:
        return Interval(ZERO, None, True)
    return exactly(view.history.paid(asked.within, asked.benefits, asked.plans))


def _earlier(name: str, view: View) -> Interval:
    """Other benefits, and older versions, may have counted fractions."""
    if view.history is None:
        return Interval(ZERO, None)
    return exactly(view.history.counted(name, view.counters[name].within))


def _before(node: Before, view: View) -> Bound:
    return _earlier(node.before, view)


def _total(node: Total, view: View) -> Bound:
    return added(amount(view.counters[node.total].of, view), _earlier(node.total, view))


def _days_between(node: DaysBetween, view: View) -> Bound:
    first, last = _days(node.days_between.first, view), _days(node.days_between.last, view)
    low, high = ZERO, None
    if first.high is not None and last.low is not None:
        low = Fraction(max(0, (last.low - first.high).days))
    if first.low is not None and last.high is not None:
        high = Fraction(max(0, (last.high - first.low).days))
    return Interval(low, high, True)


def _days(node: Node, view: View) -> Days:
    found = bounds(node, view)
    if not isinstance(found, Days):
        raise TypeError(f"not a day: {node!r}")
    return found


def _ends(bound: Bound) -> tuple[Any, Any]:
    if isinstance(bound, Interval | Days):
        return bound.low, bound.high
    raise TypeError(f"has no size: {bound}")


def _order(one: Bound, other: Bound, *, strict: bool) -> Truth:
    """Whether the first can be at least (strict: above) the second, and whether it can fail."""
    low, high = _ends(one)
    least, most = _ends(other)
    certain = low is not None and most is not None and (low > most if strict else low >= most)
    never = high is not None and least is not None and (high <= least if strict else high < least)
    return Truth(not never, not certain)


def _ordered(name: str, *, strict: bool, swapped: bool) -> Callable[[Any, View], Bound]:
    def of(node: Any, view: View) -> Bound:
        one, other = (bounds(part, view) for part in getattr(node, name))
        return _order(other, one, strict=strict) if swapped else _order(one, other, strict=strict)

    return of


def _equals(node: Equals, view: View) -> Bound:
    one, other = (bounds(part, view) for part in node.equals)
    if isinstance(one, WordSet) and isinstance(other, WordSet):
        if one.words is None or other.words is None:
            return EITHER
        same = len(one.words) == 1 and one.words == other.words
        return Truth(bool(one.words & other.words), not same)
    (low, high), (least, most) = _ends(one), _ends(other)
    apart = (high is not None and least is not None and high < least) or (
        low is not None and most is not None and low > most
    )
    same = low is not None and low == high == least == most
    return Truth(not apart, not same)


def _one_of(node: OneOf, view: View) -> Bound:
    of, words = bounds(node.one_of.of, view), frozenset(node.one_of.words)
    if not isinstance(of, WordSet) or of.words is None:
        return EITHER
    return Truth(bool(of.words & words), bool(of.words - words))


def _listed(node: Listed, view: View) -> Bound:
    of, table = bounds(node.listed.of, view), view.tables[node.listed.table]
    wanted = keys(of)
    if wanted is None:
        return Truth(any(_possible(of, key) for key in table), True)
    return Truth(any(key in table for key in wanted), any(key not in table for key in wanted))


def _holds(node: Holds, view: View) -> Bound:
    return EITHER if view.holds is None else settled(node.holds in view.holds)


def _all(node: All, view: View) -> Bound:
    found = [truth(part, view) for part in node.all]
    return Truth(all(each.can_hold for each in found), any(each.can_fail for each in found))


def _any(node: Any_, view: View) -> Bound:
    found = [truth(part, view) for part in node.any]
    return Truth(any(each.can_hold for each in found), all(each.can_fail for each in found))


def _not(node: Not, view: View) -> Bound:
    found = truth(node.not_, view)
    return Truth(found.can_fail, found.can_hold)


def _percent(node: Percent, view: View) -> Bound:
    return multiplied(amount(node.percent.of, view), amount(node.percent.rate, view))


def _at_most(node: AtMost, view: View) -> Bound:
    return smaller(amount(node.at_most.of, view), amount(node.at_most.limit, view))


def _at_least(node: AtLeast, view: View) -> Bound:
    return larger(amount(node.at_least.of, view), amount(node.at_least.floor, view))


_BOUNDS: Mapping[type, Callable[[Any, View], Bound]] = {
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
    InBand: _band,
    InSlices: _slices,
    LookUp: _look_up,
    Choose: _choose,
    When: _when,
    Each: _each,
    Largest: _largest,
    Count: _count,
    Occurrence: _occurrence,
    PaidBefore: _paid_before,
    Before: _before,
    Total: _total,
    DaysBetween: _days_between,
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
