"""What an expression comes to: exact, total, bounded; with the tree of steps that led there.

An expression is compiled once into functions and run for each claim. A value that cannot
be known, because a fact is missing, is None: the run goes on, and `missing_of` finds in the
steps which facts it was.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple, Protocol

from app.plans.expressions import Node
from app.plans.inputs import Inputs, Item, Value
from app.plans.literals import Fen, Within, Yuan, edge_value
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
from app.plans.operators.choices import Choose, InBand, InSlices, LookUp, Range, Slice, When
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


class Step(NamedTuple):
    """One step: what it came to, the expression that said so, the steps before it.

    `note` is what the operator chose: the band, the case, the table's entry.
    """

    value: Value | None
    node: Any
    parts: tuple["Step", ...] = ()
    note: Any = None


class History(Protocol):
    """What was paid before, seen from one claim under one benefit."""

    def paid(self, within: Within, benefits: Sequence[str], plans: Sequence[str] = ()) -> int:
        """Fen paid in the period under the benefits (none named: this benefit), or by plans."""

    def times(self, within: Within) -> int:
        """Paid claims of this benefit in the period."""

    def counted(self, counter: str, within: Within) -> Fraction:
        """What the counter had."""


@dataclass(slots=True)
class Run:
    """One evaluation: the inputs that are known, the steps so far, the item looked at."""

    inputs: Inputs
    history: History
    holds: frozenset[str] = frozenset()
    steps: dict[str, Step] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)
    position: int = 0


Compiled = Callable[[Run], Step]


def missing_of(steps: Iterable[Step], named: Mapping[str, Step]) -> tuple[str, ...]:
    """The inputs for want of which steps have no value, each once, in the order met.

    `named` are the run's steps. What a step came to its value without is not missing: the
    other parts of an `any` that holds, the branch not taken.
    """
    missing: dict[str, None] = {}
    looked: set[str] = set()

    def look(step: Step) -> None:
        if step.value is not None:
            return
        node = step.node
        if isinstance(node, str) and node in named:
            if node not in looked:
                looked.add(node)
                look(named[node])
        elif isinstance(node, str):
            missing[node] = None
        elif isinstance(node, Count):
            missing[node.count] = None
        elif isinstance(node, Listing) and not step.parts:
            missing[node.over.of] = None
        for part in step.parts:
            look(part)

    for step in steps:
        look(step)
    return tuple(missing)


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean while an expression is compiled.

    `tables` are the document's by name, each a mapping to exact values (or None where it
    is a list); `counters` the benefit's.
    """

    tables: Mapping[str, Mapping[str, Fraction | None]] = field(default_factory=dict)
    counters: Mapping[str, tuple[Compiled, Within]] = field(default_factory=dict)


def compiled(node: Node, scope: Scope) -> Compiled:
    """The function that evaluates a checked expression."""
    if isinstance(node, int):
        return _constant(node, node)
    if isinstance(node, str):
        return _text(node)
    return _COMPILERS[type(node)](node, scope)


def _constant(value: Value, node: Any) -> Compiled:
    step = Step(value, node)
    return lambda run: step


def _text(text: str) -> Compiled:
    if text[0].isdigit():
        return _constant(_exact(Fraction(text)), text)
    if "." in text:
        return _item_field(text)

    def named(run: Run) -> Step:
        known = run.steps.get(text)
        if known is not None:
            return Step(known.value, text)
        return Step(run.inputs.get(text), text)  # type: ignore[arg-type]  # never a list

    return named


def _item_field(text: str) -> Compiled:
    listed, name = text.split(".")

    def of_item(run: Run) -> Step:
        return Step(run.items[listed].get(name), text)

    return of_item


def _exact(value: int | Fraction) -> int | Fraction:
    """Whole numbers as int: several times quicker, and equally exact."""
    return value.numerator if value.denominator == 1 else value


def _money(node: Yuan | Fen, _scope: Scope) -> Compiled:
    return _constant(node.fen, node)


