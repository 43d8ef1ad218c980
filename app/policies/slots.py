"""Share slots: the places that orders and policies hold, so that no limit is ever passed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.database import raw_connection
from app.kernel.ids import new_id
from app.policies.errors import SharesOverLimit

# A place is free in a period when no live row of it overlaps.
_FREE = """
select slot from generate_series(1, $3::int) as slot
where not exists (
    select from share_slot s where s.person_id = $1 and s.plan_code = $2 and s.slot = slot.slot
    and s.period && tstzrange($4, $5) and s.released_at is null)
"""
_AVAILABLE = f"select count(*) from ({_FREE}) free"  # noqa: S608  constants only
_RESERVE = f"""
with free as ({_FREE} order by slot limit cardinality($6::uuid[]))
insert into share_slot (id, person_id, plan_code, slot, period, order_id, policy_id)
select ($6::uuid[])[row_number() over (order by slot)], $1, $2, slot, tstzrange($4, $5), $7, $8
from free
"""  # noqa: S608


# Two transactions that take places of one person would each wait for the other in the
# exclusion constraint: who takes places takes this lock first, in a statement of its own,
# so that the next one sees what the former holder did.
SHARES_LOCK = "pg_advisory_xact_lock(hashtextextended($1::text, 1))"


async def lock_shares(session: AsyncSession, person_id: UUID) -> None:
    """Make everybody else who takes this person's places wait until we are done."""
    connection = await raw_connection(session)
    await connection.execute(f"select {SHARES_LOCK}", str(person_id))


async def available_shares(
    session: AsyncSession,
    person_id: UUID,
    plan_code: str,
    max_shares: int,
    period: Range[datetime],
) -> int:
    """How many of the plan's shares nobody holds for this person in the whole period."""
    connection = await raw_connection(session)
    count = await connection.fetchval(
        _AVAILABLE, person_id, plan_code, max_shares, period.lower, period.upper
    )
    return int(count)


async def reserve_shares(
    session: AsyncSession,
    *,
    person_id: UUID,
    plan_code: str,
    shares: int,
    max_shares: int,
    period: Range[datetime],
    order_id: UUID | None = None,
    policy_id: UUID | None = None,
) -> None:
    """Take `shares` free places for an order or a policy, waiting for whoever is before us.

    Raises SharesOverLimit (409) when fewer are free; whoever loses a race meets the
    exclusion constraint, which is the same 409.
    """
    await lock_shares(session, person_id)
    connection = await raw_connection(session)
    tag: str = await connection.execute(
        _RESERVE,
        person_id,
        plan_code,
        max_shares,
        period.lower,
        period.upper,
        [new_id() for _ in range(shares)],
        order_id,
        policy_id,
    )
    if int(tag.rpartition(" ")[2]) != shares:
        raise SharesOverLimit


async def release_order_shares(session: AsyncSession, order_id: UUID, now: datetime) -> None:
    """Give back the places of an order that will not be paid."""
    connection = await raw_connection(session)
    await connection.execute(
        "update share_slot set released_at = $2"
        " where order_id = $1 and policy_id is null and released_at is null",
        order_id,
        now,
    )


async def release_shares(session: AsyncSession, policy_id: UUID, now: datetime) -> None:
    """Give back every place of a policy, for example when it is cancelled before its start."""
    connection = await raw_connection(session)
    await connection.execute(
        "update share_slot set released_at = $2 where policy_id = $1 and released_at is null",
        policy_id,
        now,
    )
