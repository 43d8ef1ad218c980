"""Finding uploads by token, chunks, and stored objects."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.documents.models import StoredObject, Upload, UploadChunk

# The chunk and the new offset are one statement: nobody can add the same bytes twice.
ADD_CHUNK = text(
    "with moved as (update upload set received = received + :size"
    "  where id = :upload_id and received = :start and status = 'receiving' and expires_at > :now"
    "  returning id)"
    " insert into upload_chunk (upload_id, start, bytes, sha256, object_key)"
    " select id, :start, :size, :sha256, :object_key from moved returning upload_id"
)


async def upload_by_token(session: AsyncSession, token_hash: bytes) -> Upload | None:
    found: Upload | None = await session.scalar(
        select(Upload).where(Upload.token_hash == token_hash)
    )
    return found


async def chunk_at(session: AsyncSession, upload_id: UUID, start: int) -> UploadChunk | None:
    return await session.get(UploadChunk, (upload_id, start))


async def chunks_of(session: AsyncSession, upload_id: UUID) -> Sequence[UploadChunk]:
    return (
        await session.scalars(
            select(UploadChunk)
            .where(UploadChunk.upload_id == upload_id)
            .order_by(UploadChunk.start)
        )
    ).all()


async def uploads_to_sweep(session: AsyncSession, now: datetime, limit: int) -> Sequence[Upload]:
    """Ended or expired uploads that still hold chunks; each locked by one sweeper."""
    return (
        await session.scalars(
            select(Upload)
            .where(~Upload.swept, or_(Upload.expires_at <= now, Upload.status.in_(["finished"])))
            .order_by(Upload.expires_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    ).all()


async def known_keys(session: AsyncSession, object_keys: Sequence[str]) -> set[str]:
    """Which of these names a stored object uses, as content or thumbnail."""
    rows = await session.execute(
        select(StoredObject.object_key, StoredObject.thumbnail_key).where(
            or_(
                StoredObject.object_key.in_(object_keys),
                StoredObject.thumbnail_key.in_(object_keys),
            )
        )
    )
    return {key for row in rows for key in row if key is not None}
