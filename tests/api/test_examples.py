"""Every body and answer in JSON is shown by an example that is one: valid, whole, realistic."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from jsonschema import (  # type: ignore[import-untyped]
    Draft202012Validator,
    FormatChecker,
)
from pydantic import TypeAdapter

from app.examples import EXAMPLES
from app.kernel.examples import MISSING, Composer, describe_by_example
from app.kernel.ids import valid_number
from tests.api.routes import Operation, discover
from tests.kernel.test_public_routes import operations

pytestmark = pytest.mark.anyio

PLACEHOLDERS = {"", "string", "foo", "bar", "test", "example", "todo", "…"}
_NUMBER = re.compile(r"[A-Z][0-9A-HJKMNP-TV-Z]{10}[0-9A-Z]")


def answers(operation: Operation) -> Iterator[tuple[str, dict[str, Any]]]:
    """Media type and description of each answer that is no refusal."""
    for status, answer in operation.document["responses"].items():
        if status.startswith("2"):
            yield from answer.get("content", {}).items()


def shown(media: dict[str, Any], document: dict[str, Any]) -> list[Any]:
    """The examples of a body or an answer, references followed."""
    found = [media["example"]] if "example" in media else []
    for each in media.get("examples", {}).values():
        name = each.get("$ref", "").rpartition("/")[2]
        found.append((document["components"]["examples"][name] if name else each)["value"])
    return found


def in_json(media_type: str) -> bool:
    return media_type.partition(";")[0].endswith("json")


def values(example: Any) -> Iterator[Any]:
    """Everything in an example that is no list and no object."""
    for each in example.values() if isinstance(example, dict) else example:
        if isinstance(each, dict | list):
            yield from values(each)
        else:
            yield each


def faults(example: Any, schema: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    whole = {**schema, "components": document["components"]}
    validator = Draft202012Validator(whole, format_checker=FormatChecker())
    for error in validator.iter_errors(example):
        yield f"{error.json_path}: {error.message[:200]}"
    for value in values(example):
        if not isinstance(value, str):
            continue
        if value.lower() in PLACEHOLDERS:
            yield f"a placeholder: {value!r}"
        if _NUMBER.fullmatch(value) and not valid_number(value, value[0]):
            yield f"the check character of {value}"


async def test_every_answer_in_json_has_an_example_that_is_one(app: FastAPI) -> None:
    document, found, seen = app.openapi(), [], 0
    for operation in discover(app):
        for media_type, media in answers(operation):
            if not in_json(media_type):
                continue
            examples = shown(media, document)
            if not examples:
                found.append(f"{operation.id}: {media_type} has no example (app/examples)")
            for example in examples:
                seen += 1
                found += [
                    f"{operation.id}: {words}"
                    for words in faults(example, media["schema"], document)
                ]
    assert not found, "\n".join(found)
    assert seen >= 200


async def test_every_body_has_one_too(app: FastAPI) -> None:
    document, found = app.openapi(), []
    for operation in discover(app):
        for media_type, media in operation.content.items():
            if in_json(media_type):
                for example in shown(media, document) or [MISSING]:
                    found += [
                        f"{operation.id}: {words}"
                        for words in faults(example, media["schema"], document)
                    ]
    assert not found, "\n".join(found)


async def test_the_views_themselves_read_the_examples(app: FastAPI) -> None:
    """JSON Schema takes a format for a hint; the models do not."""
    document, read = app.openapi(), 0
    routes = {label: route for label, route in operations(app) if isinstance(route, APIRoute)}
    for operation in discover(app):
        view = routes[f"{operation.method} {operation.path}"].response_model
        if view is None:
            continue
        for media_type, media in answers(operation):
            if media_type == "application/json":
                for example in shown(media, document):
                    TypeAdapter(view).validate_python(example)
                    read += 1
    assert read >= 150


async def test_what_is_no_json_names_its_media_type(app: FastAPI) -> None:
    """A PDF, a picture, a table: there is no example to show, and no other type beside it."""
    others = {
        media_type.partition(";")[0]
        for operation in discover(app)
        for media_type, _ in answers(operation)
        if not in_json(media_type)
    }
    assert others == {
        "application/pdf",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/yaml",
        "image/jpeg",
        "image/png",
        "image/svg+xml",
        "text/csv",
        "text/html",
        "text/plain",
    }
    for operation in discover(app):
        types = {media_type.partition(";")[0] for media_type, _ in answers(operation)}
        allowed = {"application/json", "application/yaml"}
        assert not ("application/json" in types and types - allowed), operation.id


async def test_examples_name_members_that_there_are(app: FastAPI) -> None:
    """What was renamed leaves no example behind."""
    schemas = app.openapi()["components"]["schemas"]
    members = {name for each in schemas.values() for name in each.get("properties", {})}
    for name in EXAMPLES:
        view, _, member = name.removesuffix("[]").rpartition(".")
        if view:
            assert member in schemas[view]["properties"], name
        else:
            assert member in members or member in schemas, name


SCHEMAS: dict[str, Any] = {
    "Line": {
        "type": "object",
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "shares": {"type": "integer"},
            "status": {"type": "string", "enum": ["open", "paid"]},
            "name": {"$ref": "#/components/schemas/Words"},
        },
    },
    "Words": {"type": "object", "properties": {"zh": {"type": "string"}}},
    "Tree": {
        "type": "object",
        "properties": {
            "code": {"type": "string", "examples": ["at_most"]},
            "steps": {
                "type": "array",
                "default": [],
                "items": {"$ref": "#/components/schemas/Tree"},
            },
        },
    },
}
LINE = {"$ref": "#/components/schemas/Line"}


def test_examples_are_composed_of_their_members() -> None:
    words = {"shares": 2, "status": "paid", "name": {"zh": "甲"}}
    first = Composer(SCHEMAS, words).example({"type": "array", "items": LINE})
    assert first[0].pop("id").startswith("0192f0c1-")
    assert first == [{"shares": 2, "status": "paid", "name": {"zh": "甲"}}]


def test_a_name_that_means_something_else_here_is_not_taken() -> None:
    words = {"shares": {"zh": "份"}, "status": "revoked", "name": "李*", "zh": "乙"}
    composer = Composer(SCHEMAS, words)
    assert composer.example(LINE) is MISSING
    made = Composer(SCHEMAS, words | {"Line.shares": 3}).example(LINE)
    assert made["shares"] == 3
    assert made["status"] == "open"
    assert made["name"] == {"zh": "乙"}


def test_a_view_inside_itself_ends() -> None:
    tree = {"$ref": "#/components/schemas/Tree"}
    assert Composer(SCHEMAS, {}).example(tree) == {"code": "at_most", "steps": []}


def test_what_has_no_example_is_left_out() -> None:
    """So that it is seen above, rather than shown as null."""
    media: dict[str, Any] = {"schema": LINE}
    answer = {"200": {"content": {"application/json": media}}}
    operation = {"operationId": "readLine", "responses": answer}
    describe_by_example(
        {"paths": {"/": {"get": operation}}, "components": {"schemas": SCHEMAS}}, {}
    )
    assert "examples" not in media