def _fold(combine: Callable[[Any, Any], Any], listed: str) -> Callable[[Any, Scope], Compiled]:
    """An operator over several parts from left to right."""

    def compiler(node: Any, scope: Scope) -> Compiled:
        parts = [compiled(part, scope) for part in getattr(node, listed)]

        def run_all(run: Run) -> Step:
            steps = tuple([part(run) for part in parts])
            total: Any = steps[0].value
            for step in steps[1:]:
                total = None if total is None or step.value is None else combine(total, step.value)
            return Step(total, node, steps)

        return run_all

    return compiler


def _less(first: Any, second: Any) -> Any:
    return first - second if first > second else 0


def _two(
    first: Callable[[Any], Node], second: Callable[[Any], Node], combine: Callable[[Any, Any], Any]
) -> Callable[[Any, Scope], Compiled]:
    """An operator over two parts."""

    def compiler(node: Any, scope: Scope) -> Compiled:
        one, other = compiled(first(node), scope), compiled(second(node), scope)

        def run_both(run: Run) -> Step:
            left, right = one(run), other(run)
            if left.value is None or right.value is None:
                return Step(None, node, (left, right))
            return Step(combine(left.value, right.value), node, (left, right))

        return run_both

    return compiler


def _pro_rata(node: ProRata, scope: Scope) -> Compiled:
    asked = node.pro_rata
    parts = [compiled(part, scope) for part in (asked.of, asked.part, asked.whole)]

    def run_it(run: Run) -> Step:
        steps = tuple([part(run) for part in parts])
        of, part, whole = (step.value for step in steps)
        if of is None or part is None or whole is None:
            return Step(None, node, steps)
        share = min(Fraction(1), Fraction(part) / Fraction(whole)) if whole else 0  # type: ignore[arg-type]
        return Step(_exact(Fraction(of * share)), node, steps)  # type: ignore[operator]

    return run_it


