"""Static kinds of expressions: money, number, truth, word, day; every fault with its path."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from app.kernel.problems import FieldError
from app.plans.benefits import Counter
from app.plans.expressions import Node, operator_name
from app.plans.faults import KIND_WORDS, fault, kinds_in_words
from app.plans.inputs import Input
from app.plans.literals import Edge, Fen, Yuan, edge_value
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
from app.plans.operators.choices import Choose, InBand, InSlices, LookUp, Range, When
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
from app.plans.terms import Table
from app.plans.walking import Path, names_in, parts, walk

# A bare zero needs no unit: it is money or a number.
Kind = Literal["money", "number", "truth", "word", "day", "list", "zero"]
AMOUNT: tuple[Kind, ...] = ("money", "number")
KEY: tuple[Kind, ...] = ("word", "number")
GIVEN: tuple[Kind, ...] = ("money", "number", "truth")
ORDERED: tuple[Kind, ...] = ("money", "number", "day")
EQUAL: tuple[Kind, ...] = ("money", "number", "day", "word")

MAX_OPERATORS = 400
# Operators, names, amounts and slices over a list: each is a step for each of up to 200 items.
MAX_REPEATED = 100
MAX_NESTING = 20


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What names mean in one part of a document.

    `unclear` are names that the document has but that could not be read themselves;
    `needed` the words that must be covered where fewer can occur than are allowed.
    """

    inputs: Mapping[str, Input]
    tables: Mapping[str, Table] = field(default_factory=dict)
    benefits: frozenset[str] = frozenset()
    counters: Mapping[str, Counter] = field(default_factory=dict)
    in_benefit: bool = False
    plan: str | None = None
    unclear: frozenset[str] = frozenset()
    needed: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Kinds:
    """The checker of one benefit's (or price's) expressions, in the order of evaluation.

    `steps` and `counters` are those whose kind is known so far, None where it is unclear;
    `later` the steps that are still to come. `numbered` may stand inside `each`.
    """

    vocabulary: Vocabulary
    steps: dict[str, Kind | None] = field(default_factory=dict)
    counters: dict[str, Kind | None] = field(default_factory=dict)
    later: frozenset[str] = frozenset()
    faults: list[FieldError] = field(default_factory=list)
    faulty: set[Path] = field(default_factory=set)
    numbered: bool = False
    in_counter: bool = False
    numbered_list: str | None = None

    def report(self, path: Path, code: str, **fields: object) -> None:
        self.faults.append(fault(path, code, **fields))
        self.faulty.add(path)

    def clean(self, path: Path) -> bool:
        """Whether nothing is wrong or unclear with an expression."""
        return not any(place[: len(path)] == path for place in self.faulty)

    def expect(
        self, node: Node, path: Path, kinds: Sequence[Kind], inside: str | None = None
    ) -> Kind | None:
        """The kind of an expression, a fault if it is none of those allowed."""
        found = self.kind(node, path, inside)
        if found is None:
            return None
        if found in kinds or (found == "zero" and ("money" in kinds or "number" in kinds)):
            return found
        self.report(path, "wrong-kind", expected=kinds_in_words(kinds), found=KIND_WORDS[found])
        return None

    def kind(self, node: Node, path: Path, inside: str | None) -> Kind | None:
        """The kind of an expression; `inside` is the list that `each` goes through."""
        if isinstance(node, int):
            return "number" if node else "zero"
        if isinstance(node, str):
            return "number" if node[0].isdigit() else self._name(node, path, inside)
        return _KINDS[type(node)](self, node, (*path, operator_name(type(node))), inside)

    def _unclear(self, name: str, path: Path) -> bool:
        known = name in self.vocabulary.unclear or "*" in self.vocabulary.unclear
        if known:
            self.faulty.add(path)
        return known

    def _name(self, name: str, path: Path, inside: str | None) -> Kind | None:
        if "." in name:
            return self._field(name, path, inside)
        if name in self.steps:
            if self.steps[name] is None:
                self.faulty.add(path)
            return self.steps[name]
        if name in self.later:
            self.report(path, "step-later", name=name)
            return None
        known = self.vocabulary.inputs.get(name)
        if known is None:
            if not self._unclear(name, path):
                self.report(path, "unknown-input", name=name)
            return None
        if known.kind == "list":
            self.report(path, "list-alone", name=name)
            return None
        return known.kind

    def _field(self, name: str, path: Path, inside: str | None) -> Kind | None:
        listed, inner = name.split(".")
        known = self.listed(listed, path)
        if known is None:
            return None
        found = known.fields.get(inner)
        if found is None:
            self.report(path, "unknown-field", list=listed, name=inner)
        elif inside != listed:
            self.report(path, "field-outside-each", name=name)
        else:
            return found.kind
        return None

    def listed(self, name: str, path: Path) -> Input | None:
        """The list of that name."""
        known = self.vocabulary.inputs.get(name)
        if known is None:
            if not self._unclear(name, path):
                self.report(path, "unknown-input", name=name)
        elif known.kind != "list":
            self.report(path, "not-a-list", name=name)
        else:
            return known
        return None

    def table(self, name: str, path: Path) -> Table | None:
        """The table of that name."""
        found = self.vocabulary.tables.get(name)
        if found is None and not self._unclear(f"tables/{name}", path):
            self.report(path, "unknown-table", name=name)
        return found

    def same(
        self, parts: Iterable[tuple[Path, Node]], kinds: Sequence[Kind], inside: str | None
    ) -> Kind | None:
        """The one kind of several expressions; what differs from the first is a fault."""
        first: Kind | None = None
        unclear = False
        for path, node in parts:
            found = self.expect(node, path, kinds, inside)
            if found is None:
                unclear = True
            elif first is None or first == "zero":
                if first == "zero" and found not in (*AMOUNT, "zero"):
                    self.mixed(path, first, found)
                first = found
            elif found not in (first, "zero") or (found == "zero" and first not in AMOUNT):
                self.mixed(path, first, found)
        return None if unclear and first in (None, "zero") else first

    def mixed(self, path: Path, first: Kind, found: Kind) -> None:
        self.report(path, "mixed-kinds", first=KIND_WORDS[first], found=KIND_WORDS[found])

    def edge(self, edge: Edge, path: Path, kind: Kind | None) -> None:
        """An edge is money where money is compared."""
        money = isinstance(edge, Yuan | Fen)
        found: Kind = "money" if money else "number" if edge_value(edge) else "zero"
        if kind in AMOUNT and found not in (kind, "zero"):
            self.report(path, "wrong-kind", expected=KIND_WORDS[kind], found=KIND_WORDS[found])

    def only_in_benefits(self, name: str, path: Path) -> bool:
        if not self.vocabulary.in_benefit:
            self.report(path, "only-in-benefits", name=name)
        return self.vocabulary.in_benefit


