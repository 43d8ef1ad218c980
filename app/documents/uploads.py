"""Chunked uploads: opened by a feature, filled in order, resumable from any process."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.documents import queries
from app.documents.desk import Desk
from app.documents.errors import (
    BadChunk,
    DocumentRefused,
    UnexpectedOffset,
    UploadClosed,
    UploadExpired,
    UploadIncomplete,
    UploadNotFound,
)
from app.documents.models import UPLOAD, Upload
from app.documents.sandbox.refusals import Reason
from app.documents.schemas import CHUNK_BYTES, OpenedUpload, UploadStatus, UploadView
from app.documents.storage import new_data_key
from app.kernel.clock import system_now
from app.kernel.ids import new_id, random_code
from app.kernel.principal import Principal
from app.kernel.transitions import begin, move

KEPT_FOR = timedelta(hours=24)
_TOKEN_LENGTH = 26


@dataclass(frozen=True, slots=True)
class Collected:
    """A complete upload: who opened it, for what, and the bytes."""

    upload_id: UUID
    kind: str
    content: bytes


async def open_upload(
    session: AsyncSession,
    desk: Desk,
    owner: Principal,
    *,
    purpose: str,
    subject_id: UUID,
    kind: str,
    declared_bytes: int,
    declared_sha256: str | None = None,
) -> OpenedUpload:
    """Begin an upload of `declared_bytes`; the token is shown once and kept as a hash."""
    token, now, upload_id = random_code(_TOKEN_LENGTH), system_now(), new_id()
    upload = Upload(
        id=upload_id,
        token_hash=_hash(token),
        owner_kind=owner.kind,
        owner_id=owner.id,
        purpose=purpose,
        subject_id=subject_id,
        kind=kind,
        declared_bytes=declared_bytes,
        declared_sha256=bytes.fromhex(declared_sha256) if declared_sha256 else None,
        received=0,
        status="receiving",
        sealed=desk.vault.seal("upload", upload_id, {"data_key": new_data_key()}),
        expires_at=now + KEPT_FOR,
        swept=False,
    )
    begin(session, UPLOAD, upload, actor=owner, at=now)
    await session.flush()
    desk.prover.warm()
    return OpenedUpload(
        token=token,
        url=f"/v1/uploads/{token}",
        chunk_bytes=CHUNK_BYTES,
        expires_at=upload.expires_at,
    )


async def find_open(desk: Desk, token: str) -> Upload:
    """The upload that the token names, before a byte of a body is read.

    Raises UploadNotFound (404), UploadExpired (410).
    """
    async with desk.database.transaction() as session:
        upload = await queries.upload_by_token(session, _hash(token))
    if upload is None:
        raise UploadNotFound
    if upload.status == "expired" or upload.expires_at <= system_now():
        raise UploadExpired
    return upload


async def put_chunk(desk: Desk, upload: Upload, start: int, content: bytes) -> UploadView:
    """Add the bytes at `start`, all or nothing; the same chunk again changes nothing.

    Raises BadChunk (422), UnexpectedOffset (409), UploadClosed (409).
    """
    if not 1 <= len(content) <= CHUNK_BYTES or start + len(content) > upload.declared_bytes:
        raise BadChunk
    digest = hashlib.sha256(content).digest()
    if start != upload.received or upload.status != "receiving":
        return await _repeated(desk, upload.id, start, len(content), digest)
    object_key = f"uploads/{upload.id}/{start:08d}-{random_code(8)}"
    # Written before it is counted: a process that dies between leaves only an orphan.
    await desk.storage.put(object_key, _data_key(desk, upload), content)
    async with desk.database.transaction() as session:
        added = await session.scalar(
            queries.ADD_CHUNK,
            {
                "upload_id": upload.id,
                "start": start,
                "size": len(content),
                "sha256": digest,
                "object_key": object_key,
                "now": system_now(),
            },
        )
    if added is None:
        await desk.storage.delete([object_key])
        return await _repeated(desk, upload.id, start, len(content), digest)
    return view_of(upload, received=start + len(content))


async def _repeated(
    desk: Desk, upload_id: UUID, start: int, size: int, digest: bytes
) -> UploadView:
    async with desk.database.transaction() as session:
        upload = await session.get_one(Upload, upload_id)
        chunk = await queries.chunk_at(session, upload_id, start)
    if chunk is not None and (chunk.size, chunk.sha256) == (size, digest):
        return view_of(upload, received=upload.received)
    if upload.status != "receiving":
        raise UploadClosed
    raise UnexpectedOffset(upload.received)


async def collect(
    desk: Desk, token: str, owner: Principal, purpose: str, subject_id: UUID
) -> Collected | UUID:
    """The complete file of the caller's own upload, or the object that it already became.

    Raises UploadNotFound (404), UploadExpired (410), UploadIncomplete (409), UploadClosed
    (409), DocumentRefused (422) when the declared hash does not match.
    """
    upload = await find_open(desk, token)
    if (upload.owner_id, upload.purpose, upload.subject_id) != (owner.id, purpose, subject_id):
        raise UploadNotFound
    if upload.object_id is not None:
        return upload.object_id
    if upload.status != "receiving":
        raise UploadClosed
    if upload.received < upload.declared_bytes:
        raise UploadIncomplete(upload.received, upload.declared_bytes - upload.received)
    async with desk.database.transaction() as session:
        chunks = await queries.chunks_of(session, upload.id)
    data_key = _data_key(desk, upload)
    content = b"".join([await desk.storage.get(chunk.object_key, data_key) for chunk in chunks])
    if upload.declared_sha256 not in (None, hashlib.sha256(content).digest()):
        await refuse(desk, upload.id, "hash-mismatch", owner)
        raise DocumentRefused("hash-mismatch")
    return Collected(upload.id, upload.kind, content)


async def refuse(desk: Desk, upload_id: UUID, reason: Reason, actor: Principal) -> None:
    """End an upload whose file is not taken; a new one may be opened."""
    async with desk.database.transaction() as session:
        upload = await session.get_one(Upload, upload_id, with_for_update=True)
        if upload.status == "receiving":
            upload.reason_code = reason
            await move(
                session, UPLOAD, upload, "refused", actor=actor, at=system_now(), reason_code=reason
            )


async def finish(session: AsyncSession, upload_id: UUID, object_id: UUID, actor: Principal) -> None:
    """The upload became a stored object, in the caller's transaction."""
    upload = await session.get_one(Upload, upload_id, with_for_update=True)
    if upload.status != "receiving":
        raise UploadClosed
    upload.object_id = object_id
    await move(session, UPLOAD, upload, "finished", actor=actor, at=system_now())


def view_of(upload: Upload, *, received: int | None = None) -> UploadView:
    return UploadView(
        received=upload.received if received is None else received,
        bytes=upload.declared_bytes,
        status=cast(UploadStatus, upload.status),
        reason_code=cast(Reason | None, upload.reason_code),
        expires_at=upload.expires_at,
    )


def _data_key(desk: Desk, upload: Upload) -> bytes:
    key: bytes = desk.vault.open("upload", upload.id, upload.sealed)["data_key"]
    return key


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
