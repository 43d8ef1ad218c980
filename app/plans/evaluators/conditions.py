"""Which conditions hold; what is unknown is neither."""

from collections.abc import Callable, Mapping
from typing import Any

from app.plans.evaluators.arithmetic import of_two
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
from app.plans.steps import Compiled, Compiler, Make, Run, Scope, Step


def _pair(name: str, holds: Callable[[Any, Any], bool]) -> Compiler:
    return of_two(lambda n: getattr(n, name)[0], lambda n: getattr(n, name)[1], holds)


def _one_of(node: OneOf, make: Make, _scope: Scope) -> Compiled:
    of, words = make(node.one_of.of), frozenset(node.one_of.words)

    def run_it(run: Run) -> Step:
        step = of(run)
        return Step(None if step.value is None else step.value in words, node, (step,))

    return run_it


def _listed(node: Listed, make: Make, scope: Scope) -> Compiled:
    of, table = make(node.listed.of), scope.tables[node.listed.table]

    def run_it(run: Run) -> Step:
        step = of(run)
        return Step(None if step.value is None else str(step.value) in table, node, (step,))

    return run_it


def _holds(node: Holds, _make: Make, _scope: Scope) -> Compiled:
    return lambda run: Step(node.holds in run.holds, node)


def _quantified(listed: str, decisive: bool) -> Compiler:
    """`all` is decided by a False, `any` by a True; what is unknown decides nothing."""

    def compiler(node: Any, make: Make, _scope: Scope) -> Compiled:
        parts = [make(part) for part in getattr(node, listed)]

        def run_it(run: Run) -> Step:
            steps = tuple([part(run) for part in parts])
            values = [step.value for step in steps]
            if decisive in values:
                return Step(decisive, node, steps)
            return Step(None if None in values else not decisive, node, steps)

        return run_it

    return compiler


def _not(node: Not, make: Make, _scope: Scope) -> Compiled:
    of = make(node.not_)

    def run_it(run: Run) -> Step:
        step = of(run)
        return Step(None if step.value is None else not step.value, node, (step,))

    return run_it


CONDITIONS: Mapping[type, Compiler] = {
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
