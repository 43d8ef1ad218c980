"""What an evaluation is made of: its steps, what it knows, what names mean to it.

A value that cannot be known, because a fact is missing, is None: the run goes on, and
`missing_of` finds in the steps which facts it was.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple, Protocol

from app.plans.expressions import Node
from app.plans.inputs import Inputs, Item, Value
from app.plans.literals import Within
from app.plans.operators.tallies import Count, Listing


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


# Makes the function of a part; what an operator is given to make its own.
Make = Callable[[Node], Compiled]
Compiler = Callable[[Any, Make, Scope], Compiled]

# The counter of listed items that the service keeps itself; no document can name it.
ITEMS = "#items"


def constant(value: Value, node: Any) -> Compiled:
    step = Step(value, node)
    return lambda run: step


def exact(value: int | Fraction) -> int | Fraction:
    """Whole numbers as int: several times quicker, and equally exact."""
    return value.numerator if value.denominator == 1 else value
