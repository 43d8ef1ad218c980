"""docs/plans.md cannot rot: every example is read, checked and worked out."""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args
from uuid import uuid4

import pytest
import yaml
from pydantic import TypeAdapter

from app.kernel.money import round_half_up
from app.plans import inputs as known
from app.plans.benefits import Benefit
from app.plans.checking import check, judge
from app.plans.declarations import Table
from app.plans.evaluation import compiled
from app.plans.explanation import explain
from app.plans.expressions import Expression, Node, Operator, operator_name
from app.plans.literals import Yuan
from app.plans.pricing import NO_HISTORY
from app.plans.steps import Run, Scope
from app.plans.table_values import table_values
from app.plans.terms import PlanTerms
from app.plans.walking import walk
from tests.plans.published import Person, plans

TEXT = (Path(__file__).parents[2] / "docs" / "plans.md").read_text("utf-8")
TUTORIAL = TEXT[: TEXT.index("## How the printed shapes are written")]
COME_TO = re.compile(r"^# (?:(\w+) )?(\{.*\}) → ([\d.]+) yuan$", re.MULTILINE)
EXPRESSION: TypeAdapter[Node] = TypeAdapter(Expression)
TABLES: TypeAdapter[dict[str, Table]] = TypeAdapter(dict[str, Table])

BASE: dict[str, Any] = {
    "code": "EXAMPLE",
    "name": {"zh": "示例", "en": "Example"},
    "summary": {"zh": "示例", "en": "Example"},
    "kind": "purchased",
    "source": {"issuer": {"zh": "示例", "en": "Example"}, "as_of": "2026", "published_plan": "X"},
    "eligibility": {
        "ages": {"male": {"minimum": 16, "maximum": 60}, "female": {"minimum": 16, "maximum": 60}}
    },
    "contribution": {
        "max_shares": 4,
        "options": [
            {"code": "A", "term": {"months": 12}, "price": {"times": [{"yuan": 9}, "shares"]}}
        ],
    },
}
BENEFIT: dict[str, Any] = {
    "code": "BENEFIT",
    "name": {"zh": "示例", "en": "Example"},
    "trigger": {"zh": "示例", "en": "Example"},
    "causes": ["accident", "illness"],
    "pays": {"yuan": 1},
}
# In a piece with `pays` these belong to the benefit, otherwise to the plan.
OF_EITHER = {"limits", "code", "name"}


def snippets(text: str) -> list[str]:
    return re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def heading(snippet: str) -> str:
    return f"line-{TEXT[: TEXT.index(snippet)].count(chr(10)) + 1}"


PIECES = [each for each in snippets(TEXT) if isinstance(yaml.safe_load(each), dict)]
EXAMPLES = [
    example
    for each in snippets(TEXT)
    for example in yaml.safe_load(each)
    if isinstance(example, dict)
]


def whole(piece: Mapping[str, Any]) -> PlanTerms:
    """A piece of a document put into a whole one."""
    document, benefit = deepcopy(BASE), deepcopy(BENEFIT)
    of_benefit = set(Benefit.model_fields) - (set() if "pays" in piece else OF_EITHER)
    for name, section in piece.items():
        if name in of_benefit and name not in ("facts", "tables"):
            benefit[name] = section
        else:
            document[name] = section
    document.setdefault("benefits", [benefit])
    return check(document)


@pytest.mark.parametrize("snippet", PIECES, ids=heading)
def test_a_piece_of_a_document_comes_to_what_it_says(snippet: str) -> None:
    terms = whole(yaml.safe_load(snippet))
    assert PlanTerms.model_validate(terms.document()).document() == terms.document()
    tries = COME_TO.findall(snippet)
    assert len(tries) == snippet.count("→")
    for part, facts, yuan in tries:
        inputs = yaml.safe_load(facts)
        fen = priced(terms, part, inputs) if part else claimed(terms, inputs)
        assert fen == Fraction(yuan) * 100, facts


def claimed(terms: PlanTerms, facts: dict[str, Any]) -> int:
    """The last of some claims for the first benefit; earlier ones are paid."""
    context = {name: facts.pop(name) for name in list(facts) if name in known.CLAIM_CONTEXT}
    person = Person(
        terms,
        shares=context.get("shares", 1),
        day_of_cover=context.get("day_of_cover", 300),
        cause="illness",
        option=context.get("option", terms.option().code),
        holds=frozenset(facts.pop("holds", ())),
        incident_id=uuid4() if facts.pop("same_incident", False) else None,
        context=context,
    )
    for earlier in facts.pop("earlier", ()):
        person.claim(terms.benefits[0].code, earlier)
    found = person.claim(terms.benefits[0].code, facts)
    assert found.missing == ()
    return found.amount_fen


