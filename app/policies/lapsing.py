"""Lapses: cover that ended, whose grace days are over, and that nobody renewed."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import business_day
from app.kernel.database import raw_connection
from app.kernel.facts import Fact, state
from app.kernel.jobs import JobContext
from app.kernel.principal import SYSTEM
from app.policies.events import POLICY_LAPSED

SLICE = 500
# Grace days are at most a year; what ended before was told long ago, or by hand.
LOOKS_BACK = timedelta(days=400)

# $1 now, $2 looks back until, $3 and $4 the last row of the slice before, $5 today, $6 limit.
_CANDIDATES = """
select p.id, upper(p.period) as ended_at
from policy p
join plan_version v on v.id = p.plan_version_id
left join member m on m.person_id = p.person_id
left join organisation o on o.id = coalesce(p.organisation_id, m.organisation_id)
where p.status = 'in_force'
  and upper(p.period) <= $1 and (upper(p.period), p.id) > ($3, $4) and upper(p.period) > $2
  and upper(p.period) + make_interval(
      hours => 24 * coalesce((v.document -> 'renewal' ->> 'grace_days')::int, 0)) <= $1
  and not exists (select from policy f
                  where f.follows_id = p.id and f.status in ('pending', 'in_force'))
  and not exists (select from policy_lapse l
                  where l.policy_id = p.id and l.ended_at = upper(p.period))
  and not exists (
      select from moratorium r
      where r.withdrawn_at is null and $5::date between r.first_day and r.last_day
        and (r.organisation_id = any(o.lineage)
             or (o.id is null and r.organisation_id in (
                 select id from organisation where parent_id is null))))
order by upper(p.period), p.id
limit $6
"""
_LOCK = "select id from policy where id = any($1::uuid[]) order by id for update skip locked"
# Judged once more with the rows locked: a renewal may have been paid meanwhile.
_WRITE = """
insert into policy_lapse (policy_id, ended_at, lapsed_at)
select p.id, upper(p.period), $3
from unnest($1::uuid[], $2::timestamptz[]) as c(id, ended_at)
join policy p on p.id = c.id and p.status = 'in_force' and upper(p.period) = c.ended_at
where not exists (select from policy f
                  where f.follows_id = p.id and f.status in ('pending', 'in_force'))
on conflict do nothing
returning policy_id
"""
_TOLD = """
select id, number, person_id, plan_code, upper(period) as ended_at from policy
where id = any($1::uuid[]) order by id
"""


async def lapse_ended(context: JobContext, _payload: Mapping[str, Any]) -> None:
    """Tell of every lapse since the last look, a slice and a transaction at a time.

    Several workers may look at once: a lapse is one row, and told by whoever wrote it.
    """
    async with context.transaction() as session:
        now = await context.business_now(session)
    after: tuple[datetime, UUID] = (now - LOOKS_BACK, UUID(int=0))
    while True:
        async with context.transaction() as session:
            found = await lapse_slice(session, now, after)
        if len(found) < SLICE:
            return
        after = (found[-1]["ended_at"], found[-1]["id"])


async def lapse_slice(
    session: AsyncSession, now: datetime, after: tuple[datetime, UUID], limit: int = SLICE
) -> Sequence[asyncpg.Record]:
    """Record and tell the next lapses; returns what was looked at, so that the next follow."""
    connection = await raw_connection(session)
    found = await connection.fetch(
        _CANDIDATES, now, now - LOOKS_BACK, after[0], after[1], business_day(now), limit
    )
    rows: dict[UUID, datetime] = {row["id"]: row["ended_at"] for row in found}
    held = [row["id"] for row in await connection.fetch(_LOCK, list(rows))]
    ended = [rows[policy_id] for policy_id in held]
    written = await connection.fetch(_WRITE, held, ended, now)
    lapsed = [row["policy_id"] for row in written]
    if lapsed:
        told = [_fact(row) for row in await connection.fetch(_TOLD, lapsed)]
        await state(session, told, actor=SYSTEM, at=now)
    return list(found)


def _fact(row: asyncpg.Record) -> Fact:
    content = {
        "number": row["number"],
        "person_id": str(row["person_id"]),
        "plan_code": row["plan_code"],
        "ended_at": row["ended_at"].isoformat(),
    }
    return Fact("policy", row["id"], "policy.lapse", POLICY_LAPSED, content)
