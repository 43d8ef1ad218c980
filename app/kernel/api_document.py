"""The OpenAPI 3.1 document: one error shape everywhere, operation ids that read well."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from app.kernel.examples import describe_by_example, operations, resolved

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457 problem document.",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "description": "Where this problem is documented."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What happened and what to do next."},
        "code": {"type": "string", "description": "Stable word for programs."},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "message"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON Pointer or parameter."},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
    "examples": [
        {
            "type": "/problems/not-found",
            "title": "未找到",
            "status": 404,
            "detail": "您要找的内容不存在，或您无权查看。",
            "code": "not-found",
            "request_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        }
    ],
}

_WORDS = {
    "400": "The request is malformed.",
    "401": "The token is missing, invalid, expired or of another door.",
    "403": "The role or authority is too small.",
    "404": "It does not exist or is not visible to the caller.",
    "405": "The method is not supported here.",
    "409": "The present state does not allow it.",
    "410": "It was there and is no longer.",
    "412": "It was changed by somebody else since the ETag was read.",
    "413": "The body is over the limit.",
    "415": "The content type is not accepted.",
    "422": "Content that does not pass validation; `errors` names each field.",
    "428": "If-Match is missing.",
    "429": "Too often; see Retry-After.",
    "500": "Something failed; quote the request id.",
    "503": "Temporarily unavailable; see Retry-After.",
}

# Refusals carry headers that a client acts on.
_HEADERS: dict[str, dict[str, Any]] = {
    "401": {"WWW-Authenticate": {"schema": {"type": "string"}}},
    "405": {"Allow": {"description": "The methods it takes.", "schema": {"type": "string"}}},
    "429": {"Retry-After": {"description": "Seconds.", "schema": {"type": "string"}}},
    "503": {"Retry-After": {"description": "Seconds.", "schema": {"type": "string"}}},
}

# Headers that handlers judge themselves (their absence has an answer of its own), as they
# are to be sent.
_HEADER_PARAMETERS: dict[str, dict[str, Any]] = {
    "idempotency-key": {
        "name": "Idempotency-Key",
        "required": True,
        "schema": {"type": "string", "pattern": "^[!-~]{8,64}$", "examples": ["6a1f0c9e-order-1"]},
    },
    "if-match": {
        "name": "If-Match",
        "required": True,
        "schema": {"type": "string", "examples": ['"3"']},
    },
    "accept-language": {
        "name": "Accept-Language",
        "description": "`zh-CN` unless English (`en`) is ranked higher.",
        "schema": {"type": "string", "examples": ["en"]},
    },
    "if-none-match": {"name": "If-None-Match"},
}


_ETAG = {
    "description": "Names this state: for If-Match when changing it, If-None-Match when reading.",
    "schema": {"type": "string"},
}


def operation_id(route: APIRoute) -> str:
    """`open_order` → `openOrder`: the name of the method in a generated client."""
    first, *rest = route.name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def install_api_document(
    app: FastAPI, description: str, tags: Mapping[str, str], words: Mapping[str, Any]
) -> None:
    """Replace FastAPI's generator by one that documents every refusal.

    `tags` describe the groups of operations, in the order in which they are read; `words` are
    the examples of members by their names (app/kernel/examples.py).
    """

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                description=description,
                license_info=app.license_info,
                routes=app.routes,
                openapi_version="3.1.0",
                servers=[{"url": "/"}],
            )
            used = {tag for _, _, operation in operations(schema) for tag in operation["tags"]}
            schema["tags"] = [
                {"name": name, "description": words} for name, words in tags.items() if name in used
            ]
            _say_who_is_asked(schema)
            _describe_parameters(schema)
            _describe_etags(schema)
            _describe_refusals(schema)
            _restore_nulls(schema)
            describe_by_example(schema, words)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _say_who_is_asked(schema: dict[str, Any]) -> None:
    """Public operations say that they are: without a word a reader may think it forgotten."""
    for _, _, operation in operations(schema):
        operation.setdefault("security", [])


def _describe_refusals(schema: dict[str, Any]) -> None:
    components = schema.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas["Problem"] = PROBLEM_SCHEMA
    for method, path, operation in operations(schema):
        responses = operation["responses"]
        for status in _refusals(method, path, operation):
            responses[status] = _refusal(status)


def _describe_parameters(schema: dict[str, Any]) -> None:
    """Ids are described by their names; headers get the form in which they are sent."""
    for _, _, operation in operations(schema):
        for parameter in operation.get("parameters", ()):
            parameter.update(_HEADER_PARAMETERS.get(parameter["name"], {}))
            if parameter["in"] == "path" and parameter["name"].endswith("_id"):
                words = parameter["name"].removesuffix("_id").replace("_", " ")
                parameter.setdefault("description", f"Id of the {words}.")
            if parameter["in"] == "query" and _takes_several(parameter["schema"]):
                # The standard's own defaults, which not every generator of clients knows.
                parameter.update(style="form", explode=True)


def _describe_etags(schema: dict[str, Any]) -> None:
    """What is changed under If-Match or asked for under If-None-Match comes with its ETag."""
    changed = {path for _, path, each in operations(schema) if "If-Match" in _headers_of(each)}
    made = {("post", path.rpartition("/")[0]) for path in changed}
    for method, path, operation in operations(schema):
        if path in changed or (method, path) in made or "If-None-Match" in _headers_of(operation):
            for status in operation["responses"].keys() & {"200", "201"}:
                operation["responses"][status]["headers"] = {"ETag": _ETAG}


def _headers_of(operation: dict[str, Any]) -> set[str]:
    return {each["name"] for each in operation.get("parameters", ()) if each["in"] == "header"}


def _takes_several(schema: dict[str, Any]) -> bool:
    return any(each.get("type") == "array" for each in (schema, *schema.get("anyOf", ())))


def _restore_nulls(schema: dict[str, Any]) -> None:
    """FastAPI drops every null of the document, those of examples too."""
    schemas = schema["components"]["schemas"]
    for described in schemas.values():
        for example in described.get("examples", ()):
            _fill(example, described, schemas)


def _fill(example: Any, schema: dict[str, Any], schemas: dict[str, Any]) -> None:
    schema = resolved(schema, schemas)
    for choice in schema.get("anyOf", ()):
        _fill(example, choice, schemas)
    if isinstance(example, list):
        for each in example:
            _fill(each, schema.get("items", {}), schemas)
    elif isinstance(example, dict):
        for name, member in schema.get("properties", {}).items():
            if name in example:
                _fill(example[name], member, schemas)
            elif name in schema.get("required", ()) and {"type": "null"} in member.get("anyOf", ()):
                example[name] = None


def _refusals(method: str, path: str, operation: dict[str, Any]) -> list[str]:
    statuses = ["400", "405", "422", "429", "500", "503"]
    if operation.get("security"):
        statuses += ["401", "403"]
    if "{" in path:
        statuses += ["404"]
        if method != "get":
            statuses += ["409"]
    if operation.get("requestBody"):
        statuses += ["409", "413", "415"]
    headers = _headers_of(operation)
    if "Idempotency-Key" in headers:
        statuses += ["409"]
    if "If-Match" in headers:
        statuses += ["412", "428"]
    taken = {status for status in operation["responses"] if status != "422"}
    return sorted(set(statuses) - taken)


def refused(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses=` of a route that refuses in ways the document cannot guess."""
    return {status: _refusal(str(status)) for status in statuses}


def _refusal(status: str) -> dict[str, Any]:
    reference = {"$ref": "#/components/schemas/Problem"}
    answer = {
        "description": _WORDS[status],
        "content": {"application/problem+json": {"schema": reference}},
    }
    return answer | ({"headers": _HEADERS[status]} if status in _HEADERS else {})
