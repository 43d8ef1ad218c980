"""Problems as HTTP answers, and the translation of other people's errors into problems."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import asyncpg
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, IntegrityError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Route
from starlette.types import Scope

from app.kernel.database import DATABASE_FAILURES
from app.kernel.idempotency import Replay
from app.kernel.problems import (
    BadRequest,
    Conflict,
    FieldError,
    Forbidden,
    InternalError,
    MalformedBody,
    MethodNotAllowed,
    NotFound,
    Problem,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unprocessable,
    UnsupportedMediaType,
)
from app.kernel.text import LANGUAGE_TAGS, Text, preferred_language

log = structlog.get_logger("http")

# Unique and exclusion constraints by name, filled by `create_app` from the features.
Constraints = Mapping[str, type[Problem]]

_UNAVAILABLE_STATES = (
    "08",  # connection exceptions
    "53",  # insufficient resources
    "57",  # operator intervention: cancelled, shutting down
    "55P03",  # lock not available
    "40001",
    "40P01",
)

_MESSAGES: dict[str, Text] = {
    "missing": Text("必填", "This field is required."),
    "extra_forbidden": Text("未知字段", "This field is not known."),
    "string_type": Text("应为文字", "A string is expected."),
    "int_type": Text("应为整数", "An integer is expected."),
    "bool_type": Text("应为 true 或 false", "true or false is expected."),
    "list_type": Text("应为列表", "A list is expected."),
    "dict_type": Text("应为对象", "An object is expected."),
    "model_type": Text("应为对象", "An object is expected."),
    "model_attributes_type": Text("应为对象", "An object is expected."),
    "string_too_short": Text("过短", "Too short."),
    "string_too_long": Text("过长", "Too long."),
    "string_pattern_mismatch": Text("格式不正确", "It does not have the expected form."),
    "literal_error": Text("不在允许的取值之内", "Not one of the allowed values."),
    "enum": Text("不在允许的取值之内", "Not one of the allowed values."),
    "greater_than_equal": Text("数值过小", "Too small."),
    "greater_than": Text("数值过小", "Too small."),
    "less_than_equal": Text("数值过大", "Too large."),
    "less_than": Text("数值过大", "Too large."),
    "not_a_fact": Text(
        "应为不小于 0 的整数、文字、true 或 false，或由这些组成的列表（1 至 200 项）",
        "A whole number of 0 or more, a text, true or false, or a list of 1 to 200 items of"
        " these is expected.",
    ),
    "too_short": Text("项数过少", "Too few entries."),
    "too_long": Text("项数过多", "Too many entries."),
    "not_a_day": Text("应为日期，如 2026-12-01", "A date is expected, such as 2026-12-01."),
    "date_from_datetime_parsing": Text("没有这一天", "There is no such day."),
    "not_an_instant": Text(
        "应为带时区的时刻，如 2026-12-01T08:00:00+08:00",
        "A date and time is expected, such as 2026-12-01T08:00:00+08:00.",
    ),
    "datetime_from_date_parsing": Text("没有这一时刻", "There is no such time."),
    "time_zone_missing": Text("缺少时区，如 +08:00", "The time zone is missing, such as +08:00."),
    "day_out_of_range": Text("年份应在 1900 至 2899 之间", "A year from 1900 to 2899 is expected."),
    "uuid_parsing": Text("编号格式不正确", "Not a valid id."),
}
_FALLBACK = Text("格式不正确", "It does not have the expected form.")


def problem_response(problem: Problem, scope: Scope) -> Response:
    """The problem as `application/problem+json` in the caller's language."""
    accept = next((v for k, v in scope["headers"] if k == b"accept-language"), b"")
    language = preferred_language(accept.decode("latin-1"))
    request_id = scope.get("state", {}).get("request_id", "-")
    return Response(
        json.dumps(problem.document(language, request_id), ensure_ascii=False).encode(),
        problem.status,
        {"Content-Language": LANGUAGE_TAGS[language], **problem.headers},
        media_type="application/problem+json",
    )


def pointer_of(location: Sequence[int | str]) -> str:
    """A JSON Pointer for body fields; `query/limit` style for parameters."""
    parts = [str(part) for part in location]
    if parts and parts[0] == "body":
        return "".join(f"/{part}" for part in parts[1:])
    return "/".join(parts)


def validation_problem(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """Pydantic's errors without their inputs; a body that is not JSON is a 400."""
    if any(error["type"] == "json_invalid" for error in errors):
        return MalformedBody()
    return Unprocessable(
        errors=[
            FieldError(
                pointer_of(error["loc"]),
                str(error["type"]).replace("_", "-"),
                _MESSAGES.get(str(error["type"]), _FALLBACK),
            )
            for error in errors
        ]
    )


_BY_STATUS: dict[int, type[Problem]] = {
    400: BadRequest,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    409: Conflict,
}


def http_problem(error: HTTPException) -> Problem:
    """The framework's own refusals in our shape."""
    cause = error.__cause__
    if isinstance(cause, Problem):
        return cause
    if error.status_code == 413:
        return TooLarge(limit="-")
    if error.status_code == 415:
        return UnsupportedMediaType(expected="application/json")
    return _BY_STATUS.get(error.status_code, InternalError)()


def methods_at(routes: Iterable[BaseRoute], path: str) -> set[str]:
    """Every method that some route of this path takes: the framework names one route's."""
    methods: set[str] = set()
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            methods |= methods_at(included.routes, path)
        elif isinstance(route, Route) and route.path_regex.match(path):
            methods |= route.methods or set()
    return methods


def database_problem(error: Exception, constraints: Constraints) -> Problem:
    """503 for a database that is slow or away, the mapped problem for a lost race."""
    if isinstance(error, IntegrityError | asyncpg.IntegrityConstraintViolationError):
        cause = getattr(error.orig, "__cause__", None) if isinstance(error, DBAPIError) else error
        name = str(getattr(cause, "constraint_name", ""))
        if name in constraints:
            return constraints[name]()
        log.error("unmapped constraint", constraint=name)
        return InternalError()
    answered = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(answered, "sqlstate", None)
    if state is None or str(state).startswith(_UNAVAILABLE_STATES):
        return Unavailable()
    return InternalError()


def install_problem_handlers(app: FastAPI) -> None:
    """Register every translation; `app.state.constraints` names the mapped constraints."""

    async def on_problem(request: Request, error: Problem) -> Response:
        return problem_response(error, request.scope)

    async def on_validation(request: Request, error: RequestValidationError) -> Response:
        return problem_response(validation_problem(error.errors()), request.scope)

    async def on_http(request: Request, error: HTTPException) -> Response:
        problem = http_problem(error)
        if problem.status == 405:
            allowed = methods_at(request.app.routes, request.scope["path"])
            problem.headers["Allow"] = ", ".join(sorted(allowed))
        return problem_response(problem, request.scope)

    async def on_database(request: Request, error: Exception) -> Response:
        problem = database_problem(error, request.app.state.constraints)
        log.warning("database", error=type(error).__name__, answered=problem.status)
        return problem_response(problem, request.scope)

    async def on_replay(request: Request, error: Replay) -> Response:
        # The first try may have ended in a 503 because no standby had confirmed it yet.
        try:
            await request.app.state.database.settle()
        except DATABASE_FAILURES as failure:
            return await on_database(request, failure)
        return error.response

    app.exception_handler(Problem)(on_problem)
    app.exception_handler(RequestValidationError)(on_validation)
    app.exception_handler(HTTPException)(on_http)
    app.exception_handler(Replay)(on_replay)
    for kind in DATABASE_FAILURES:
        app.exception_handler(kind)(on_database)
