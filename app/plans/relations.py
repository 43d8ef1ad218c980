"""What plans say about one another, judged over all that are published."""

from collections.abc import Callable, Mapping, Sequence

from app.kernel.problems import FieldError
from app.plans.faults import fault
from app.plans.terms import PlanTerms, Relations

Edges = Callable[[str], Sequence[str]]


def relation_faults(document: PlanTerms, others: Mapping[str, Relations]) -> list[FieldError]:
    """Circles of plans that require, or pay after, each other; required plans that exclude.

    `others` are the relations of the published plans by code; an older version of this
    plan among them does not count. That two plans exclude each other is no fault.
    """
    own, known = document.code, {**others, document.code: document.relations}

    def requires(code: str) -> Sequence[str]:
        return known[code].requires if code in known else ()

    def pays_after(code: str) -> Sequence[str]:
        return known[code].pays_after if code in known else ()

    return [
        *_circles(own, "requires", "requires-cycle", requires),
        *_circles(own, "pays_after", "pays-after-cycle", pays_after),
        *_excluded(own, known, requires),
        *_excluding(own, known, requires),
    ]


def _way(start: str, goal: str, edges: Edges) -> list[str] | None:
    """A shortest way from one plan to another, both included."""
    ways = [[start]]
    seen = {start}
    while ways:
        way = ways.pop(0)
        if way[-1] == goal:
            return way
        for code in edges(way[-1]):
            if code not in seen:
                seen.add(code)
                ways.append([*way, code])
    return None


def _reached(start: str, edges: Edges) -> list[str]:
    """Every plan that can be reached, the start included."""
    found = [start]
    for code in found:
        found += [each for each in dict.fromkeys(edges(code)) if each not in found]
    return found


def _circles(own: str, name: str, code: str, edges: Edges) -> list[FieldError]:
    faults = []
    for at, other in enumerate(edges(own)):
        way = None if other == own else _way(other, own, edges)
        if way is not None:
            faults.append(fault(("relations", name, at), code, cycle=" → ".join([own, *way])))
    return faults


def _excluded(own: str, known: Mapping[str, Relations], requires: Edges) -> list[FieldError]:
    """A plan is excluded that is required on the way, or that itself requires this one."""
    direct = set(known[own].requires)
    needed = set(_reached(own, requires)) - {own} - direct
    return [
        fault(("relations", "excludes", at), "excluded-and-required", name=code)
        for at, code in enumerate(known[own].excludes)
        if code in needed or (code not in (own, *direct) and own in _reached(code, requires))
    ]


def _excluding(own: str, known: Mapping[str, Relations], requires: Edges) -> list[FieldError]:
    """Among all plans that are required, and this one, some that exclude each other."""
    everything = set(_reached(own, requires))
    return [
        fault(("relations", "requires", at), "required-plans-exclude", name=other, other=excluded)
        for at, code in enumerate(known[own].requires)
        for other in _reached(code, requires)
        for excluded in (known[other].excludes if other in known else ())
        if other != own and excluded in everything
    ]
