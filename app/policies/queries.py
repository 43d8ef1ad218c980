"""Every look at policies; a member's begin at the login account, so that scope cannot slip."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.models import MemberAccount
from app.kernel.clock import system_now
from app.members.models import Person
from app.policies.models import Policy, PolicyTransaction

# Rows in the order that `cover.plan_covers` folds: policies' transactions, then the
# places that unpaid orders hold now. `bound_at` is when a renewal was paid.
_COVER = """
select p.plan_code, p.id as holder_id, p.id as policy_id, p.number, p.plan_version_id,
       t.status, t.shares, lower(t.period) as starts_at, upper(t.period) as ends_at,
       t.effective_at, t.recorded_at, t.id as position, t.counted_from, p.option_code,
       p.term_number, p.follows_id,
       case when p.follows_id is not null then coalesce(
           (select o.paid_at from contribution_order o where o.id = p.order_id), p.issued_at)
       end as bound_at, t.kind, t.option_code as raised_to,
       (select offset_seconds from business_clock) as clock_offset
from {source} p on p.person_id = {person} join policy_transaction t on t.policy_id = p.id
{known}
union all
select s.plan_code, s.order_id, null, null, null, 'open', 1, lower(s.period), upper(s.period),
       lower(s.period), null, s.id, null, null, null, null, null, null, null,
       (select offset_seconds from business_clock)
from {slots} s on s.person_id = {person}
where s.policy_id is null and s.released_at is null {ordered}
order by 1, 2, 11, 12
"""
# $1 person, $2 known at (system clock) or null.
COVER_OF_PERSON = _COVER.format(
    source="(select $1::uuid as person_id) a join policy",
    slots="(select $1::uuid as person_id) a join share_slot",
    person="a.person_id",
    known="where $2::timestamptz is null or t.recorded_at <= $2",
    ordered="and $2::timestamptz is null",
)
# $1 account.
COVER_OF_ACCOUNT = _COVER.format(
    source="member_account a join policy",
    slots="member_account a join share_slot",
    person="a.person_id and a.id = $1",
    known="",
    ordered="",
)

# $1 account, $2 limit; $3 the last id of the previous page.
_PAGE = """
select p.id, p.number, p.plan_code, v.number as version, p.shares, p.status, p.channel,
       lower(p.period) as starts_at, upper(p.period) as ends_at, p.order_id, p.issued_at,
       n.name_zh, n.name_en, (select offset_seconds from business_clock) as clock_offset
from member_account a
join policy p on p.person_id = a.person_id
join plan_version v on v.id = p.plan_version_id
join plan n on n.code = p.plan_code
where a.id = $1 {after}
order by p.id desc limit $2
"""
FIRST_PAGE = _PAGE.format(after="")
NEXT_PAGE = _PAGE.format(after="and p.id < $3")


async def policy_of_account(
    session: AsyncSession, account_id: UUID, policy_id: UUID
) -> Policy | None:
    """A policy of the person who logs in with this account."""
    return await session.scalar(
        select(Policy)
        .join(MemberAccount, MemberAccount.person_id == Policy.person_id)
        .where(MemberAccount.id == account_id, Policy.id == policy_id)
    )


async def policy_by_number(session: AsyncSession, number: str) -> Policy | None:
    return await session.scalar(select(Policy).where(Policy.number == number))


async def policy_by_id(session: AsyncSession, policy_id: UUID) -> Policy | None:
    return await session.get(Policy, policy_id)


async def transactions(session: AsyncSession, policy_id: UUID) -> list[PolicyTransaction]:
    """A policy's life in the order in which it was recorded."""
    rows = await session.scalars(
        select(PolicyTransaction)
        .where(PolicyTransaction.policy_id == policy_id)
        .order_by(PolicyTransaction.recorded_at, PolicyTransaction.id)
    )
    return list(rows.all())


async def person_of_fact(session: AsyncSession, person_id: UUID) -> Person | None:
    """The person that a fact is about."""
    return await session.get(Person, person_id)


def clock_in(rows: Sequence[Mapping[str, Any]]) -> datetime:
    """The business clock as a hot read brought it along; without rows nothing depends on it."""
    return system_now() + timedelta(seconds=rows[0]["clock_offset"] if rows else 0)
