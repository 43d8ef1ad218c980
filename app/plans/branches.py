"""The ways in which an expression can come to its value, each with the place that says so."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

from app.plans.bounds import amount, bounds, truth
from app.plans.expressions import Node, operator_name
from app.plans.intervals import (
    Interval,
    added,
    exactly,
    larger,
    lessened,
    meets,
    multiplied,
    proportion,
    smaller,
)
from app.plans.operators.arithmetic import AtLeast, AtMost, Minus, Percent, ProRata, Sum, Times
from app.plans.operators.choices import Choose, InBand, InSlices, LookUp, When
from app.plans.operators.tallies import Each, Largest, Listing
from app.plans.slicing import slice_edges, sliced
from app.plans.view import View
from app.plans.walking import Path, walk

Branches = dict[Path, Interval]


def branches(
    node: Node,
    path: Path,
    view: View,
    steps: Mapping[str, tuple[Path, Node]] | None = None,
) -> Branches:
    """What each branch comes to, by its absolute path; of several ways to one the highest.

    `steps` are the named steps that the expression may use, so that a branch is found
    where it is written.
    """
    return _Walk(steps or {}).of(node, path, view)


@dataclass(slots=True)
class _Walk:
    steps: Mapping[str, tuple[Path, Node]]
    known: dict[str, Branches] = field(default_factory=dict)
    forking: dict[str, bool] = field(default_factory=dict)

    def of(self, node: Node, path: Path, view: View) -> Branches:
        if isinstance(node, str) and node in self.steps:
            if node not in self.known:
                where, step = self.steps[node]
                self.known[node] = self.of(step, where, view)
            return self.known[node]
        rule = _RULES.get(type(node))
        if rule is None or not self.forks(node):
            return {path: amount(node, view)}
        return rule(self, node, (*path, operator_name(type(node))), view)

    def forks(self, node: Node) -> bool:
        """Whether something inside chooses between amounts."""
        for _, inner in walk(node):
            if isinstance(inner, _CHOICES):
                return True
            if isinstance(inner, str) and inner in self.steps:
                if inner not in self.forking:
                    self.forking[inner] = self.forks(self.steps[inner][1])
                if self.forking[inner]:
                    return True
        return False


def _merged(found: Iterable[Branches]) -> Branches:
    merged: Branches = {}
    for each in found:
        for path, reach in each.items():
            known = merged.get(path)
            if known is None or reach.low > known.low:
                merged[path] = reach
    return merged


def _mapped(found: Branches, change: Callable[[Interval], Interval]) -> Branches:
    return {path: change(reach) for path, reach in found.items()}


def _folded(name: str, combine: Callable[[Interval, Interval], Interval]) -> Any:
    """Each part's branches, with what the other parts come to in any case."""

    def rule(walk: _Walk, node: Any, path: Path, view: View) -> Branches:
        nodes: Sequence[Node] = getattr(node, name)
        reaches = [amount(part, view) for part in nodes]
        found = []
        for at, part in enumerate(nodes):
            others = reaches[:at] + reaches[at + 1 :]

            def together(reach: Interval, others: list[Interval] = others) -> Interval:
                return reduce(combine, others, reach)

            found.append(_mapped(walk.of(part, (*path, at), view), together))
        return _merged(found)

    return rule


def _minus(walk: _Walk, node: Minus, path: Path, view: View) -> Branches:
    first, *others = node.minus
    less = [amount(part, view) for part in others]
    return _mapped(walk.of(first, (*path, 0), view), lambda reach: reduce(lessened, less, reach))


def _percent(walk: _Walk, node: Percent, path: Path, view: View) -> Branches:
    rate = amount(node.percent.rate, view)
    of = amount(node.percent.of, view)
    amounts = walk.of(node.percent.of, (*path, "of"), view)
    rates = walk.of(node.percent.rate, (*path, "rate"), view)
    return _merged(
        [
            _mapped(amounts, lambda reach: multiplied(reach, rate)),
            _mapped(rates, lambda reach: multiplied(reach, of)),
        ]
    )


