"""What counting operators are, and where they may stand."""

from collections.abc import Mapping
from typing import Any

from app.plans.kinds import AMOUNT, Kind, Kinds, Rule
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
from app.plans.walking import Path, names_in, walk


def _each(kinds: Kinds, node: Listing, path: Path, inside: str | None) -> Kind | None:
    if inside is not None:
        kinds.report(path, "each-in-each")
        return None
    over = node.over
    known = kinds.listed(over.of, (*path, "of"))
    return kinds.expect(over.gives, (*path, "gives"), AMOUNT, over.of if known else None)


def _count(kinds: Kinds, node: Count, path: Path, _inside: str | None) -> Kind:
    kinds.listed(node.count, path)
    return "number"


def _occurrence(kinds: Kinds, _node: Any, path: Path, inside: str | None) -> Kind:
    if kinds.only_in_benefits("occurrence", path) and inside is not None:
        if not kinds.numbered:
            kinds.report(path, "occurrence-out-of-place")
        elif kinds.numbered_list not in (None, inside):
            kinds.report(path, "two-numbered-lists", first=kinds.numbered_list, name=inside)
        else:
            kinds.numbered_list = inside
    return "number"


def _paid_before(kinds: Kinds, node: PaidBefore, path: Path, _inside: str | None) -> Kind:
    if kinds.only_in_benefits("paid_before", path):
        asked = node.paid_before
        for at, code in enumerate(asked.plans):
            if code == kinds.vocabulary.plan:
                kinds.report((*path, "plans", at), "plan-itself")
        if asked.plans and asked.benefits:
            kinds.report((*path, "benefits"), "benefits-of-plans")
        for at, code in enumerate(asked.benefits):
            if code not in kinds.vocabulary.benefits:
                kinds.report((*path, "benefits", at), "unknown-benefit", name=code)
    return "money"


def _counter(kinds: Kinds, name: str, path: Path) -> Kind | None:
    operator = str(path[-1])
    if not kinds.only_in_benefits(operator, path):
        return None
    if kinds.in_counter:
        kinds.report(path, "counter-in-counter")
        return None
    counter = kinds.vocabulary.counters.get(name)
    if counter is None:
        kinds.report(path, "unknown-counter", name=name)
        return None
    later = next((step for step in names_in(counter.of) if step in kinds.later), None)
    if later is not None:
        kinds.report(path, "step-later", name=later)
        return None
    if kinds.counters.get(name) is None:
        kinds.faulty.add(path)
    return kinds.counters.get(name)


def _before(kinds: Kinds, node: Before, path: Path, _inside: str | None) -> Kind | None:
    return _counter(kinds, node.before, path)


def _total(kinds: Kinds, node: Total, path: Path, inside: str | None) -> Kind | None:
    found = _counter(kinds, node.total, path)
    counter = kinds.vocabulary.counters.get(node.total)
    if found is None or counter is None:
        return found
    if inside is not None and any(
        isinstance(part, Listing | Occurrence) for _, part in walk(counter.of)
    ):
        kinds.report(path, "each-in-each")
        return None
    return found


TALLIES: Mapping[type, Rule] = {
    Each: _each,
    Largest: _each,
    Count: _count,
    Occurrence: _occurrence,
    PaidBefore: _paid_before,
    Before: _before,
    Total: _total,
}