def _at(path: Path, parts: Sequence[Node]) -> list[tuple[Path, Node]]:
    return [((*path, at), part) for at, part in enumerate(parts)]


def _money(_: Kinds, _node: Any, _path: Path, _inside: str | None) -> Kind:
    return "money"


def _sum(kinds: Kinds, node: Sum, path: Path, inside: str | None) -> Kind | None:
    return kinds.same(_at(path, node.sum), AMOUNT, inside)


def _minus(kinds: Kinds, node: Minus, path: Path, inside: str | None) -> Kind | None:
    return kinds.same(_at(path, node.minus), AMOUNT, inside)


def _times(kinds: Kinds, node: Times, path: Path, inside: str | None) -> Kind | None:
    found: list[Kind | None] = []
    for place, part in _at(path, node.times):
        kind = kinds.expect(part, place, AMOUNT, inside)
        if kind == "money" and "money" in found:
            kinds.report(place, "money-times-money")
        found.append(kind)
    if "money" in found:
        return "money"
    return None if None in found else "number"


def _percent(kinds: Kinds, node: Percent, path: Path, inside: str | None) -> Kind | None:
    kinds.expect(node.percent.rate, (*path, "rate"), ("number",), inside)
    return kinds.expect(node.percent.of, (*path, "of"), AMOUNT, inside)


def _at_most(kinds: Kinds, node: AtMost, path: Path, inside: str | None) -> Kind | None:
    parts = [((*path, "of"), node.at_most.of), ((*path, "limit"), node.at_most.limit)]
    return kinds.same(parts, AMOUNT, inside)


def _at_least(kinds: Kinds, node: AtLeast, path: Path, inside: str | None) -> Kind | None:
    parts = [((*path, "of"), node.at_least.of), ((*path, "floor"), node.at_least.floor)]
    return kinds.same(parts, AMOUNT, inside)


def _pro_rata(kinds: Kinds, node: ProRata, path: Path, inside: str | None) -> Kind | None:
    asked = node.pro_rata
    kinds.same([((*path, "part"), asked.part), ((*path, "whole"), asked.whole)], AMOUNT, inside)
    return kinds.expect(asked.of, (*path, "of"), AMOUNT, inside)


def _full(kinds: Kinds, node: Full, path: Path, inside: str | None) -> Kind:
    kind = kinds.expect(node.full.of, (*path, "of"), AMOUNT, inside)
    kinds.edge(node.full.per, (*path, "per"), kind)
    if not edge_value(node.full.per):
        kinds.report((*path, "per"), "zero-unit")
    return "number"


