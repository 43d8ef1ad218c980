"""Idempotency keys: one effect per (caller, route, key), the answer stored with it.

The key is held by a transaction-scoped advisory lock taken without waiting, so a
parallel copy is answered 409 at once and a crash leaves nothing behind; the stored
answer commits with the effect (docs/decisions/0003-idempotency.md). Refusals store
nothing: a retry is judged afresh.

`KeyedDep` is for handlers of one transaction, `ClaimDep` for those that decide themselves
when it begins: what is slow or outside is done before it, or between two. `KeyDep` is for
handlers that read the body themselves and then say by what the request is known.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.clock import system_now
from app.kernel.database import Base, SessionDep, raw_connection
from app.kernel.ids import new_id
from app.kernel.problems import IdempotencyKeyReused, MissingIdempotencyKey, RequestInFlight
from app.kernel.routing import hot
from app.kernel.vault import Vault

KEPT_FOR = timedelta(hours=48)
# The status of a request that has asked an outside system and has no answer yet.
UNDER_WAY = 102
_VISIBLE = re.compile(r"[\x21-\x7e]{8,64}")


class StoredAnswer(Base):
    """What a keyed request was answered; the body is encrypted (it may name people)."""

    __tablename__ = "stored_answer"

    key_hash: Mapped[bytes] = mapped_column(primary_key=True)
    id: Mapped[UUID]
    request_hash: Mapped[bytes]
    status: Mapped[int]
    sealed_body: Mapped[bytes]
    etag: Mapped[str | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Replay(Exception):
    """The key was answered before; `response` is that answer again."""

    def __init__(self, response: Response) -> None:
        super().__init__("replay")
        self.response = response


@dataclass(frozen=True, slots=True)
class Claim:
    """A key as it came, not held yet.

    Most handlers take `KeyedDep`, which holds it in the request's transaction. A hot path
    that writes by one statement holds `lock` and stores the answer within that statement.
    """

    vault: Vault
    key_hash: bytes
    request_hash: bytes

    @property
    def lock(self) -> int:
        """The advisory lock that stands for the key while its request runs."""
        return int.from_bytes(self.key_hash[:8], "big", signed=True)

    def replay(self, found: Mapping[str, Any]) -> None:
        """Answer again what was stored (columns of `StoredAnswer`).

        Raises Replay, or IdempotencyKeyReused (422) if that was another request.
        """
        self._require_same(found)
        content = self.vault.open_bytes("stored_answer", found["id"], found["sealed_body"])
        response = _json_response(found["status"], content, found["etag"])
        response.headers["Idempotency-Replayed"] = "true"
        raise Replay(response)

    async def hold(self, session: AsyncSession) -> "Keyed":
        """Hold the key until the transaction ends; raises RequestInFlight (409), Replay."""
        # Two statements: the look-up needs a snapshot taken after the lock is held.
        # The first goes through SQLAlchemy, because that begins the transaction.
        connection = await session.connection()
        if not (await connection.exec_driver_sql(_CLAIM, (self.lock,))).scalar():
            raise RequestInFlight
        found = await (await raw_connection(session)).fetchrow(_FIND, self.key_hash)
        if found is not None and found["status"] == UNDER_WAY:
            self._require_same(found)
        elif found is not None:
            self.replay(found)
        return Keyed(self.vault, self.key_hash, self.request_hash, session)

    def _require_same(self, found: Mapping[str, Any]) -> None:
        if found["request_hash"] != self.request_hash:
            raise IdempotencyKeyReused

    def sealed(self, content: bytes) -> tuple[UUID, bytes, datetime]:
        """Id, sealed body and expiry of the answer to store."""
        answer_id = new_id()
        sealed_body = self.vault.seal_bytes("stored_answer", answer_id, content)
        return answer_id, sealed_body, system_now() + KEPT_FOR

    def respond(self, status: int, content: bytes) -> Response:
        """The answer that the caller has stored."""
        return _json_response(status, content, None)


@dataclass(frozen=True, slots=True)
class Keyed(Claim):
    """A key that is held; `reply` ends the handler by storing and returning its answer."""

    session: AsyncSession

    async def reply(self, status: int, body: BaseModel, *, etag: str | None = None) -> Response:
        """Store the answer in the request's transaction and return it."""
        content = body.model_dump_json().encode()
        await self.store(status, content, etag=etag)
        return _json_response(status, content, etag)

    async def begin(self) -> None:
        """Keep which request this is, before an outside system is asked on its behalf.

        Until its answer is stored another body is refused, and the same one goes on where
        it stopped: its effects so far have to bear that.
        """
        await self.store(UNDER_WAY, b"")

    async def store(self, status: int, content: bytes, *, etag: str | None = None) -> None:
        """Keep what is about to be answered, in the request's transaction."""
        answer_id = new_id()
        connection = await raw_connection(self.session)
        await connection.execute(
            _STORE,
            self.key_hash,
            answer_id,
            self.request_hash,
            status,
            self.vault.seal_bytes("stored_answer", answer_id, content),
            etag,
            system_now() + KEPT_FOR,
            UNDER_WAY,
        )


