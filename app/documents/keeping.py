"""Files whose purpose has ended: first they are stored and not used, then they are gone."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.documents.models import StoredObject
from app.documents.storage import open_storage
from app.kernel import audit
from app.kernel.jobs import JobContext
from app.kernel.principal import SYSTEM

Due = Select[UUID]
# Rows a transaction.
SLICE = 200


async def block_all(context: JobContext, due: Due, reason: str, now: datetime) -> None:
    """From now on what `due` selects is stored only: shown to its member and to auditors.

    The law still asks for it while nobody has to work with it (PIPL art. 47).
    """
    while await _mark(context, due, "document.block", reason, now):
        continue


async def unblock_all(context: JobContext, due: Due, reason: str) -> None:
    """Somebody has to work with what `due` selects again."""
    while await _mark(context, due, "document.unblock", reason, None):
        continue


async def _mark(
    context: JobContext, due: Due, action: str, reason: str, blocked_at: datetime | None
) -> bool:
    held = StoredObject.blocked_at.is_not(None)
    async with context.transaction() as session:
        object_ids = (
            await session.scalars(_slice(due, held if blocked_at is None else ~held))
        ).all()
        await session.execute(
            update(StoredObject)
            .where(StoredObject.id.in_(object_ids))
            .values(blocked_at=blocked_at)
        )
        await _record(session, action, object_ids, reason)
    return bool(object_ids)


async def erase_all(context: JobContext, due: Due, reason: str, now: datetime) -> None:
    """Remove bytes and keys of what `due` selects for good; the rows say when, the audit why.

    The bytes go first: whoever dies between finds the rows still there and does it again.
    Raises Unavailable when the storage does not answer.
    """
    storage = open_storage(context.settings)
    while True:
        async with context.transaction() as session:
            object_ids = (await session.scalars(_slice(due))).all()
            found = await session.execute(
                select(StoredObject.object_key, StoredObject.thumbnail_key).where(
                    StoredObject.id.in_(object_ids)
                )
            )
            keys = [key for row in found for key in row if key is not None]
        if not object_ids:
            return
        await storage.delete(keys)
        async with context.transaction() as session:
            await session.execute(
                update(StoredObject)
                .where(StoredObject.id.in_(object_ids))
                .values(erased_at=now, sealed=None, perceptual_hash=None, thumbnail_key=None)
            )
            await _record(session, "document.erase", object_ids, reason)


def _slice(due: Due, *conditions: ColumnElement[bool]) -> Due:
    return (
        select(StoredObject.id)
        .where(StoredObject.id.in_(due), StoredObject.erased_at.is_(None), *conditions)
        .order_by(StoredObject.id)
        .limit(SLICE)
    )


async def _record(
    session: AsyncSession, action: str, object_ids: Sequence[UUID], reason: str
) -> None:
    if object_ids:
        await audit.record(
            session,
            SYSTEM,
            action,
            subject="stored_object",
            subject_ids=object_ids,
            details={"reason": reason},
        )
