"""What reckoning operators are, by what they reckon with: money, or a number."""

from collections.abc import Mapping
from typing import Any

from app.plans.kinds import AMOUNT, Kind, Kinds, Rule, numbered
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
from app.plans.walking import Path


def _money(_: Kinds, _node: Any, _path: Path, _inside: str | None) -> Kind:
    return "money"


def _sum(kinds: Kinds, node: Sum, path: Path, inside: str | None) -> Kind | None:
    return kinds.same(numbered(path, node.sum), AMOUNT, inside)


def _minus(kinds: Kinds, node: Minus, path: Path, inside: str | None) -> Kind | None:
    return kinds.same(numbered(path, node.minus), AMOUNT, inside)


def _times(kinds: Kinds, node: Times, path: Path, inside: str | None) -> Kind | None:
    found: list[Kind | None] = []
    for place, part in numbered(path, node.times):
        kind = kinds.expect(part, place, AMOUNT, inside)
        if kind == "money" and "money" in found:
            kinds.report(place, "money-times-money")
        found.append(kind)
    if "money" in found:
        return "money"
    return None if None in found else "number"


def _percent(kinds: Kinds, node: Percent, path: Path, inside: str | None) -> Kind | None:
    kinds.expect(node.percent.rate, (*path, "rate"), ("number",), inside)
    return kinds.expect(node.percent.of, (*path, "of"), AMOUNT, inside)


def _at_most(kinds: Kinds, node: AtMost, path: Path, inside: str | None) -> Kind | None:
    parts = [((*path, "of"), node.at_most.of), ((*path, "limit"), node.at_most.limit)]
    return kinds.same(parts, AMOUNT, inside)


def _at_least(kinds: Kinds, node: AtLeast, path: Path, inside: str | None) -> Kind | None:
    parts = [((*path, "of"), node.at_least.of), ((*path, "floor"), node.at_least.floor)]
    return kinds.same(parts, AMOUNT, inside)


def _pro_rata(kinds: Kinds, node: ProRata, path: Path, inside: str | None) -> Kind | None:
    asked = node.pro_rata
    kinds.same([((*path, "part"), asked.part), ((*path, "whole"), asked.whole)], AMOUNT, inside)
    return kinds.expect(asked.of, (*path, "of"), AMOUNT, inside)


def _full(kinds: Kinds, node: Full, path: Path, inside: str | None) -> Kind:
    kind = kinds.expect(node.full.of, (*path, "of"), AMOUNT, inside)
    kinds.edge(node.full.per, (*path, "per"), kind)
    if not edge_value(node.full.per):
        kinds.report((*path, "per"), "zero-unit")
    return "number"


def _days_between(kinds: Kinds, node: DaysBetween, path: Path, inside: str | None) -> Kind:
    kinds.expect(node.days_between.first, (*path, "first"), ("day",), inside)
    kinds.expect(node.days_between.last, (*path, "last"), ("day",), inside)
    return "number"


ARITHMETIC: Mapping[type, Rule] = {
    Yuan: _money,
    Fen: _money,
    Sum: _sum,
    Minus: _minus,
    Times: _times,
    Percent: _percent,
    AtMost: _at_most,
    AtLeast: _at_least,
    ProRata: _pro_rata,
    Full: _full,
    DaysBetween: _days_between,
}
