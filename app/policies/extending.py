"""What a moratorium does: cover that would end inside it lasts to the end of its last day."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import business_day, day_start
from app.kernel.database import raw_connection
from app.kernel.jobs import JobContext
from app.kernel.principal import SYSTEM
from app.policies.change_models import Moratorium
from app.policies.events import POLICY_EXTENDED
from app.policies.recording import Change, locked_policy, record_change

log = structlog.get_logger("policies")

SLICE = 500
# A worker that stood still for days extends what it missed, without a gap.
CATCHES_UP = timedelta(days=31)

# Cover managed in the subtree of $1: by the policy's organisation, else by the member's,
# else by the municipal office. $2 and $3 are the ends in question, $4 and $5 the last row of
# the slice before, $6 the limit, $7 a single policy or null.
_ENDING = """
select p.id, upper(p.period) as ends_at
from policy p
left join member m on m.person_id = p.person_id
left join organisation o on o.id = coalesce(p.organisation_id, m.organisation_id)
where p.status = 'in_force'
  and upper(p.period) > $2 and upper(p.period) < $3 and (upper(p.period), p.id) > ($4, $5)
  and ($1 = any(o.lineage)
       or (o.id is null and $1 in (select id from organisation where parent_id is null)))
  and not exists (select from policy f
                  where f.follows_id = p.id and f.status in ('pending', 'in_force'))
  and ($7::uuid is null or p.id = $7)
order by upper(p.period), p.id
limit $6
"""
_LENGTHEN = """
update share_slot set period = tstzrange(lower(period), $2)
where policy_id = $1 and released_at is null
"""


def bounds(moratorium: Moratorium) -> tuple[datetime, datetime]:
    """Ends after the first of these instants and before the second are inside.

    What ends at 00:00 of the first day has ended the day before; what ends with the last
    day lasts as long as the moratorium already.
    """
    return (
        day_start(moratorium.first_day),
        day_start(moratorium.last_day + timedelta(days=1)),
    )


async def extend_ending(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Extend what ends inside one moratorium, or inside any of them when the timer asks.

    Safe to repeat and in parallel: each policy is locked and judged anew. A policy whose
    next days are held by an order that is not paid yet is left for the next look.
    """
    for moratorium_id in await _active(context, payload):
        async with context.transaction() as session:
            moratorium = await session.get_one(Moratorium, moratorium_id)
            after = (bounds(moratorium)[0], UUID(int=0))
        while True:
            async with context.transaction() as session:
                found = await _ending(session, moratorium, after)
            for row in found:
                await _extend_quietly(context, moratorium_id, row["id"])
                after = (row["ends_at"], row["id"])
            if len(found) < SLICE:
                break


async def _active(context: JobContext, payload: Mapping[str, Any]) -> Sequence[UUID]:
    if "moratorium_id" in payload:
        return [UUID(payload["moratorium_id"])]
    async with context.transaction() as session:
        today = business_day(await context.business_now(session))
        return (
            await session.scalars(
                select(Moratorium.id)
                .where(
                    Moratorium.withdrawn_at.is_(None),
                    Moratorium.last_day >= today - CATCHES_UP,
                )
                .order_by(Moratorium.id)
            )
        ).all()


async def _ending(
    session: AsyncSession,
    moratorium: Moratorium,
    after: tuple[datetime, UUID],
    *,
    only: UUID | None = None,
) -> list[asyncpg.Record]:
    connection = await raw_connection(session)
    first, last = bounds(moratorium)
    return list(
        await connection.fetch(
            _ENDING, moratorium.organisation_id, first, last, *after, SLICE, only
        )
    )


async def _extend_quietly(context: JobContext, moratorium_id: UUID, policy_id: UUID) -> None:
    try:
        async with context.transaction() as session:
            now = await context.business_now(session)
            await extend(session, moratorium_id, policy_id, now)
    except asyncpg.ExclusionViolationError:
        log.info("policy not extended: its next days are held by an order", policy=str(policy_id))


async def extend(
    session: AsyncSession, moratorium_id: UUID, policy_id: UUID, now: datetime
) -> bool:
    """Extend one policy if it still ends inside the moratorium and nobody has renewed it."""
    policy = await locked_policy(session, policy_id)
    moratorium = await session.get_one(Moratorium, moratorium_id, populate_existing=True)
    after = (bounds(moratorium)[0], UUID(int=0))
    if moratorium.withdrawn_at is not None or not await _ending(
        session, moratorium, after, only=policy.id
    ):
        return False
    was, ends_at = policy.ends_at, bounds(moratorium)[1]
    policy.period = Range(policy.starts_at, ends_at, bounds="[)")
    await session.flush()
    connection = await raw_connection(session)
    await connection.execute(_LENGTHEN, policy.id, ends_at)
    await record_change(
        session,
        policy,
        Change("extend", "moratorium", "policy.extend", POLICY_EXTENDED),
        effective_at=was,
        actor=SYSTEM,
        now=now,
        content={"moratorium_id": str(moratorium.id), "ends_at": ends_at.isoformat()},
    )
    return True