_CLAIM = "select pg_try_advisory_xact_lock($1)"
_FIND = """
select id, request_hash, status, sealed_body, etag from stored_answer
where key_hash = $1 and expires_at > now()
"""
_STORE = """
insert into stored_answer (key_hash, id, request_hash, status, sealed_body, etag, expires_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (key_hash) do update set id = excluded.id, request_hash = excluded.request_hash,
    status = excluded.status, sealed_body = excluded.sealed_body, etag = excluded.etag,
    expires_at = excluded.expires_at
where stored_answer.expires_at <= now() or stored_answer.status = $8
"""


def _json_response(status: int, content: bytes, etag: str | None) -> Response:
    headers = {"ETag": etag} if etag else {}
    return Response(content, status, headers, media_type="application/json")


@dataclass(frozen=True, slots=True)
class Key:
    """A key whose request is not known yet, because its body has not been read."""

    vault: Vault
    key_hash: bytes

    def claim(self, request_hash: bytes) -> Claim:
        """The key together with what it was sent with: 32 bytes, equal for equal requests."""
        return Claim(self.vault, self.key_hash, request_hash)


_KeyHeader = Annotated[
    str | None,
    Header(
        description="8 to 64 visible ASCII characters, new for each intent, "
        "the same for each retry; answers are kept 48 hours.",
        examples=["6a1f0c9e-order-1"],
    ),
]


async def _key(request: Request, idempotency_key: _KeyHeader = None) -> Key:
    """Read the key; raises MissingIdempotencyKey (400)."""
    if idempotency_key is None or not _VISIBLE.fullmatch(idempotency_key):
        raise MissingIdempotencyKey
    caller = request.state.principal.scope
    route = f"{request.method} {request.scope['path']}"
    key_hash = hashlib.sha256(f"{caller}\n{route}\n{idempotency_key}".encode()).digest()
    return Key(request.app.state.vault, key_hash)


KeyDep = Annotated[Key, Depends(_key)]


async def _claim_of(request: Request) -> Claim:
    return await _claim(request, request.headers.get("idempotency-key"))


@hot(_claim_of)
async def _claim(request: Request, idempotency_key: _KeyHeader = None) -> Claim:
    """Read the key and the body; raises MissingIdempotencyKey (400)."""
    key = await _key(request, idempotency_key)
    return key.claim(hashlib.sha256(await request.body()).digest())


ClaimDep = Annotated[Claim, Depends(_claim)]


async def _keyed(claim: ClaimDep, session: SessionDep) -> Keyed:
    return await claim.hold(session)


KeyedDep = Annotated[Keyed, Depends(_keyed, scope="function")]
