"""Removing chunks that are no longer needed, and stored bytes that nothing refers to."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete

from app.documents import queries
from app.documents.events import SWEEP
from app.documents.models import UPLOAD, Upload, UploadChunk
from app.documents.storage import ObjectStorage, open_storage
from app.kernel.clock import system_now
from app.kernel.jobs import Handler, JobContext
from app.kernel.principal import SYSTEM
from app.kernel.transitions import move

SLICE = 200


async def sweep(context: JobContext, _payload: Mapping[str, Any]) -> None:
    """Drop the chunks of ended uploads, expire silent ones, delete orphans of two days ago."""
    storage, now = open_storage(context.settings), system_now()
    while await _sweep_slice(context, storage, now) == SLICE:
        continue
    await _delete_orphans(context, storage, now - timedelta(days=2))


async def _sweep_slice(context: JobContext, storage: ObjectStorage, now: datetime) -> int:
    async with context.transaction() as session:
        found = await queries.uploads_to_sweep(session, now, SLICE)
        keys: list[str] = []
        for upload in found:
            keys += [chunk.object_key for chunk in await queries.chunks_of(session, upload.id)]
            if upload.status in ("receiving", "refused"):
                await move(session, UPLOAD, upload, "expired", actor=SYSTEM, at=now)
    # Outside the transaction; a second sweeper deleting the same names does no harm.
    await storage.delete(keys)
    async with context.transaction() as session:
        for upload in found:
            await session.execute(delete(UploadChunk).where(UploadChunk.upload_id == upload.id))
            (await session.get_one(Upload, upload.id)).swept = True
    return len(found)


async def _delete_orphans(context: JobContext, storage: ObjectStorage, day: datetime) -> None:
    """Bytes written by a process that died before their row was: unreadable, but there."""
    names = await storage.names(f"objects/{day:%Y/%m/%d}")
    for start in range(0, len(names), SLICE):
        part = names[start : start + SLICE]
        async with context.transaction() as session:
            known = await queries.known_keys(session, part)
        await storage.delete(name for name in part if name not in known)


JOBS: Mapping[str, Handler] = {SWEEP: sweep}
TIMERS: Mapping[str, timedelta] = {SWEEP: timedelta(minutes=10)}
