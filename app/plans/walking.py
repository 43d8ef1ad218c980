"""Looking through an expression: its parts, each with its path as in the document."""

from collections.abc import Iterator

from app.plans.expressions import Node, operator_name
from app.plans.operators.choices import Choose, InBand, When
from app.plans.operators.conditions import Holds, Not
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

Path = tuple[str | int, ...]


def parts(node: Node) -> list[tuple[Path, Node]]:
    """The expressions directly inside one, each with its path from there, as in the document."""
    if isinstance(node, int | str):
        return []
    [(field, value)] = [(name, getattr(node, name)) for name in type(node).model_fields]
    name = operator_name(type(node))
    inner: list[tuple[Path, Node]]
    match node:
        case InBand():
            inner = [((name, "of"), node.band.of)]
            bands = enumerate(node.band.bands)
            return inner + [((name, "bands", at, "gives"), band.gives) for at, band in bands]
        case Choose():
            inner = [((name, "by"), node.choose.by)]
            inner += [((name, "cases", word), case) for word, case in node.choose.cases.items()]
            rest = node.choose.otherwise
            return inner if rest is None else [*inner, ((name, "otherwise"), rest)]
        case When():
            branch = node.when
            return [
                ((name, "if"), branch.if_),
                ((name, "then"), branch.then),
                ((name, "otherwise"), branch.otherwise),
            ]
        case Not():
            return [((name,), node.not_)]
        case Each() | Largest():
            return [((name, "gives"), node.over.gives)]
    if isinstance(value, tuple):
        return [((name, at), part) for at, part in enumerate(value)]
    return [((name, each), getattr(value, each)) for each in INNER.get(field, ())]


# Operators whose parts are the named members of one object.
INNER: dict[str, tuple[str, ...]] = {
    "percent": ("of", "rate"),
    "at_most": ("of", "limit"),
    "at_least": ("of", "floor"),
    "pro_rata": ("of", "part", "whole"),
    "full": ("of",),
    "slices": ("of",),
    "look_up": ("of",),
    "days_between": ("first", "last"),
    "one_of": ("of",),
    "listed": ("of",),
}


def walk(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """An expression and everything inside it, outermost first, with paths."""
    yield path, node
    for inner, part in parts(node):
        yield from walk(part, path + inner)


def names_in(node: Node) -> Iterator[str]:
    """The inputs and steps that an expression names; of a list's field, both parts."""
    for _, inner in walk(node):
        if isinstance(inner, str) and not inner[0].isdigit():
            yield inner
        elif isinstance(inner, Listing):
            yield inner.over.of
        elif isinstance(inner, Count):
            yield inner.count
        elif isinstance(inner, PaidBefore | Before | Total | Occurrence | Holds):
            yield operator_name(type(inner))
