"""What is known where an expression stands, while some of its inputs are not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from app.plans.benefits import Counter
from app.plans.expressions import Node
from app.plans.inputs import Input, Inputs, Item
from app.plans.intervals import Bound, Truth
from app.plans.steps import History


@dataclass(frozen=True, slots=True)
class View:
    """What is known where an expression stands.

    `known` are inputs with a value, `steps` what earlier steps can come to. Without
    `history` or `holds` nothing is known of the past or of other plans.
    """

    inputs: Mapping[str, Input]
    tables: Mapping[str, Mapping[str, Fraction | None]] = field(default_factory=dict)
    known: Inputs = field(default_factory=dict)
    counters: Mapping[str, Counter] = field(default_factory=dict)
    steps: Mapping[str, Bound] = field(default_factory=dict)
    history: History | None = None
    holds: frozenset[str] | None = None
    items: Mapping[str, Item] = field(default_factory=dict)
    position: int | None = 0


# The bound of a part, seen from some view: what an operator is given to judge its own by.
PartOf = Callable[[Node, View], Bound]
BoundRule = Callable[[Any, View, PartOf], Bound]


def as_truth(found: Bound) -> Truth:
    """The bound of a condition."""
    if not isinstance(found, Truth):
        raise TypeError(f"not a condition: {found}")
    return found
