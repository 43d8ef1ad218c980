"""Keyed answers: the row that lets a retry be answered as the first time."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from starlette.requests import Request

from app.kernel.ids import new_id
from benchmarks.lean.context import Caller, Context

# Appended to a write's CTEs; {at} is the number of its first parameter. A second use of a
# key violates the primary key, so that the whole statement leaves nothing.
STORE = """
insert into stored_answer (key_hash, id, request_hash, status, sealed_body, expires_at)
values (${0}, ${1}, ${2}, 201, ${3}, ${4})
"""


def store_sql(at: int) -> str:
    return STORE.format(*range(at, at + 5))


def stored(
    context: Context, request: Request, caller: Caller, raw: bytes, answer: Any
) -> tuple[bytes, list[Any]]:
    """The answer's JSON, and the arguments of `STORE`; the body is encrypted at rest."""
    body = msgspec.json.encode(answer)
    answer_id = new_id()
    key = request.headers["idempotency-key"]
    scope = f"member:{caller.id}\n{request.method} {request.url.path}\n{key}"
    return body, [
        hashlib.sha256(scope.encode()).digest(),
        answer_id,
        hashlib.sha256(raw).digest(),
        context.vault.seal_bytes("stored_answer", answer_id, body),
        datetime.now(UTC) + timedelta(hours=48),
    ]
