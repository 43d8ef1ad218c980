"""What reckoning operators come to."""

from collections.abc import Callable, Mapping
from datetime import date
from fractions import Fraction
from typing import Any

from app.plans.expressions import Node
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
from app.plans.steps import Compiled, Compiler, Make, Run, Scope, Step, constant, exact


def _money(node: Yuan | Fen, _make: Make, _scope: Scope) -> Compiled:
    return constant(node.fen, node)


def _fold(combine: Callable[[Any, Any], Any], listed: str) -> Compiler:
    """An operator over several parts from left to right."""

    def compiler(node: Any, make: Make, _scope: Scope) -> Compiled:
        parts = [make(part) for part in getattr(node, listed)]

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


def of_two(
    first: Callable[[Any], Node], second: Callable[[Any], Node], combine: Callable[[Any, Any], Any]
) -> Compiler:
    """An operator over two parts."""

    def compiler(node: Any, make: Make, _scope: Scope) -> Compiled:
        one, other = make(first(node)), make(second(node))

        def run_both(run: Run) -> Step:
            left, right = one(run), other(run)
            if left.value is None or right.value is None:
                return Step(None, node, (left, right))
            return Step(combine(left.value, right.value), node, (left, right))

        return run_both

    return compiler


def _pro_rata(node: ProRata, make: Make, _scope: Scope) -> Compiled:
    asked = node.pro_rata
    parts = [make(part) for part in (asked.of, asked.part, asked.whole)]

    def run_it(run: Run) -> Step:
        steps = tuple([part(run) for part in parts])
        of, part, whole = (step.value for step in steps)
        if of is None or part is None or whole is None:
            return Step(None, node, steps)
        share = min(Fraction(1), Fraction(part) / Fraction(whole)) if whole else 0  # type: ignore[arg-type]
        return Step(exact(Fraction(of * share)), node, steps)  # type: ignore[operator]

    return run_it


def _full(node: Full, make: Make, _scope: Scope) -> Compiled:
    of, per = make(node.full.of), exact(edge_value(node.full.per))

    def run_it(run: Run) -> Step:
        step = of(run)
        value: Any = step.value
        return Step(None if value is None else int(value // per) if per else 0, node, (step,))

    return run_it


def _days_between(first: date, last: date) -> int:
    return max(0, (last - first).days)


ARITHMETIC: Mapping[type, Compiler] = {
    Yuan: _money,
    Fen: _money,
    Sum: _fold(lambda a, b: a + b, "sum"),
    Minus: _fold(_less, "minus"),
    Times: _fold(lambda a, b: a * b, "times"),
    Percent: of_two(lambda n: n.percent.of, lambda n: n.percent.rate, lambda a, b: exact(a * b)),
    AtMost: of_two(lambda n: n.at_most.of, lambda n: n.at_most.limit, min),
    AtLeast: of_two(lambda n: n.at_least.of, lambda n: n.at_least.floor, max),
    ProRata: _pro_rata,
    Full: _full,
    DaysBetween: of_two(
        lambda n: n.days_between.first, lambda n: n.days_between.last, _days_between
    ),
}