def _edges(kinds: Kinds, band: Range, path: Path, kind: Kind | None) -> None:
    for name, edge in (
        ("from", band.from_),
        ("above", band.above),
        ("to", band.to),
        ("below", band.below),
    ):
        if edge is not None:
            kinds.edge(edge, (*path, name), kind)


def _band(kinds: Kinds, node: InBand, path: Path, inside: str | None) -> Kind | None:
    kind = kinds.expect(node.band.of, (*path, "of"), AMOUNT, inside)
    given = []
    for at, band in enumerate(node.band.bands):
        _edges(kinds, band, (*path, "bands", at), kind)
        given.append(((*path, "bands", at, "gives"), band.gives))
    return kinds.same(given, GIVEN, inside)


def _slices(kinds: Kinds, node: InSlices, path: Path, inside: str | None) -> Kind | None:
    kind = kinds.expect(node.slices.of, (*path, "of"), AMOUNT, inside)
    for at, each in enumerate(node.slices.slices):
        _edges(kinds, each, (*path, "slices", at), kind)
    return kind


def _look_up(kinds: Kinds, node: LookUp, path: Path, inside: str | None) -> Kind | None:
    kinds.expect(node.look_up.of, (*path, "of"), KEY, inside)
    table = kinds.table(node.look_up.table, (*path, "table"))
    if table is None:
        return None
    if table.kind == "list":
        kinds.report((*path, "table"), "table-kind", name=node.look_up.table)
        return None
    return "money" if table.kind == "amounts" else "number"


def _choose(kinds: Kinds, node: Choose, path: Path, inside: str | None) -> Kind | None:
    kinds.expect(node.choose.by, (*path, "by"), KEY, inside)
    given = [((*path, "cases", word), case) for word, case in node.choose.cases.items()]
    if node.choose.otherwise is not None:
        given.append(((*path, "otherwise"), node.choose.otherwise))
    return kinds.same(given, GIVEN, inside)


def _when(kinds: Kinds, node: When, path: Path, inside: str | None) -> Kind | None:
    kinds.expect(node.when.if_, (*path, "if"), ("truth",), inside)
    parts = [((*path, "then"), node.when.then), ((*path, "otherwise"), node.when.otherwise)]
    return kinds.same(parts, (*GIVEN, "word", "day"), inside)


def _each(kinds: Kinds, node: Listing, path: Path, inside: str | None) -> Kind | None:
    if inside is not None:
        kinds.report(path, "each-in-each")
        return None
    over = node.over
    known = kinds.listed(over.of, (*path, "of"))
    return kinds.expect(over.gives, (*path, "gives"), AMOUNT, over.of if known else None)


def _count(kinds: Kinds, node: Count, path: Path, _inside: str | None) -> Kind:
    kinds.listed(node.count, path)
    return "number"


def _occurrence(kinds: Kinds, _node: Any, path: Path, inside: str | None) -> Kind:
    if kinds.only_in_benefits("occurrence", path) and inside is not None:
        if not kinds.numbered:
            kinds.report(path, "occurrence-out-of-place")
        elif kinds.numbered_list not in (None, inside):
            kinds.report(path, "two-numbered-lists", first=kinds.numbered_list, name=inside)
        else:
            kinds.numbered_list = inside
    return "number"


def _paid_before(kinds: Kinds, node: PaidBefore, path: Path, _inside: str | None) -> Kind:
    if kinds.only_in_benefits("paid_before", path):
        asked = node.paid_before
        for at, code in enumerate(asked.plans):
            if code == kinds.vocabulary.plan:
                kinds.report((*path, "plans", at), "plan-itself")
        if asked.plans and asked.benefits:
            kinds.report((*path, "benefits"), "benefits-of-plans")
        for at, code in enumerate(asked.benefits):
            if code not in kinds.vocabulary.benefits:
                kinds.report((*path, "benefits", at), "unknown-benefit", name=code)
    return "money"


def _counter(kinds: Kinds, name: str, path: Path) -> Kind | None:
    operator = str(path[-1])
    if not kinds.only_in_benefits(operator, path):
        return None
    if kinds.in_counter:
        kinds.report(path, "counter-in-counter")
        return None
    counter = kinds.vocabulary.counters.get(name)
    if counter is None:
        kinds.report(path, "unknown-counter", name=name)
        return None
    later = next((step for step in names_in(counter.of) if step in kinds.later), None)
    if later is not None:
        kinds.report(path, "step-later", name=later)
        return None
    if kinds.counters.get(name) is None:
        kinds.faulty.add(path)
    return kinds.counters.get(name)


def _before(kinds: Kinds, node: Before, path: Path, _inside: str | None) -> Kind | None:
    return _counter(kinds, node.before, path)