def _full(node: Full, scope: Scope) -> Compiled:
    of, per = compiled(node.full.of, scope), _exact(edge_value(node.full.per))

    def run_it(run: Run) -> Step:
        step = of(run)
        value: Any = step.value
        return Step(None if value is None else int(value // per) if per else 0, node, (step,))

    return run_it


def _inside(band: Range) -> Callable[[Any], bool]:
    """Whether a value lies in a band; an edge that is not given is open."""
    low = band.from_ if band.from_ is not None else band.above
    high = band.to if band.to is not None else band.below
    least = None if low is None else _exact(edge_value(low))
    most = None if high is None else _exact(edge_value(high))
    open_low, open_high = band.from_ is None, band.to is None

    def inside(value: Any) -> bool:
        if least is not None and (value <= least if open_low else value < least):
            return False
        return most is None or not (value >= most if open_high else value > most)

    return inside


def _band(node: InBand, scope: Scope) -> Compiled:
    of = compiled(node.band.of, scope)
    bands = [(band, _inside(band), compiled(band.gives, scope)) for band in node.band.bands]

    def run_it(run: Run) -> Step:
        step = of(run)
        if step.value is not None:
            for band, inside, gives in bands:
                if inside(step.value):
                    given = gives(run)
                    return Step(given.value, node, (step, given), band)
            return Step(0, node, (step,))
        return Step(None, node, (step,))

    return run_it


class _Slice(NamedTuple):
    """One slice, and what all of it comes to; of the last one that may be without end."""

    low: int | Fraction
    high: int | Fraction | None
    rate: int | Fraction
    slice_: Slice
    full: tuple[Slice, int | Fraction, int | Fraction] | None

    @classmethod
    def of(cls, written: Slice) -> "_Slice":
        lower = written.above if written.above is not None else written.from_
        upper = written.to if written.to is not None else written.below
        low = 0 if lower is None else _exact(edge_value(lower))
        rate = _exact(Fraction(written.rate))
        if upper is None:
            return cls(low, None, rate, written, None)
        high = _exact(edge_value(upper))
        part = high - low
        return cls(low, high, rate, written, (written, part, _exact(Fraction(part * rate))))


def _slices(node: InSlices, scope: Scope) -> Compiled:
    of = compiled(node.slices.of, scope)
    slices = [_Slice.of(each) for each in node.slices.slices]

    def run_it(run: Run) -> Step:
        step = of(run)
        value: Any = step.value
        if value is None:
            return Step(None, node, (step,))
        total: Any = 0
        used = []
        for low, high, rate, slice_, full in slices:
            if value <= low:
                break
            part = value - low
            reached = full if full and value >= high else (slice_, part, part * rate)
            used.append(reached)
            total += reached[2]
        return Step(_exact(total), node, (step,), used)

    return run_it


def _look_up(node: LookUp, scope: Scope) -> Compiled:
    of, table = compiled(node.look_up.of, scope), scope.tables[node.look_up.table]

    def run_it(run: Run) -> Step:
        step = of(run)
        if step.value is None:
            return Step(None, node, (step,))
        found = table.get(str(step.value))
        return Step(0 if found is None else _exact(found), node, (step,))

    return run_it


def _choose(node: Choose, scope: Scope) -> Compiled:
    by = compiled(node.choose.by, scope)
    cases = {word: compiled(gives, scope) for word, gives in node.choose.cases.items()}
    rest = node.choose.otherwise
    otherwise = _constant(0, 0) if rest is None else compiled(rest, scope)

    def run_it(run: Run) -> Step:
        step = by(run)
        if step.value is None:
            return Step(None, node, (step,))
        word = str(step.value)
        given = cases.get(word, otherwise)(run)
        return Step(given.value, node, (step, given), word)

    return run_it


def _when(node: When, scope: Scope) -> Compiled:
    asked = node.when
    test, then, otherwise = (
        compiled(part, scope) for part in (asked.if_, asked.then, asked.otherwise)
    )

    def run_it(run: Run) -> Step:
        step = test(run)
        if step.value is None:
            return Step(None, node, (step,))
        given = then(run) if step.value else otherwise(run)
        return Step(given.value, node, (step, given), bool(step.value))

    return run_it


def _over(combine: Callable[[Any, Any], Any]) -> Callable[[Any, Scope], Compiled]:
    """An operator over the items of a list; over none of them it is nothing."""

    def compiler(node: Listing, scope: Scope) -> Compiled:
        listed, gives = node.over.of, compiled(node.over.gives, scope)

        def run_it(run: Run) -> Step:
            items: Any = run.inputs.get(listed)
            if items is None:
                return Step(None, node)
            outer = run.position, run.items
            steps = []
            total: Any = 0
            for run.position, item in enumerate(items, 1):
                run.items = {listed: item}
                step = gives(run)
                steps.append(step)
                total = None if total is None or step.value is None else combine(total, step.value)
            # A counter that is asked for inside a list may go through a list itself.
            run.position, run.items = outer
            return Step(total, node, tuple(steps))

        return run_it

    return compiler


def _count(node: Count, _scope: Scope) -> Compiled:
    def run_it(run: Run) -> Step:
        items: Any = run.inputs.get(node.count)
        return Step(None if items is None else len(items), node)

    return run_it


# The counter of listed items that the service keeps itself; no document can name it.
ITEMS = "#items"


def _occurrence(node: Occurrence, _scope: Scope) -> Compiled:
    within = node.occurrence.within

    def run_it(run: Run) -> Step:
        if run.position:
            earlier = int(run.history.counted(ITEMS, within))
            return Step(earlier + run.position, node)
        return Step(run.history.times(within) + 1, node)

    return run_it


def _paid_before(node: PaidBefore, _scope: Scope) -> Compiled:
    asked = node.paid_before
    return lambda run: Step(run.history.paid(asked.within, asked.benefits, asked.plans), node)


def _before(node: Before, scope: Scope) -> Compiled:
    _, within = scope.counters[node.before]
    return lambda run: Step(_exact(run.history.counted(node.before, within)), node)


def _total(node: Total, scope: Scope) -> Compiled:
    of, within = scope.counters[node.total]

    def run_it(run: Run) -> Step:
        now = of(run)
        value: Any = now.value
        if value is None:
            return Step(None, node, (now,))
        earlier = run.history.counted(node.total, within)
        return Step(_exact(Fraction(earlier + value)), node, (now,), earlier)

    return run_it


def _days_between(first: date, last: date) -> int:
    return max(0, (last - first).days)


def _one_of(node: OneOf, scope: Scope) -> Compiled:
    of, words = compiled(node.one_of.of, scope), frozenset(node.one_of.words)

    def run_it(run: Run) -> Step:
        step = of(run)
        return Step(None if step.value is None else step.value in words, node, (step,))

    return run_it


def _listed(node: Listed, scope: Scope) -> Compiled:
    of, table = compiled(node.listed.of, scope), scope.tables[node.listed.table]

    def run_it(run: Run) -> Step:
        step = of(run)
        return Step(None if step.value is None else str(step.value) in table, node, (step,))

    return run_it


def _holds(node: Holds, _scope: Scope) -> Compiled:
    return lambda run: Step(node.holds in run.holds, node)


def _quantified(listed: str, decisive: bool) -> Callable[[Any, Scope], Compiled]:
    """`all` is decided by a False, `any` by a True; what is unknown decides nothing."""

    def compiler(node: Any, scope: Scope) -> Compiled:
        parts = [compiled(part, scope) for part in getattr(node, listed)]

        def run_it(run: Run) -> Step:
            steps = tuple([part(run) for part in parts])
            values = [step.value for step in steps]
            if decisive in values:
                return Step(decisive, node, steps)
            return Step(None if None in values else not decisive, node, steps)

        return run_it

    return compiler


def _not(node: Not, scope: Scope) -> Compiled:
    of = compiled(node.not_, scope)

    def run_it(run: Run) -> Step:
        step = of(run)
        return Step(None if step.value is None else not step.value, node, (step,))

    return run_it


def _pair(name: str, holds: Callable[[Any, Any], bool]) -> Callable[[Any, Scope], Compiled]:
    return _two(lambda n: getattr(n, name)[0], lambda n: getattr(n, name)[1], holds)


_COMPILERS: Mapping[type, Callable[[Any, Scope], Compiled]] = {
    Yuan: _money,
    Fen: _money,
    Sum: _fold(lambda a, b: a + b, "sum"),
    Minus: _fold(_less, "minus"),
    Times: _fold(lambda a, b: a * b, "times"),
    Percent: _two(lambda n: n.percent.of, lambda n: n.percent.rate, lambda a, b: _exact(a * b)),
    AtMost: _two(lambda n: n.at_most.of, lambda n: n.at_most.limit, min),
    AtLeast: _two(lambda n: n.at_least.of, lambda n: n.at_least.floor, max),
    ProRata: _pro_rata,
    Full: _full,
    InBand: _band,
    InSlices: _slices,
    LookUp: _look_up,
    Choose: _choose,
    When: _when,
    Each: _over(lambda a, b: a + b),
    Largest: _over(max),
    Count: _count,
    Occurrence: _occurrence,
    PaidBefore: _paid_before,
    Before: _before,
    Total: _total,
    DaysBetween: _two(lambda n: n.days_between.first, lambda n: n.days_between.last, _days_between),
    Equals: _pair("equals", lambda a, b: bool(a == b)),
    Reaches: _pair("reaches", lambda a, b: bool(a >= b)),
    Exceeds: _pair("exceeds", lambda a, b: bool(a > b)),
    UpTo: _pair("up_to", lambda a, b: bool(a <= b)),
    Below: _pair("below", lambda a, b: bool(a < b)),
    OneOf: _one_of,
    Listed: _listed,
    Holds: _holds,
    All: _quantified("all", decisive=False),
    Any_: _quantified("any", decisive=True),
    Not: _not,
}
