"""The facts that a claim states: which ones a benefit needs, and reading what was given."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from app.kernel.problems import FieldError
from app.kernel.text import Text
from app.plans.benefits import Benefit
from app.plans.declarations import FactDeclaration, FieldDeclaration
from app.plans.errors import FACT_MISSING
from app.plans.expressions import Node
from app.plans.inputs import CLAIM_CONTEXT, MAX_ITEMS, STANDARD_FACTS, Input, Inputs, Item, Value
from app.plans.literals import WORD
from app.plans.operators.tallies import Count, Listing, PaidBefore
from app.plans.terms import PlanTerms
from app.plans.walking import walk

OUT_OF_RANGE = Text(
    "数值应在 {least} 至 {most} 之间", "A whole number from {least} to {most} is expected."
)
NOT_A_CHOICE = Text("请从所列选项中选择", "One of the words listed is expected.")
NOT_A_WORD = Text("请填写代码", "A word is expected.")
NOT_TRUTH = Text("请填写 true 或 false", "true or false is expected.")
NOT_A_DAY = Text("请按 YYYY-MM-DD 填写日期", "A day as YYYY-MM-DD is expected.")
NOT_A_LIST = Text("请填写列表, 1 至 200 项", "A list of 1 to 200 items is expected.")
NOT_AN_ITEM = Text("请填写各项内容", "An object is expected.")
UNKNOWN = Text("此项责任不需要该信息", "The benefit does not use this fact.")

_WORD = re.compile(WORD)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def vocabulary(terms: PlanTerms) -> dict[str, Input]:
    """Every input that the plan's benefits may name: context, standard facts, its own."""
    return claim_inputs(terms.facts)


def claim_inputs(facts: Mapping[str, FactDeclaration]) -> dict[str, Input]:
    """The same for declarations alone; a fact that is declared replaces the standard one."""
    declared = {name: _declared(name, fact) for name, fact in facts.items()}
    return {**CLAIM_CONTEXT, **STANDARD_FACTS, **declared}


def _declared(name: str, fact: FactDeclaration | FieldDeclaration) -> Input:
    fields = fact.fields if isinstance(fact, FactDeclaration) else {}
    return Input(
        name=name,
        kind=fact.kind,
        text=Text(fact.words.zh, fact.words.en),
        least=fact.least,
        most=fact.greatest,
        words={word: Text(each.zh, each.en) for word, each in fact.choices.items()},
        fields={field: _declared(field, inner) for field, inner in fields.items()},
    )


def facts_of(terms: PlanTerms, benefit: Benefit) -> tuple[Input, ...]:
    """The facts that decide about this benefit; of a list only the fields that it uses."""
    known = vocabulary(terms)
    fields: dict[str, set[str]] = {}
    named: dict[str, None] = {}
    for root in _roots(terms, benefit):
        for _, node in walk(root):
            if isinstance(node, Listing):
                named[node.over.of] = None
            elif isinstance(node, Count):
                named[node.count] = None
            elif isinstance(node, str) and not node[0].isdigit():
                listed, _, inner = node.partition(".")
                named[listed] = None
                if inner:
                    fields.setdefault(listed, set()).add(inner)
    found = []
    for name in named:
        fact = known.get(name)
        if fact is None or fact.source != "claim":
            continue
        if fact.kind == "list":
            used = fields.get(name, set())
            fact = replace(fact, fields={key: fact.fields[key] for key in sorted(used)})
        found.append(fact)
    return tuple(found)


def plans_counted(terms: PlanTerms) -> frozenset[str]:
    """The other plans whose payments count here, against a limit or by `paid_before`."""
    limits = [*terms.limits, *(limit for benefit in terms.benefits for limit in benefit.limits)]
    named = {code for limit in limits for code in limit.plans}
    for benefit in terms.benefits:
        for root in _roots(terms, benefit):
            for _, node in walk(root):
                if isinstance(node, PaidBefore):
                    named.update(node.paid_before.plans)
    return frozenset(named)


