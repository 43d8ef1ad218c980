"""What counting operators come to: over a list, and with what was before."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

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
from app.plans.steps import ITEMS, Compiled, Compiler, Make, Run, Scope, Step, exact


def _over(combine: Callable[[Any, Any], Any]) -> Compiler:
    """An operator over the items of a list; over none of them it is nothing."""

    def compiler(node: Listing, make: Make, _scope: Scope) -> Compiled:
        listed, gives = node.over.of, make(node.over.gives)

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


def _count(node: Count, _make: Make, _scope: Scope) -> Compiled:
    def run_it(run: Run) -> Step:
        items: Any = run.inputs.get(node.count)
        return Step(None if items is None else len(items), node)

    return run_it


def _occurrence(node: Occurrence, _make: Make, _scope: Scope) -> Compiled:
    within = node.occurrence.within

    def run_it(run: Run) -> Step:
        if run.position:
            earlier = int(run.history.counted(ITEMS, within))
            return Step(earlier + run.position, node)
        return Step(run.history.times(within) + 1, node)

    return run_it


def _paid_before(node: PaidBefore, _make: Make, _scope: Scope) -> Compiled:
    asked = node.paid_before
    return lambda run: Step(run.history.paid(asked.within, asked.benefits, asked.plans), node)


def _before(node: Before, _make: Make, scope: Scope) -> Compiled:
    _, within = scope.counters[node.before]
    return lambda run: Step(exact(run.history.counted(node.before, within)), node)


def _total(node: Total, _make: Make, scope: Scope) -> Compiled:
    of, within = scope.counters[node.total]

    def run_it(run: Run) -> Step:
        now = of(run)
        value: Any = now.value
        if value is None:
            return Step(None, node, (now,))
        earlier = run.history.counted(node.total, within)
        return Step(exact(Fraction(earlier + value)), node, (now,), earlier)

    return run_it


TALLIES: Mapping[type, Compiler] = {
    Each: _over(lambda a, b: a + b),
    Largest: _over(max),
    Count: _count,
    Occurrence: _occurrence,
    PaidBefore: _paid_before,
    Before: _before,
    Total: _total,
}
