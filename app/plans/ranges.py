"""What values can make of an expression: bands out of reach, cases left out, idle conditions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from app.kernel.problems import FieldError
from app.kernel.text import Text
from app.plans.bands import edges_faults, order_faults, reach_faults
from app.plans.bounds import amount, bounds, truth
from app.plans.branches import branches
from app.plans.expressions import Node
from app.plans.faults import fault
from app.plans.intervals import Interval, WordSet, cuts, interval
from app.plans.kinds import Kinds
from app.plans.operators.arithmetic import Percent
from app.plans.operators.choices import Band, Choose, Entry, InBand, InSlices, LookUp, Slice, When
from app.plans.operators.conditions import (
    All,
    Any_,
    Below,
    Equals,
    Exceeds,
    Listed,
    Not,
    OneOf,
    Reaches,
    UpTo,
)
from app.plans.operators.tallies import Listing
from app.plans.relating import keys
from app.plans.view import View
from app.plans.walking import Path, parts

# How many missing cases one message names.
NAMED = 5
# Nothing is paid for no share past its waiting days, whether a document says so or not.
SHARES = "shares"
_EDGES = frozenset({"from", "above", "to", "below"})

Guard = tuple[str, Node]


@dataclass(slots=True)
class Ranges:
    """The checker of one expression after its kinds; only what is clean is looked at.

    `guards` are the look-ups that were tested with `listed` before.
    """

    kinds: Kinds
    view: View
    guards: Sequence[Guard] = ()
    faults: list[FieldError] = field(default_factory=list)

    def report(self, path: Path, code: str, **fields: object) -> None:
        self.faults.append(fault(path, code, **fields))

    def check(self, node: Node, path: Path) -> bool:
        """Find every fault inside; whether it, or a part, always says the same."""
        if isinstance(node, int | str):
            return False
        idle = False
        for inner, part in parts(node):
            idle = self._within(node, inner).check(part, path + inner) or idle
        rule = _RULES.get(type(node))
        if rule is not None:
            rule(self, node, path)
        if isinstance(node, _TRUTHS) and not idle and self.kinds.clean(path):
            idle = self._idle(node, path)
        return idle

    def _within(self, node: Node, inner: Path) -> "Ranges":
        """The checker for a part: inside `each` there is an item, after `if` its test holds."""
        view, guards = self.view, self.guards
        if isinstance(node, Listing):
            view = replace(view, items={node.over.of: {}}, position=None)
        if isinstance(node, When) and inner[-1] == "then":
            guards = (*guards, *conjuncts(node.when.if_))
        return Ranges(self.kinds, view, guards, self.faults)

    def _idle(self, node: Node, path: Path) -> bool:
        found = truth(node, self.view)
        if found.can_hold and found.can_fail:
            return False
        self.report(path, "always-holds" if found.can_hold else "never-holds")
        return True

    def comparable(self, path: Path) -> bool:
        """Whether the edges of bands are all of the kind that is compared."""
        deep = len(path) + 2
        return not any(
            len(place) == deep and place[: len(path)] == path and place[-1] in _EDGES
            for place in self.kinds.faulty
        )

    def money(self, node: Node) -> bool:
        """Whether a clean expression is money; its kind was checked before."""
        kinds = self.kinds
        again = Kinds(kinds.vocabulary, kinds.rules, kinds.steps, kinds.counters, numbered=True)
        inside = next(iter(self.view.items), None)
        return again.kind(node, (), inside) == "money"


def conjuncts(node: Node) -> list[Guard]:
    """The look-ups that are known to succeed where a condition holds."""
    if isinstance(node, Listed):
        return [(node.listed.table, node.listed.of)]
    if isinstance(node, All):
        return [guard for part in node.all for guard in conjuncts(part)]
    return []


def _bands(
    ranges: Ranges, of: Node, bands: Sequence[Band | Slice], path: Path, *, slices: bool
) -> None:
    faults = edges_faults(bands, path)
    comparable = ranges.comparable(path)
    reach: Interval | None = None
    if ranges.kinds.clean((*path[:-1], "of")):
        reach = amount(of, ranges.view)
    if not faults and comparable:
        whole = not slices and (reach is None or reach.whole)
        faults += order_faults(bands, path, whole=whole)
        if slices and cuts(bands[0], whole=False)[0][0]:
            faults.append(fault((*path, 0), "slices-from-zero"))
    if not faults and comparable and reach is not None:
        money = ranges.money(of)
        if of == SHARES:
            reach = replace(reach, low=max(reach.low, Fraction(1)))
        faults += reach_faults(bands, path, reach, money=money, open_above=slices)
    ranges.faults += faults


def _band(ranges: Ranges, node: InBand, path: Path) -> None:
    _bands(ranges, node.band.of, node.band.bands, (*path, "band", "bands"), slices=False)


def _slices(ranges: Ranges, node: InSlices, path: Path) -> None:
    _bands(ranges, node.slices.of, node.slices.slices, (*path, "slices", "slices"), slices=True)


def _percent(ranges: Ranges, node: Percent, path: Path) -> None:
    place = (*path, "percent", "rate")
    if not ranges.kinds.clean(place):
        return
    for where, found in branches(node.percent.rate, place, ranges.view).items():
        if found.low > 1:
            ranges.report(where, "rate-above-one")


def _wanted(ranges: Ranges, of: Node, path: Path) -> tuple[list[str] | None, Any]:
    found = bounds(of, ranges.view)
    return keys(found), found


def _look_up(ranges: Ranges, node: LookUp, path: Path) -> None:
    _table(ranges, node.look_up, (*path, "look_up"), complete=True)


def _listed(ranges: Ranges, node: Listed, path: Path) -> None:
    _table(ranges, node.listed, (*path, "listed"), complete=False)


def _table(ranges: Ranges, entry: Entry, path: Path, *, complete: bool) -> None:
    """A look-up finds something whatever its input is, or `listed` was asked before.

    A copy of a standard table may have more keys than the input can have.
    """
    table = ranges.kinds.vocabulary.tables.get(entry.table)
    if table is None or not ranges.kinds.clean(path):
        return
    wanted, found = _wanted(ranges, entry.of, path)
    if complete and (entry.table, entry.of) not in ranges.guards:
        if wanted is None:
            ranges.report((*path, "of"), "table-any-word", name=entry.table)
        elif missing := [key for key in wanted if key not in table.entries]:
            ranges.report(
                (*path, "of"),
                "table-incomplete",
                input=_named(entry.of),
                missing=_several(missing),
                name=entry.table,
            )
    if table.origin is None:
        for key in table.entries:
            if not _can_be(found, wanted, key):
                ranges.report(
                    ("tables", entry.table, "entries", key),
                    "table-key-unknown",
                    key=key,
                    name=entry.table,
                )


def _can_be(found: Any, wanted: list[str] | None, key: str) -> bool:
    """Whether a value can be written as this key."""
    if wanted is not None:
        return key in wanted
    if isinstance(found, WordSet):
        return True
    reach = interval(found)
    whole = key.isdigit() and key == str(int(key))
    return whole and reach.low <= int(key) and (reach.high is None or int(key) <= reach.high)


def _choose(ranges: Ranges, node: Choose, path: Path) -> None:
    chosen, place = node.choose, (*path, "choose")
    if not ranges.kinds.clean((*place, "by")):
        return
    wanted, found = _wanted(ranges, chosen.by, place)
    for key in chosen.cases:
        if not _can_be(found, wanted, key):
            ranges.report((*place, "cases", key), "unknown-case", key=key)
    if chosen.otherwise is not None:
        return
    if wanted is None:
        everything = Text("其他所有代码", "Every other word or number")
        ranges.report((*place, "cases"), "uncovered-case", missing=everything)
        return
    needed = ranges.kinds.vocabulary.needed.get(chosen.by) if isinstance(chosen.by, str) else None
    missing = [
        key
        for key in wanted
        if key not in chosen.cases
        and (needed is None or key in needed)
        and not (chosen.by == SHARES and key == "0")
    ]
    if missing:
        ranges.report((*place, "cases"), "uncovered-case", missing=_several(missing))


def _one_of(ranges: Ranges, node: OneOf, path: Path) -> None:
    place = (*path, "one_of")
    if not ranges.kinds.clean((*place, "of")):
        return
    wanted, _ = _wanted(ranges, node.one_of.of, place)
    for at, word in enumerate(node.one_of.words):
        if wanted is not None and word not in wanted:
            ranges.report((*place, "words", at), "unknown-word", key=word)


def _named(of: Node) -> Text:
    return Text(of, of) if isinstance(of, str) else Text("此值", "The value")


def _several(missing: Sequence[str]) -> Text:
    named = list(missing[:NAMED])
    if len(missing) > NAMED:
        return Text("、".join(named) + "等", ", ".join(named) + " …")
    return Text("、".join(named), ", ".join(named))


_RULES: Mapping[type, Callable[[Ranges, Any, Path], None]] = {
    InBand: _band,
    InSlices: _slices,
    Percent: _percent,
    LookUp: _look_up,
    Listed: _listed,
    Choose: _choose,
    OneOf: _one_of,
}
_TRUTHS = (
    Equals,
    Reaches,
    Exceeds,
    UpTo,
    Below,
    OneOf,
    Listed,
    All,
    Any_,
    Not,
)
