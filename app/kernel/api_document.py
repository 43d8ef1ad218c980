"""The OpenAPI 3.1 document: one error shape everywhere, operation ids that read well."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

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
    "412": "It was changed by somebody else since the ETag was read.",
    "413": "The body is over the limit.",
    "415": "The content type is not accepted.",
    "422": "Content that does not pass validation; `errors` names each field.",
    "428": "If-Match is missing.",
    "429": "Too often; see Retry-After.",
    "500": "Something failed; quote the request id.",
    "503": "Temporarily unavailable; see Retry-After.",
}


def operation_id(route: APIRoute) -> str:
    """`open_order` → `openOrder`: the name of the method in a generated client."""
    first, *rest = route.name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def install_api_document(app: FastAPI, description: str) -> None:
    """Replace FastAPI's generator by one that documents every refusal."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                description=description,
                routes=app.routes,
                openapi_version="3.1.0",
                servers=[{"url": "/"}],
                tags=app.openapi_tags,
            )
            _describe_refusals(schema)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _describe_refusals(schema: dict[str, Any]) -> None:
    components = schema.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas["Problem"] = PROBLEM_SCHEMA
    for path, operation in _operations(schema):
        responses = operation["responses"]
        for status in _refusals(path, operation):
            responses[status] = _refusal(_WORDS[status])


def _operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            if method in ("get", "put", "post", "patch", "delete"):
                yield path, operation


def _refusals(path: str, operation: dict[str, Any]) -> list[str]:
    statuses = ["400", "405", "422", "429", "500", "503"]
    if operation.get("security"):
        statuses += ["401", "403"]
    if "{" in path:
        statuses += ["404"]
    if operation.get("requestBody"):
        statuses += ["409", "413", "415"]
    if any(
        parameter["name"].lower() == "if-match" for parameter in operation.get("parameters", ())
    ):
        statuses += ["412", "428"]
    taken = {status for status in operation["responses"] if status != "422"}
    return sorted(set(statuses) - taken)


def refused(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses=` of a route that refuses in ways the document cannot guess."""
    return {status: _refusal(_WORDS[str(status)]) for status in statuses}


def _refusal(words: str) -> dict[str, Any]:
    reference = {"$ref": "#/components/schemas/Problem"}
    return {"description": words, "content": {"application/problem+json": {"schema": reference}}}