def _total(kinds: Kinds, node: Total, path: Path, inside: str | None) -> Kind | None:
    found = _counter(kinds, node.total, path)
    counter = kinds.vocabulary.counters.get(node.total)
    if found is None or counter is None:
        return found
    if inside is not None and any(
        isinstance(part, Listing | Occurrence) for _, part in walk(counter.of)
    ):
        kinds.report(path, "each-in-each")
        return None
    return found


def _days_between(kinds: Kinds, node: DaysBetween, path: Path, inside: str | None) -> Kind:
    kinds.expect(node.days_between.first, (*path, "first"), ("day",), inside)
    kinds.expect(node.days_between.last, (*path, "last"), ("day",), inside)
    return "number"


def _compared(name: str, allowed: Sequence[Kind]) -> Callable[..., Kind]:
    def check(kinds: Kinds, node: Any, path: Path, inside: str | None) -> Kind:
        kinds.same(_at(path, getattr(node, name)), allowed, inside)
        return "truth"

    return check


def _one_of(kinds: Kinds, node: OneOf, path: Path, inside: str | None) -> Kind:
    kinds.expect(node.one_of.of, (*path, "of"), ("word",), inside)
    return "truth"


def _listed(kinds: Kinds, node: Listed, path: Path, inside: str | None) -> Kind:
    kinds.expect(node.listed.of, (*path, "of"), KEY, inside)
    kinds.table(node.listed.table, (*path, "table"))
    return "truth"


def _holds(kinds: Kinds, node: Holds, path: Path, _inside: str | None) -> Kind:
    if kinds.only_in_benefits("holds", path) and node.holds == kinds.vocabulary.plan:
        kinds.report(path, "plan-itself")
    return "truth"


def _truths(name: str) -> Callable[..., Kind]:
    def check(kinds: Kinds, node: Any, path: Path, inside: str | None) -> Kind:
        for place, part in _at(path, getattr(node, name)):
            kinds.expect(part, place, ("truth",), inside)
        return "truth"

    return check


def _not(kinds: Kinds, node: Not, path: Path, inside: str | None) -> Kind:
    kinds.expect(node.not_, path, ("truth",), inside)
    return "truth"


_KINDS: Mapping[type, Callable[[Kinds, Any, Path, str | None], Kind | None]] = {
    Yuan: _money,
    Fen: _money,
    Sum: _sum,
    Minus: _minus,
    Times: _times,
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
    Largest: _each,
    Count: _count,
    Occurrence: _occurrence,
    PaidBefore: _paid_before,
    Before: _before,
    Total: _total,
    DaysBetween: _days_between,
    Equals: _compared("equals", EQUAL),
    Reaches: _compared("reaches", ORDERED),
    Exceeds: _compared("exceeds", ORDERED),
    UpTo: _compared("up_to", ORDERED),
    Below: _compared("below", ORDERED),
    OneOf: _one_of,
    Listed: _listed,
    Holds: _holds,
    All: _truths("all"),
    Any_: _truths("any"),
    Not: _not,
}


def depth(node: Node) -> int:
    """How deep expressions stand inside one another; a leaf is 1."""
    return 1 + max((depth(part) for _, part in parts(node)), default=0)


def size_faults(
    path: Path, roots: Mapping[Path, Node], counters: Mapping[str, Counter]
) -> list[FieldError]:
    """What would cost too much to evaluate: all expressions of one benefit together.

    Where a counter is asked for, what it counts is evaluated, and explained, once more.
    """
    nodes = [node for root in roots.values() for node in _evaluated(root, counters)]
    count = sum(not isinstance(node, int | str | Yuan | Fen) for node in nodes)
    repeated = sum(
        1 + sum(map(_parts, _evaluated(node.over.gives, counters)))
        for node in nodes
        if isinstance(node, Listing)
    )
    faults = [
        fault(place, "nested-too-deeply", most=MAX_NESTING)
        for place, root in roots.items()
        if depth(root) > MAX_NESTING
    ]
    if count > MAX_OPERATORS:
        faults.append(fault(path, "too-many-operators", most=MAX_OPERATORS, count=count))
    if repeated > MAX_REPEATED:
        faults.append(fault(path, "too-many-repeated", most=MAX_REPEATED, count=repeated))
    return faults


def _evaluated(root: Node, counters: Mapping[str, Counter]) -> Iterator[Node]:
    """Everything inside an expression, and inside the counters that it asks for."""
    for _, node in walk(root):
        yield node
        if isinstance(node, Total) and node.total in counters:
            yield from (inner for _, inner in walk(counters[node.total].of))


def _parts(node: Node) -> int:
    """The steps that a node is explained in; of slices each is one."""
    return 1 + (len(node.slices.slices) if isinstance(node, InSlices) else 0)
