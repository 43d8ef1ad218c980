"""Moves of payouts and batches that nobody is told of: each with its row of the audit trail.

What people and other parts are told of (money that waits, came, failed) brings its audit row
with the fact; everything on the way there is written here, so that a payout's whole way can be
followed in the chained trail.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.principal import SYSTEM, Principal
from app.kernel.transitions import move
from app.payouts.batch_models import BATCH, PayoutBatch
from app.payouts.models import PAYOUT, Payout

# Status → the audit's verb.
ON_THE_WAY: Mapping[str, str] = {
    "requested": "payout.put_back",
    "sending": "payout.send",
    "accepted": "payout.accept",
    "unknown": "payout.lose_track",
}
BATCH_ON_THE_WAY: Mapping[str, str] = {
    "prepared": "payout_batch.put_back",
    "submitting": "payout_batch.hand_in",
    "unknown": "payout_batch.lose_track",
}
_MOVE = text("""
with moved as (
    update payout set status = :there, next_poll_at = null,
                      sent_at = case when :there = 'sending' then now() else sent_at end
    where id = any(:ids) and status = :here
    returning id
), written as (
    insert into status_history (subject, subject_id, from_status, to_status, at, actor_kind,
                                actor_id, reason_code)
    select 'payout', id, :here, :there, :at, :kind, :actor, :reason from moved
)
select id from moved order by id
""")


async def move_payout(
    session: AsyncSession, payout: Payout, status: str, *, now: datetime, reason: str | None = None
) -> None:
    """Move a payout that the service itself sends or asks about; see `move`."""
    await move(session, PAYOUT, payout, status, actor=SYSTEM, at=now, reason_code=reason)
    await _record(session, "payout", ON_THE_WAY[status], [payout.id], SYSTEM, reason)


async def move_payouts(
    session: AsyncSession,
    ids: Sequence[UUID],
    here: str,
    there: str,
    actor: Principal,
    now: datetime,
    reason: str | None = None,
) -> None:
    """Move many payouts at once, each with its row of history; others are left alone.

    One row of the audit trail names all of them.
    """
    moved = await session.scalars(
        _MOVE,
        {
            "ids": list(ids),
            "here": here,
            "there": there,
            "at": now,
            "kind": actor.kind,
            "actor": actor.id,
            "reason": reason,
        },
    )
    if named := list(moved.all()):
        await _record(session, "payout", ON_THE_WAY[there], named, actor, reason)


async def move_batch(
    session: AsyncSession,
    batch: PayoutBatch,
    status: str,
    *,
    now: datetime,
    reason: str | None = None,
) -> None:
    """Move a batch that is being handed in; see `move`."""
    await move(session, BATCH, batch, status, actor=SYSTEM, at=now, reason_code=reason)
    await _record(session, "payout_batch", BATCH_ON_THE_WAY[status], [batch.id], SYSTEM, reason)


async def _record(
    session: AsyncSession,
    subject: str,
    action: str,
    ids: Sequence[UUID],
    actor: Principal,
    reason: str | None,
) -> None:
    details = {} if reason is None else {"reason": reason}
    await audit.record(session, actor, action, subject=subject, subject_ids=ids, details=details)
