"""Idempotency keys: one effect per (caller, route, key), the answer stored with it.

The key is held by a transaction-scoped advisory lock taken without waiting, so a
parallel copy is answered 409 at once and a crash leaves nothing behind; the stored
answer commits with the effect (docs/decisions/0003-idempotency.md). Refusals store
nothing: a retry is judged afresh.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.clock import system_now
from app.kernel.database import Base, SessionDep
from app.kernel.ids import new_id
from app.kernel.problems import IdempotencyKeyReused, MissingIdempotencyKey, RequestInFlight
from app.kernel.vault import Vault

KEPT_FOR = timedelta(hours=48)
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
class Keyed:
    """A claimed key; `reply` ends the handler by storing and returning its answer."""

    session: AsyncSession
    vault: Vault
    key_hash: bytes
    request_hash: bytes

    async def reply(self, status: int, body: BaseModel, *, etag: str | None = None) -> Response:
        """Store the answer in the request's transaction and return it."""
        content = body.model_dump_json().encode()
        answer_id = new_id()
        await self.session.execute(
            _STORE,
            {
                "key_hash": self.key_hash,
                "id": answer_id,
                "request_hash": self.request_hash,
                "status": status,
                "sealed_body": self.vault.seal_bytes("stored_answer", answer_id, content),
                "etag": etag,
                "expires_at": system_now() + KEPT_FOR,
            },
        )
        return _json_response(status, content, etag)


_CLAIM = text("select pg_try_advisory_xact_lock(:lock)")
_FIND = text(
    "select id, request_hash, status, sealed_body, etag from stored_answer"
    " where key_hash = :key_hash and expires_at > now()"
)
_STORE = text(
    "insert into stored_answer (key_hash, id, request_hash, status, sealed_body, etag, expires_at)"
    " values (:key_hash, :id, :request_hash, :status, :sealed_body, :etag, :expires_at)"
    " on conflict (key_hash) do update set id = excluded.id, request_hash = excluded.request_hash,"
    " status = excluded.status, sealed_body = excluded.sealed_body, etag = excluded.etag,"
    " expires_at = excluded.expires_at where stored_answer.expires_at <= now()"
)


def _json_response(status: int, content: bytes, etag: str | None) -> Response:
    headers = {"ETag": etag} if etag else {}
    return Response(content, status, headers, media_type="application/json")


async def _keyed(
    request: Request,
    session: SessionDep,
    idempotency_key: Annotated[
        str | None,
        Header(
            description="8 to 64 visible ASCII characters, new for each intent, "
            "the same for each retry; answers are kept 48 hours.",
            examples=["6a1f0c9e-order-1"],
        ),
    ] = None,
) -> Keyed:
    """Claim the key; raises MissingIdempotencyKey, RequestInFlight, IdempotencyKeyReused."""
    if idempotency_key is None or not _VISIBLE.fullmatch(idempotency_key):
        raise MissingIdempotencyKey
    caller = request.state.principal.scope
    route = f"{request.method} {request.url.path}"
    key_hash = hashlib.sha256(f"{caller}\n{route}\n{idempotency_key}".encode()).digest()
    request_hash = hashlib.sha256(await request.body()).digest()
    lock = int.from_bytes(key_hash[:8], "big", signed=True)
    # Two statements: the look-up needs a snapshot taken after the lock is held.
    if not await session.scalar(_CLAIM, {"lock": lock}):
        raise RequestInFlight
    vault: Vault = request.app.state.vault
    found = (await session.execute(_FIND, {"key_hash": key_hash})).one_or_none()
    if found is None:
        return Keyed(session, vault, key_hash, request_hash)
    if found.request_hash != request_hash:
        raise IdempotencyKeyReused
    content = vault.open_bytes("stored_answer", found.id, found.sealed_body)
    response = _json_response(found.status, content, found.etag)
    response.headers["Idempotency-Replayed"] = "true"
    raise Replay(response)


KeyedDep = Annotated[Keyed, Depends(_keyed, scope="function")]
