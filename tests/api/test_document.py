"""The API document: valid OpenAPI 3.1, and as good to read as the pages beside it."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel

from tests.api.routes import Operation, call, discover
from tests.api.test_tenancy import owner_of
from tests.api.world import Tenant
from tests.kernel.test_public_routes import operations

pytestmark = pytest.mark.anyio

BINARY = {"application/octet-stream", "multipart/form-data"}
_READABLE = re.compile(r"[a-z]+(?:[A-Z][a-z0-9]*)*")


async def test_it_is_valid(app: FastAPI) -> None:
    assert list(OpenAPIV31SpecValidator(app.openapi()).iter_errors()) == []


async def test_public_operations_say_so_and_examples_are_whole(app: FastAPI) -> None:
    """What the linter of CI (.ci/openapi) found once; here it is seen without Node."""
    document = app.openapi()
    assert all(operation.document["security"] is not None for operation in discover(app))
    faults = [
        f"{name}: {sorted(missing)}"
        for name, schema in document["components"]["schemas"].items()
        for example in schema.get("examples", ())
        if isinstance(example, dict) and (missing := {*schema.get("required", ())} - {*example})
    ]
    assert not faults, "\n".join(faults)


async def test_every_route_is_in_it_and_nothing_else(app: FastAPI) -> None:
    described = {
        f"{method.upper()} {path}"
        for path, item in app.openapi()["paths"].items()
        for method in item
    }
    served = {name for name, route in operations(app) if isinstance(route, APIRoute)}
    assert described == served


async def test_tags_are_described_and_used(app: FastAPI) -> None:
    document = app.openapi()
    used = {tag for each in discover(app) for tag in each.document["tags"]}
    described = {tag["name"]: tag["description"] for tag in document["tags"]}
    assert used == described.keys()
    assert all(words.endswith(".") for words in described.values())


async def test_operations_can_be_read(app: FastAPI) -> None:
    faults: list[str] = []
    for operation in discover(app):
        faults += [f"{operation.id}: {words}" for words in _faults(operation)]
    assert not faults, "\n".join(faults)


def _faults(operation: Operation) -> Iterator[str]:
    document = operation.document
    if not _READABLE.fullmatch(operation.id):
        yield "operationId"
    for word in ("summary", "description", "tags"):
        if not document.get(word):
            yield f"no {word}"
    statuses = {int(status) for status in document["responses"]}
    if not statuses & set(range(200, 300)):
        yield "no success"
    if not {400, 405, 422, 429, 500, 503} <= statuses:
        yield "common refusals"
    if operation.door is not None and not {401, 403} <= statuses:
        yield "401 and 403"
    if operation.door is not None and not document.get("security"):
        yield "no security scheme"
    if operation.door is None and document.get("security"):
        yield "a security scheme on a public route"
    if operation.parameters and 404 not in statuses:
        yield "404"
    if operation.content and not {413, 415} <= statuses:
        yield "413 and 415"
    for status, answer in document["responses"].items():
        if not answer.get("description"):
            yield f"{status} is not described"
        if int(status) >= 400 and not answer.get("content"):
            yield f"{status} has no content"
    for parameter in document.get("parameters", ()):
        if not parameter.get("description"):
            yield f"parameter {parameter['name']} is not described"
    for media_type, media in operation.content.items():
        if media_type not in BINARY and not {"example", "examples"} & media.keys():
            yield f"no example of {media_type}"


async def test_refusals_have_one_shape(app: FastAPI) -> None:
    """The token endpoint speaks RFC 6749; a page for people is a page."""
    others = {
        (operation.id, status)
        for operation in discover(app)
        for status, answer in operation.document["responses"].items()
        if int(status) >= 400 and "application/problem+json" not in answer["content"]
    }
    assert {name for name, _ in others} <= {"issuePartnerToken", "showCertificatePage"}


async def test_keys_and_etags_are_required_headers(app: FastAPI) -> None:
    found = {
        parameter["name"]
        for operation in discover(app)
        for parameter in operation.document.get("parameters", ())
        if parameter["in"] == "header" and parameter["required"]
    }
    assert found == {"Idempotency-Key", "If-Match"}


def _examples(operation: Operation) -> list[Any]:
    media = operation.content.get("application/json", {})
    if "examples" in media:
        return [each["value"] for each in media["examples"].values()]
    return [media["example"]] if "example" in media else []


async def test_examples_are_accepted_by_the_models(app: FastAPI) -> None:
    routes = {label: route for label, route in operations(app) if isinstance(route, APIRoute)}
    tried = 0
    for operation in discover(app):
        body = routes[f"{operation.method} {operation.path}"].body_field
        if body is None:
            continue
        for example in _examples(operation):
            _, errors = body.validate(example, loc=("body",))
            assert not errors, (operation.id, errors)
            tried += 1
    assert tried > 30


async def test_bodies_take_nothing_unknown(app: FastAPI) -> None:
    """Strict models are the rule of the house; the document says so too."""
    schemas: dict[str, Any] = app.openapi()["components"]["schemas"]
    for operation in discover(app):
        media = operation.content.get("application/json")
        references = re.findall(r"#/components/schemas/(\w+)'", str((media or {}).get("schema")))
        for name in references:
            assert schemas[name]["additionalProperties"] is False, (operation.id, name)


async def test_no_view_is_without_a_model(app: FastAPI) -> None:
    """An answer in JSON has a named schema: clients are generated from it."""
    for _, route in operations(app):
        if isinstance(route, APIRoute) and route.response_model is not None:
            model = route.response_model
            assert (isinstance(model, type) and issubclass(model, BaseModel)) or str(
                model
            ).startswith("list["), route.path


async def test_etags_are_sent_where_the_document_says_so_and_nowhere_else(
    app: FastAPI, client: httpx.AsyncClient, tenants: tuple[Tenant, Tenant]
) -> None:
    faults, seen = [], 0
    for operation in discover(app):
        said = "ETag" in operation.document["responses"].get("200", {}).get("headers", {})
        if operation.method == "GET":
            who = None if operation.door is None else owner_of(operation, tenants[0])
            answer = await call(client, operation, operation.url(tenants[0]), who)
            if answer.status_code == 200 and ("etag" in answer.headers) != said:
                faults.append(operation.id)
            seen += said and answer.status_code == 200
    assert faults == []
    assert seen >= 6
    changes = {each.id for each in discover(app) if _asks_for_etag(each)}
    told = {each.id for each in discover(app) if _tells_etag(each) and each.method != "GET"}
    assert told == (changes - {"dropPlanVersion"}) | {
        "createOrganisation",
        "declareMoratorium",
        "draftPlanVersion",
    }


def _asks_for_etag(operation: Operation) -> bool:
    return "If-Match" in {each["name"] for each in operation.document.get("parameters", ())}


def _tells_etag(operation: Operation) -> bool:
    answers = operation.document["responses"].values()
    return any("ETag" in answer.get("headers", {}) for answer in answers)