def priced(terms: PlanTerms, part: str, inputs: dict[str, Any]) -> Fraction:
    """One of the document's prices, or one payer's part of the first option's."""
    option = terms.option()
    if part in ("before_start", "after_start"):
        node, context = getattr(terms.cancellation, part), known.REFUND_CONTEXT
    elif part == "upgrade":
        assert terms.upgrade is not None
        node, context = terms.upgrade.price, known.UPGRADE_CONTEXT
    elif part == "raise":
        assert terms.upgrade is not None
        node, context = terms.upgrade.options[0].price, known.PRICE_CONTEXT
    elif part == "late_price":
        node, context = terms.contribution.late_price, known.PRICE_CONTEXT
    elif part in ("price", "deposit"):
        node, context = getattr(option, part), known.PRICE_CONTEXT
    else:
        [node] = [each.amount for each in option.split if each.payer == part]
        context = known.PRICE_CONTEXT
    assert set(inputs) <= set(context)
    run = Run(inputs, NO_HISTORY)
    value: Any = compiled(node, Scope(table_values(terms.tables)))(run).value
    return Fraction(value)


class Stub:
    """A history that says what an example says."""

    def __init__(self, paid_fen: int = 0, times: int = 0, counted: int = 0) -> None:
        self._paid, self._times, self._counted = paid_fen, times, Fraction(counted)

    def paid(self, within: object, benefits: object, plans: object = ()) -> int:
        return self._paid

    def times(self, within: object) -> int:
        return self._times

    def counted(self, counter: str, within: object) -> Fraction:
        return self._counted


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: "-".join(each["write"]))
def test_an_example_of_an_operator_gives_what_it_says(example: dict[str, Any]) -> None:
    tables = table_values(TABLES.validate_python(example.get("tables", {})))
    counters: dict[str, Any] = {
        name: (compiled(of, Scope(tables)), "term")
        for name, of in example.get("counters", {}).items()
    }
    run = Run(
        {name: _item(value) for name, value in example.get("with", {}).items()},
        Stub(**example.get("history", {})),
        frozenset(example.get("holds", ())),
    )
    node = EXPRESSION.validate_python(example["write"])
    value = compiled(node, Scope(tables, counters))(run).value
    assert value == expected(example["gives"])


def _item(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def expected(gives: Any) -> object:
    if isinstance(gives, dict):
        return Yuan.model_validate(gives).fen
    return Fraction(gives) if isinstance(gives, str) else gives


def test_the_tutorial_is_the_shipped_document() -> None:
    shipped = plans()["HN-YY-2014"].document()
    told: dict[str, Any] = {}
    for snippet in snippets(TUTORIAL):
        told |= yaml.safe_load(snippet)
    assert {name: whole(told).document()[name] for name in told} == {
        name: shipped[name] for name in told
    }
    assert set(told) == set(shipped)


def test_the_fault_that_the_tutorial_makes_is_found_where_it_says() -> None:
    document = plans()["HN-YY-2014"].document()
    gives = document["benefits"][0]["pays"]["each"]["gives"]
    del gives["when"]["then"]["at_least"]["of"]["slices"]["slices"][1]["above"]
    _, faults = judge(document)
    [place] = re.findall(r"it says at `/document(/benefits/[^`]+)`", TUTORIAL)
    assert (place, "band-edge-missing") in [(each.pointer, each.code) for each in faults]


def test_the_explanation_reads_as_the_tutorial_shows() -> None:
    terms = plans()["HN-YY-2014"]
    stays = [{"self_pay_fen": 800_000}, {"self_pay_fen": 10_000}]
    person = Person(terms, shares=1, day_of_cover=10, cause="illness")
    found = explain(terms, person.claim("IP", {"stays": stays}))
    [shown] = re.findall(r"^```text\n(.*?)^```$", TUTORIAL, re.MULTILINE | re.DOTALL)
    assert shown.splitlines() == list(_lines(found, 0))


def _lines(node: Mapping[str, Any], depth: int) -> Iterator[str]:
    yield "  " * depth + node["en"]
    for step in node.get("steps", ()):
        if step["code"] != "input":
            yield from _lines(step, depth + 1)


def named_in_code() -> Iterator[str]:
    yield from re.findall(r"`([a-z][a-z_0-9]*)`", TEXT)
    for snippet in snippets(TEXT):
        yield from re.findall(r"[a-z][a-z_0-9]*", snippet)


def test_every_operator_section_and_input_is_told() -> None:
    told = set(named_in_code())
    operators = {operator_name(each) for each in get_args(Operator)}
    shown = {operator for example in EXAMPLES for operator in _operators(example["write"])}
    assert operators - shown == set()
    assert set(PlanTerms.model_fields) - told == set()
    assert set(Benefit.model_fields) - told == set()
    for context in (
        known.STANDARD_FACTS,
        known.CLAIM_CONTEXT,
        known.PRICE_CONTEXT,
        known.UPGRADE_CONTEXT,
        known.REFUND_CONTEXT,
    ):
        assert set(context) - told == set()
        for each in context.values():
            assert set(each.fields) - told == set()


def _operators(write: Any) -> set[str]:
    return {
        operator_name(type(node))
        for _, node in walk(EXPRESSION.validate_python(write))
        if not isinstance(node, int | str)
    }


def test_rounding_is_half_up_once() -> None:
    third = whole({"pays": {"pro_rata": {"of": {"fen": 5}, "part": 1, "whole": 2}}})
    assert claimed(third, {}) == round_half_up(Fraction(5, 2)) == 3