def _at_most(walk: _Walk, node: AtMost, path: Path, view: View) -> Branches:
    limit = amount(node.at_most.limit, view)
    found = walk.of(node.at_most.of, (*path, "of"), view)
    return _mapped(found, lambda reach: smaller(reach, limit))


def _at_least(walk: _Walk, node: AtLeast, path: Path, view: View) -> Branches:
    floor = amount(node.at_least.floor, view)
    of = amount(node.at_least.of, view)
    found = walk.of(node.at_least.of, (*path, "of"), view)
    floors = walk.of(node.at_least.floor, (*path, "floor"), view)
    return _merged(
        [
            _mapped(found, lambda reach: larger(reach, floor)),
            _mapped(floors, lambda reach: larger(reach, of)),
        ]
    )


def _pro_rata(walk: _Walk, node: ProRata, path: Path, view: View) -> Branches:
    part, whole = amount(node.pro_rata.part, view), amount(node.pro_rata.whole, view)
    found = walk.of(node.pro_rata.of, (*path, "of"), view)
    return _mapped(found, lambda reach: proportion(reach, part, whole))


def _band(walk: _Walk, node: InBand, path: Path, view: View) -> Branches:
    of = amount(node.band.of, view)
    return _merged(
        walk.of(band.gives, (*path, "bands", at, "gives"), view)
        for at, band in enumerate(node.band.bands)
        if meets(band, of)
    )


def _slices(_walk: _Walk, node: InSlices, path: Path, view: View) -> Branches:
    """A slice that is reached gives at least all those below it."""
    of = amount(node.slices.of, view)
    found: Branches = {}
    for at, each in enumerate(node.slices.slices):
        low, high = slice_edges(each)
        if meets(each, of):
            least = sliced(node.slices.slices, max(low, of.low))
            most = None if high is None else sliced(node.slices.slices, high)
            found[(*path, "slices", at)] = Interval(least, most)
    return found


def _choose(walk: _Walk, node: Choose, path: Path, view: View) -> Branches:
    found = [
        walk.of(case, (*path, "cases", word), view) for word, case in node.choose.cases.items()
    ]
    if node.choose.otherwise is not None:
        found.append(walk.of(node.choose.otherwise, (*path, "otherwise"), view))
    return _merged(found)


def _when(walk: _Walk, node: When, path: Path, view: View) -> Branches:
    test, found = truth(node.when.if_, view), []
    if test.can_hold:
        found.append(walk.of(node.when.then, (*path, "then"), view))
    if test.can_fail:
        found.append(walk.of(node.when.otherwise, (*path, "otherwise"), view))
    return _merged(found)


def _each(walk: _Walk, node: Listing, path: Path, view: View) -> Branches:
    """Of a list with one known item the branches of that item."""
    listed = node.over.of
    known = view.known.get(listed)
    if not isinstance(known, tuple) or len(known) != 1:
        return {path: amount(node, view)}
    inside = replace(view, items={listed: known[0]}, position=1)
    return walk.of(node.over.gives, (*path, "gives"), inside)


def _look_up(_walk: _Walk, node: LookUp, _path: Path, view: View) -> Branches:
    """Each entry that can be found is a branch, written in the table."""
    table, of = view.tables[node.look_up.table], bounds(node.look_up.of, view)
    found: Branches = {}
    for key, value in table.items():
        possible = not isinstance(of, Interval) or (
            key.isdigit() and of.low <= int(key) and (of.high is None or int(key) <= of.high)
        )
        if value is not None and possible:
            found[("tables", node.look_up.table, "entries", key)] = exactly(value)
    return found


_RULES: Mapping[type, Callable[[_Walk, Any, Path, View], Branches]] = {
    Sum: _folded("sum", added),
    Times: _folded("times", multiplied),
    Minus: _minus,
    Percent: _percent,
    AtMost: _at_most,
    AtLeast: _at_least,
    ProRata: _pro_rata,
    InBand: _band,
    InSlices: _slices,
    Choose: _choose,
    When: _when,
    Each: _each,
    Largest: _each,
    LookUp: _look_up,
}
_CHOICES = (InBand, InSlices, Choose, When, LookUp)
