"""The published JSON Schema: a schema itself, and as strict as the models about form."""

import json
from copy import deepcopy
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from app.plans.expressions import Operator, operator_name
from app.plans.schema import plan_schema
from tests.plans.engine import parsed
from tests.plans.published import plans

SCHEMA = plan_schema()
VALIDATOR = Draft202012Validator(SCHEMA)


def faults(document: object) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(document)]


def test_it_is_a_schema_that_shows_nothing_of_the_program() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    text = json.dumps(SCHEMA)
    assert "app__" not in text
    assert "<number>" not in text
    assert SCHEMA["$id"] == "/v1/schemas/plan-version"


@pytest.mark.parametrize("operator", get_args(Operator))
def test_every_operator_is_described_with_an_example(operator: type[Any]) -> None:
    definition = SCHEMA["$defs"][operator_name(operator)]
    assert definition["description"]
    [example] = definition["examples"]
    assert isinstance(parsed(example), operator)


@pytest.mark.parametrize("code", sorted(plans()))
def test_every_published_document_is_valid(code: str) -> None:
    assert faults(plans()[code].document()) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.update(unknown=1),
        lambda document: document.pop("benefits"),
        lambda document: document.update(kind="sold"),
        lambda document: document["benefits"][0].update(pays=1.5),
        lambda document: document["benefits"][0].update(pays={"magic": 1}),
        lambda document: document["benefits"][0].update(pays={"sum": [1]}),
        lambda document: document["benefits"][0].update(pays={"yuan": -1}),
        lambda document: document["contribution"].update(max_shares=0),
        lambda document: document.update(facts={"Bad Name": {}}),
    ],
)
def test_a_document_of_another_form_is_not(change: Any) -> None:
    document = deepcopy(plans()["RIDER-ACC"].document())
    change(document)
    assert faults(document)


def test_a_standard_table_may_be_named() -> None:
    document = deepcopy(plans()["RIDER-ACC"].document())
    document["tables"] = {"JRT0083-2013": {"use": "JRT0083-2013"}}
    assert faults(document) == []
