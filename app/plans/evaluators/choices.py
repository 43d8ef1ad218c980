"""What choosing operators come to: the band, the slices, the entry, the case, the branch."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from app.plans.literals import edge_value
from app.plans.operators.choices import Choose, InBand, InSlices, LookUp, Range, Slice, When
from app.plans.steps import Compiled, Compiler, Make, Run, Scope, Step, constant, exact


def _inside(band: Range) -> Callable[[Any], bool]:
    """Whether a value lies in a band; an edge that is not given is open."""
    low = band.from_ if band.from_ is not None else band.above
    high = band.to if band.to is not None else band.below
    least = None if low is None else exact(edge_value(low))
    most = None if high is None else exact(edge_value(high))
    open_low, open_high = band.from_ is None, band.to is None

    def inside(value: Any) -> bool:
        if least is not None and (value <= least if open_low else value < least):
            return False
        return most is None or not (value >= most if open_high else value > most)

    return inside


def _band(node: InBand, make: Make, _scope: Scope) -> Compiled:
    of = make(node.band.of)
    bands = [(band, _inside(band), make(band.gives)) for band in node.band.bands]

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
        low = 0 if lower is None else exact(edge_value(lower))
        rate = exact(Fraction(written.rate))
        if upper is None:
            return cls(low, None, rate, written, None)
        high = exact(edge_value(upper))
        part = high - low
        return cls(low, high, rate, written, (written, part, exact(Fraction(part * rate))))


def _slices(node: InSlices, make: Make, _scope: Scope) -> Compiled:
    of = make(node.slices.of)
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
        return Step(exact(total), node, (step,), used)

    return run_it


def _look_up(node: LookUp, make: Make, scope: Scope) -> Compiled:
    of, table = make(node.look_up.of), scope.tables[node.look_up.table]

    def run_it(run: Run) -> Step:
        step = of(run)
        if step.value is None:
            return Step(None, node, (step,))
        found = table.get(str(step.value))
        return Step(0 if found is None else exact(found), node, (step,))

    return run_it


def _choose(node: Choose, make: Make, _scope: Scope) -> Compiled:
    by = make(node.choose.by)
    cases = {word: make(gives) for word, gives in node.choose.cases.items()}
    rest = node.choose.otherwise
    otherwise = constant(0, 0) if rest is None else make(rest)

    def run_it(run: Run) -> Step:
        step = by(run)
        if step.value is None:
            return Step(None, node, (step,))
        word = str(step.value)
        given = cases.get(word, otherwise)(run)
        return Step(given.value, node, (step, given), word)

    return run_it


def _when(node: When, make: Make, _scope: Scope) -> Compiled:
    asked = node.when
    test, then, otherwise = (make(part) for part in (asked.if_, asked.then, asked.otherwise))

    def run_it(run: Run) -> Step:
        step = test(run)
        if step.value is None:
            return Step(None, node, (step,))
        given = then(run) if step.value else otherwise(run)
        return Step(given.value, node, (step, given), bool(step.value))

    return run_it


CHOICES: Mapping[type, Compiler] = {
    InBand: _band,
    InSlices: _slices,
    LookUp: _look_up,
    Choose: _choose,
    When: _when,
}
