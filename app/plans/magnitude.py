"""How long the numbers of an expression can become: exact fractions have no size of their own.

Products of products grow without bound, and a number of millions of digits holds the service
for minutes. Estimated from above, in decimal digits, without computing any such number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import log10
from typing import Any, NamedTuple

from app.kernel.problems import FieldError
from app.plans.benefits import Counter
from app.plans.expressions import Node, Operator
from app.plans.faults import fault
from app.plans.inputs import MAX_ITEMS, Input
from app.plans.literals import Fen, Yuan, edge_value
from app.plans.operators.arithmetic import (
    AtLeast,
    AtMost,
    Full,
    Minus,
    Percent,
    ProRata,
    Sum,
    Times,
)
from app.plans.operators.choices import Choose, InBand, InSlices, LookUp, When
from app.plans.operators.tallies import Before, Each, Largest, PaidBefore, Total
from app.plans.walking import Path, parts

# Python writes no whole number of more than 4,300 digits. Two hundred stays, each divided by
# its own cost, come to 2,400; of them only those before the point are ever read.
MAX_DIGITS = 4_000
MAX_WHOLE = 40
# The most digits before the point of what is kept: amounts are bigint, and so are counts.
MAX_AMOUNT = 18.9
# What a history can add to: payments and counters of years.
_HISTORY = 6.0
_PAID = 15.0


def length_faults(measure: "Measure", node: Node, path: Path) -> list[FieldError]:
    """A number of a clean expression that can become too long to be computed with, or kept."""
    place = measure.longest(node, path)
    if place is not None:
        return [fault(place, "number-too-long")]
    if measure.of(node).whole > MAX_AMOUNT:
        return [fault(path, "amount-too-large", most=int(MAX_AMOUNT))]
    return []


class Size(NamedTuple):
    """Digits of the whole part, of a decimal fraction, and of other denominators."""

    whole: float = 0.0
    decimal: float = 0.0
    other: float = 0.0

    @property
    def digits(self) -> float:
        """Of the numerator; the denominator has no more."""
        return self.whole + self.decimal + self.other


@dataclass(frozen=True, slots=True)
class Measure:
    """What the names of one benefit (or price) stand for.

    `steps` are those measured so far; `known` are operators by their identity.
    """

    inputs: Mapping[str, Input]
    tables: Mapping[str, Mapping[str, Fraction | None]] = field(default_factory=dict)
    counters: Mapping[str, Counter] = field(default_factory=dict)
    steps: dict[str, Size] = field(default_factory=dict)
    known: dict[int, Size] = field(default_factory=dict)

    def of(self, node: Node) -> Size:
        """The size of what an expression that was found clean can come to."""
        if isinstance(node, int):
            return _exact(Fraction(node))
        if isinstance(node, str):
            return _exact(Fraction(node)) if node[0].isdigit() else self._name(node)
        found = self.known.get(id(node))
        if found is None:
            found = self.known[id(node)] = self._operator(node)
        return found

    def _operator(self, node: Operator) -> Size:
        inner: Any = getattr(node, next(iter(type(node).model_fields)))
        sizes = [self.of(part) for _, part in parts(node)]
        match node:
            case Yuan() | Fen():
                return _exact(Fraction(node.fen))
            case Sum():
                return _added(sizes, len(sizes))
            case Minus():
                return _added(sizes, 1)._replace(whole=sizes[0].whole)
            case Times() | Percent():
                return Size(*map(sum, zip(*sizes, strict=True)))
            case AtMost():
                return _either(sizes)._replace(whole=min(size.whole for size in sizes))
            case ProRata():
                return _share(*sizes)
            case Full():
                return Size(sizes[0].whole + max(0.0, -log10(edge_value(inner.per) or 1)))
            case InSlices():
                return sizes[0]._replace(decimal=max(9.0, sizes[0].decimal) + 9)
            case LookUp():
                values = self.tables[inner.table].values()
                return _either([_exact(value) for value in values if value is not None])
            case Each():
                return _added(sizes, MAX_ITEMS)._replace(other=sizes[0].other * MAX_ITEMS)
            case PaidBefore():
                return Size(_PAID)
            case Before() | Total():
                counted = self.of(self.counters[inner].of)
                return counted._replace(whole=counted.whole + _HISTORY)
            case AtLeast() | InBand() | Choose() | When() | Largest():
                return _either(sizes)
        return Size(_HISTORY)

    def _name(self, name: str) -> Size:
        if name in self.steps:
            return self.steps[name]
        listed, _, inner = name.partition(".")
        known = self.inputs[listed].fields[inner] if inner else self.inputs[listed]
        return _exact(Fraction(known.most)) if known.kind in ("money", "number") else Size()

    def longest(self, node: Node, path: Path) -> Path | None:
        """The innermost place whose number can become too long."""
        for inner, part in parts(node):
            found = self.longest(part, path + inner)
            if found is not None:
                return found
        size = self.of(node)
        return path if size.digits > MAX_DIGITS or size.whole > MAX_WHOLE else None


def _exact(value: Fraction) -> Size:
    """A number that a document, a fact or a table has: nine places after the point at most."""
    return Size(log10(max(value, Fraction(1))), 0.0 if value.denominator == 1 else 9.0)


def _added(sizes: Sequence[Size], times: int) -> Size:
    return _either(sizes)._replace(
        whole=max(size.whole for size in sizes) + log10(times),
        other=sum(size.other for size in sizes),
    )


def _either(sizes: Sequence[Size]) -> Size:
    return Size(*map(max, zip(*sizes, strict=True))) if sizes else Size()


def _share(of: Size, part: Size, whole: Size) -> Size:
    """`of` × `part` ÷ `whole`: what is divided by becomes a denominator."""
    other = of.other + part.decimal + part.other + whole.whole + whole.decimal + whole.other
    return Size(of.whole, of.decimal, other)
