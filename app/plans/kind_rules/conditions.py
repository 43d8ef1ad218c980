"""What conditions are about; a condition is a truth."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.plans.kinds import EQUAL, KEY, ORDERED, Kind, Kinds, Rule, numbered
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
from app.plans.walking import Path


def _compared(name: str, allowed: Sequence[Kind]) -> Callable[..., Kind]:
    def check(kinds: Kinds, node: Any, path: Path, inside: str | None) -> Kind:
        kinds.same(numbered(path, getattr(node, name)), allowed, inside)
        return "truth"

    return check


def _equals(kinds: Kinds, node: Equals, path: Path, inside: str | None) -> Kind:
    first, second = node.equals
    for at, meant in ((1, kinds.word_meant(first, second)), (0, kinds.word_meant(second, first))):
        if meant is not None:
            kinds.report((*path, at), "word-compared", name=meant)
            return "truth"
    kinds.same(numbered(path, node.equals), EQUAL, inside)
    return "truth"


def _one_of(kinds: Kinds, node: OneOf, path: Path, inside: str | None) -> Kind:
    kinds.expect(node.one_of.of, (*path, "of"), ("word",), inside)
    return "truth"


def _listed(kinds: Kinds, node: Listed, path: Path, inside: str | None) -> Kind:
    kinds.expect(node.listed.of, (*path, "of"), KEY, inside)
    kinds.table(node.listed.table, (*path, "table"))
    return "truth"


def _holds(kinds: Kinds, node: Holds, path: Path, _inside: str | None) -> Kind:
    if kinds.only_in_benefits("holds", path) and node.holds == kinds.vocabulary.plan:
        kinds.report(path, "plan-itself")
    return "truth"


def _truths(name: str) -> Callable[..., Kind]:
    def check(kinds: Kinds, node: Any, path: Path, inside: str | None) -> Kind:
        for place, part in numbered(path, getattr(node, name)):
            kinds.expect(part, place, ("truth",), inside)
        return "truth"

    return check


def _not(kinds: Kinds, node: Not, path: Path, inside: str | None) -> Kind:
    kinds.expect(node.not_, path, ("truth",), inside)
    return "truth"


CONDITIONS: Mapping[type, Rule] = {
    Equals: _equals,
    Reaches: _compared("reaches", ORDERED),
    Exceeds: _compared("exceeds", ORDERED),
    UpTo: _compared("up_to", ORDERED),
    Below: _compared("below", ORDERED),
    OneOf: _one_of,
    Listed: _listed,
    Holds: _holds,
    All: _truths("all"),
    Any_: _truths("any"),
    Not: _not,
}
