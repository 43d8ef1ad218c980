"""How much an expression may hold: every evaluation ends, and its cost is bounded."""

from collections.abc import Iterator, Mapping

from app.kernel.problems import FieldError
from app.plans.benefits import Counter
from app.plans.expressions import Node
from app.plans.faults import fault
from app.plans.literals import Fen, Yuan
from app.plans.operators.choices import InSlices
from app.plans.operators.tallies import Listing, Total
from app.plans.walking import Path, parts, walk

MAX_OPERATORS = 400
# Operators, names, amounts and slices over a list: each is a step for each of up to 200 items.
MAX_REPEATED = 100
MAX_NESTING = 20


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
