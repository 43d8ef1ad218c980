"""What an expression comes to: exact, total, bounded; with the tree of steps that led there.

An expression is compiled once into functions and run for each claim.
"""

from collections.abc import Mapping
from fractions import Fraction

from app.plans.evaluators.arithmetic import ARITHMETIC
from app.plans.evaluators.choices import CHOICES
from app.plans.evaluators.conditions import CONDITIONS
from app.plans.evaluators.tallies import TALLIES
from app.plans.expressions import Node
from app.plans.steps import Compiled, Compiler, Run, Scope, Step, constant, exact

_COMPILERS: Mapping[type, Compiler] = {**ARITHMETIC, **CHOICES, **TALLIES, **CONDITIONS}


def compiled(node: Node, scope: Scope) -> Compiled:
    """The function that evaluates a checked expression."""
    if isinstance(node, int):
        return constant(node, node)
    if isinstance(node, str):
        return _text(node)
    return _COMPILERS[type(node)](node, lambda part: compiled(part, scope), scope)


def _text(text: str) -> Compiled:
    if text[0].isdigit():
        return constant(exact(Fraction(text)), text)
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
