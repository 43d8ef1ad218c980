"""Finding batches and their rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.payouts.batch_models import PayoutBatch, PayoutBatchResult, PayoutBatchRow
from app.payouts.models import Payout


async def waiting(session: AsyncSession, limit: int) -> Sequence[Payout]:
    """Payouts that wait for a batch, oldest first, locked; another maker takes others."""
    return (
        await session.scalars(
            select(Payout)
            .where(
                Payout.lane == "batch",
                Payout.status == "requested",
                Payout.stop_requested_at.is_(None),
            )
            .order_by(Payout.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    ).all()


async def any_waiting_since_before(session: AsyncSession, cut_off: datetime) -> bool:
    """Whether a payout requested before an instant waits for a batch."""
    statement = select(Payout.id).where(
        Payout.lane == "batch", Payout.status == "requested", Payout.requested_at < cut_off
    )
    return await session.scalar(statement.limit(1)) is not None


async def batch(session: AsyncSession, batch_id: UUID, *, lock: bool = False) -> PayoutBatch | None:
    return await session.get(
        PayoutBatch, batch_id, with_for_update=lock or None, populate_existing=lock
    )


async def batches(
    session: AsyncSession, after: list[Any] | None, limit: int
) -> Sequence[PayoutBatch]:
    """Newest first; one more than `limit`."""
    statement = select(PayoutBatch).order_by(PayoutBatch.id.desc()).limit(limit + 1)
    if after is not None:
        statement = statement.where(PayoutBatch.id < UUID(after[0]))
    return (await session.scalars(statement)).all()


async def rows(
    session: AsyncSession, batch_id: UUID, after: list[Any] | None, limit: int
) -> Sequence[PayoutBatchRow]:
    """In the file's order; one more than `limit`."""
    statement = (
        select(PayoutBatchRow)
        .where(PayoutBatchRow.batch_id == batch_id)
        .order_by(PayoutBatchRow.position)
        .limit(limit + 1)
    )
    if after is not None:
        statement = statement.where(PayoutBatchRow.position > after[0])
    return (await session.scalars(statement)).all()


async def outcomes(session: AsyncSession, batch_id: UUID) -> dict[str, tuple[int, int]]:
    """Rows and fen by outcome."""
    found = await session.execute(
        select(
            PayoutBatchRow.outcome,
            func.count().label("rows"),
            func.sum(PayoutBatchRow.amount_fen).label("fen"),
        )
        .where(PayoutBatchRow.batch_id == batch_id)
        .group_by(PayoutBatchRow.outcome)
    )
    return {row.outcome: (int(row.rows), int(row.fen)) for row in found}


async def expected(session: AsyncSession, batch_id: UUID) -> dict[str, int]:
    """Amount by reference of all rows of a batch."""
    found = await session.execute(
        select(PayoutBatchRow.reference, PayoutBatchRow.amount_fen).where(
            PayoutBatchRow.batch_id == batch_id
        )
    )
    return {row.reference: row.amount_fen for row in found}


async def live_row(session: AsyncSession, payout_id: UUID) -> PayoutBatchRow | None:
    """The row that holds a locked payout."""
    return await session.scalar(
        select(PayoutBatchRow)
        .where(
            PayoutBatchRow.payout_id == payout_id,
            PayoutBatchRow.outcome.in_(("pending", "unknown")),
        )
        .with_for_update()
    )


async def result_by_digest(
    session: AsyncSession, batch_id: UUID, sha256: bytes
) -> PayoutBatchResult | None:
    return await session.scalar(
        select(PayoutBatchResult).where(
            PayoutBatchResult.batch_id == batch_id, PayoutBatchResult.sha256 == sha256
        )
    )


async def due(session: AsyncSession, now: datetime, limit: int) -> Sequence[PayoutBatch]:
    """Batches whose next look is due; each taken by one worker."""
    return (
        await session.scalars(
            select(PayoutBatch)
            .where(
                PayoutBatch.status.not_in(("settled", "refused")),
                PayoutBatch.next_look_at <= now,
            )
            .order_by(PayoutBatch.next_look_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    ).all()


async def use_link(
    session: AsyncSession, link_id: UUID, staff_id: UUID, now: datetime
) -> UUID | None:
    """Use a link up; the batch, or None for a used, old or foreign one."""
    used: UUID | None = await session.scalar(
        text(
            "update payout_batch_link set used_at = :now where id = :id and staff_id = :staff"
            " and used_at is null and expires_at > :now returning batch_id"
        ),
        {"id": link_id, "staff": staff_id, "now": now},
    )
    return used
