"""The outermost ASGI layer: request ids, body caps, metrics, logs, and the last resort."""

import re
import secrets
import time
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from functools import lru_cache
from typing import Any

import structlog
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kernel.problems import FieldError, InternalError, Problem, TooLarge, Unprocessable
from app.kernel.rendering import problem_response
from app.kernel.schema import UNSTORABLE

log = structlog.get_logger("http")

REQUESTS = Counter("http_requests_total", "Answers by route and status.", ["route", "status"])
SECONDS = Histogram("http_request_seconds", "Time to answer by route.", ["route"])

KIB = 1024
DEFAULT_BODY_LIMIT = 256 * KIB
SLOW_SECONDS = 1.0
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


class Gate:
    """Wraps the whole application.

    `body_limits` maps path prefixes to byte limits where the default is not right; the
    limit holds for Content-Length and for bytes that really arrive.
    """

    def __init__(self, app: ASGIApp, body_limits: Mapping[str, int]) -> None:
        self.app = app
        self.body_limits = tuple(body_limits.items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        request_id, traceparent = _identify(headers)
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.bind_contextvars(
            request_id=request_id, trace_id=traceparent.split("-")[1]
        )
        answer = _Answer(send, request_id, traceparent)
        started = time.perf_counter()
        try:
            _refuse_nul(scope)
            if _has_body(headers):
                receive = _limited(receive, headers, self._limit(scope["path"]))
            await self.app(scope, receive, answer.send)
        except Problem as problem:
            await answer.refuse(problem, scope, receive)
        except Exception as error:
            _log_failure(error)
            await answer.refuse(InternalError(), scope, receive)
        finally:
            _observe(scope, answer.status, time.perf_counter() - started)

    def _limit(self, path: str) -> int:
        for prefix, limit in self.body_limits:
            if path.startswith(prefix):
                return limit
        return DEFAULT_BODY_LIMIT


_ALWAYS = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))


class _Answer:
    """The outgoing side: adds the request's ids and remembers the status."""

    def __init__(self, send: Send, request_id: str, traceparent: str) -> None:
        self._send = send
        self._request_id = request_id
        self._traceparent = traceparent
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            # Raw pairs: looking each name up through a header object costs 3 % of a hot read.
            headers = list(message["headers"])
            given = {name.lower() for name, _ in headers}
            headers.append((b"x-request-id", self._request_id.encode()))
            headers.append((b"traceparent", self._traceparent.encode()))
            headers += [pair for pair in _ALWAYS if pair[0] not in given]
            message["headers"] = headers
        await self._send(message)

    async def refuse(self, problem: Problem, scope: Scope, receive: Receive) -> None:
        if self.status:
            return
        response = problem_response(problem, scope)
        await response(scope, receive, self.send)


def _identify(headers: Mapping[bytes, bytes]) -> tuple[str, str]:
    """The caller's request id and trace where they are well formed, new ones otherwise."""
    fresh = secrets.token_hex(40)
    given = headers.get(b"x-request-id", b"").decode("latin-1")
    request_id = given if given and _REQUEST_ID.fullmatch(given) else fresh[:32]
    parent = headers.get(b"traceparent", b"").decode("latin-1")
    trace = _TRACEPARENT.fullmatch(parent) if parent else None
    trace_id = trace[1] if trace else fresh[32:64]
    return request_id, f"00-{trace_id}-{fresh[64:]}-01"


def _refuse_nul(scope: Scope) -> None:
    if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
        raise Unprocessable(errors=[FieldError("", "unstorable-text", UNSTORABLE)])


def _has_body(headers: Mapping[bytes, bytes]) -> bool:
    """Whether the caller announced a body (RFC 9112 §6): without either header there is none."""
    return b"content-length" in headers or b"transfer-encoding" in headers


def _limited(receive: Receive, headers: Mapping[bytes, bytes], limit: int) -> Receive:
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared) > limit:
        raise TooLarge(limit=limit)
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise TooLarge(limit=limit)
        return message

    return counted


def _log_failure(error: Exception) -> None:
    """Type and places only: an exception's text may quote personal data."""
    frames = traceback.extract_tb(error.__traceback__)
    where = [f"{frame.filename.rsplit('/app/')[-1]}:{frame.lineno}" for frame in frames[-8:]]
    log.error("request failed", error=type(error).__name__, where=where)


@lru_cache(maxsize=2_048)
def _metrics(template: str, status: int) -> tuple[Callable[[], None], Callable[[float], None]]:
    """Finding a labelled metric costs more than counting."""
    return REQUESTS.labels(template, status).inc, SECONDS.labels(template).observe


def _observe(scope: Scope, status: int, seconds: float) -> None:
    route: Any = scope.get("route")
    template = getattr(route, "path", "unmatched")
    count, observe = _metrics(template, status)
    count()
    observe(seconds)
    if scope["method"] not in ("GET", "HEAD") or status >= 500 or seconds > SLOW_SECONDS:
        fields: MutableMapping[str, Any] = {
            "method": scope["method"],
            "route": template,
            "status": status,
            "milliseconds": round(seconds * 1000, 1),
        }
        log.info("request", **fields)
