"""What an expression can come to while inputs are unknown: intervals instead of numbers.

Always sound: whatever the unknown inputs turn out to be within their declared ranges, the
exact value lies within the bound. Used when a plan is published and in claim estimates.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from app.plans.bound_rules.arithmetic import ARITHMETIC
from app.plans.bound_rules.choices import CHOICES
from app.plans.bound_rules.conditions import CONDITIONS
from app.plans.bound_rules.tallies import TALLIES
from app.plans.expressions import Node
from app.plans.inputs import MAX_FEN, Input
from app.plans.intervals import (
    EITHER,
    Bound,
    Days,
    Interval,
    Truth,
    WordSet,
    exactly,
    interval,
    settled,
)
from app.plans.view import BoundRule, View, as_truth

_BOUNDS: Mapping[type, BoundRule] = {**ARITHMETIC, **CHOICES, **TALLIES, **CONDITIONS}


def bounds(node: Node, view: View) -> Bound:
    """What a checked expression can come to."""
    if isinstance(node, int):
        return exactly(node)
    if isinstance(node, str):
        return exactly(Fraction(node)) if node[0].isdigit() else _named(node, view)
    return _BOUNDS[type(node)](node, view, bounds)


def amount(node: Node, view: View) -> Interval:
    """The bound of an expression that is a number or money."""
    return interval(bounds(node, view))


def truth(node: Node, view: View) -> Truth:
    """The bound of a condition."""
    return as_truth(bounds(node, view))


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