def _roots(terms: PlanTerms, benefit: Benefit) -> Iterator[Node]:
    yield from (condition.require for condition in benefit.conditions)
    yield from (counter.of for counter in benefit.counters.values())
    yield from (step.value for step in benefit.steps)
    yield benefit.pays
    yield from (limit.max for limit in (*benefit.limits, *terms.limits_of(benefit.code)))


def read_facts(
    facts: tuple[Input, ...], given: Mapping[str, Any]
) -> tuple[dict[str, Value | tuple[Item, ...]], list[FieldError]]:
    """What was given as exact values, and every fault with its pointer.

    Money is whole fen, a day is YYYY-MM-DD, a list has 1 to 200 items. What is not given
    is no fault here.
    """
    known = {fact.name: fact for fact in facts}
    values: dict[str, Value | tuple[Item, ...]] = {}
    faults: list[FieldError] = []
    for name, raw in given.items():
        pointer = f"/facts/{_escaped(name)}"
        fact = known.get(name)
        if fact is None:
            faults.append(FieldError(pointer, "unknown-fact", UNKNOWN))
        elif fact.kind == "list":
            values[name] = _items(fact, raw, pointer, faults)
        else:
            value = _single(fact, raw, pointer, faults)
            if value is not None:
                values[name] = value
    return values, faults


def _escaped(name: str) -> str:
    """A name that somebody made up, as a part of a JSON Pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def _items(fact: Input, raw: object, pointer: str, faults: list[FieldError]) -> tuple[Item, ...]:
    if not isinstance(raw, list) or not 1 <= len(raw) <= MAX_ITEMS:
        faults.append(FieldError(pointer, "not-a-list", NOT_A_LIST))
        return ()
    items = []
    for at, each in enumerate(raw):
        if not isinstance(each, dict):
            faults.append(FieldError(f"{pointer}/{at}", "not-an-item", NOT_AN_ITEM))
            continue
        item: dict[str, Value] = {}
        for name, value in each.items():
            inner = fact.fields.get(name)
            if inner is None:
                faults.append(
                    FieldError(f"{pointer}/{at}/{_escaped(name)}", "unknown-fact", UNKNOWN)
                )
                continue
            read = _single(inner, value, f"{pointer}/{at}/{name}", faults)
            if read is not None:
                item[name] = read
        items.append(item)
    return tuple(items)


def _single(fact: Input, raw: object, pointer: str, faults: list[FieldError]) -> Value | None:
    """One value, or None and a fault."""
    match fact.kind:
        case "money" | "number":
            whole = isinstance(raw, int) and not isinstance(raw, bool)
            if whole and fact.least <= raw <= fact.most:  # type: ignore[operator]
                return raw  # type: ignore[return-value]
            fields = {"least": fact.least, "most": fact.most}
            faults.append(FieldError(pointer, "fact-out-of-range", OUT_OF_RANGE, fields))
        case "truth":
            if isinstance(raw, bool):
                return raw
            faults.append(FieldError(pointer, "not-truth", NOT_TRUTH))
        case "day":
            if isinstance(raw, str) and _DAY.fullmatch(raw):
                try:
                    return date.fromisoformat(raw)
                except ValueError:
                    pass
            faults.append(FieldError(pointer, "not-a-day", NOT_A_DAY))
        case _:
            if fact.words:
                if isinstance(raw, str) and raw in fact.words:
                    return raw
                faults.append(FieldError(pointer, "not-a-choice", NOT_A_CHOICE))
            elif isinstance(raw, str) and _WORD.fullmatch(raw):
                return raw
            else:
                faults.append(FieldError(pointer, "not-a-word", NOT_A_WORD))
    return None


def missing_faults(missing: tuple[str, ...], inputs: Inputs) -> list[FieldError]:
    """One fault for each fact that was asked for and not given; of items, for each of them."""
    faults = []
    for name in missing:
        listed, _, inner = name.partition(".")
        items: Any = inputs.get(listed, ())
        if inner and items:
            faults += [
                FieldError(f"/facts/{listed}/{at}/{inner}", "fact-missing", FACT_MISSING)
                for at, item in enumerate(items)
                if inner not in item
            ]
        else:
            faults.append(FieldError(f"/facts/{name}", "fact-missing", FACT_MISSING))
    return faults
