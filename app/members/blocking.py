"""A member whose death was confirmed: the data is blocked for all but claims and retention."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.member_accounts import accounts_of, block_account, unblock_account
from app.kernel import audit
from app.kernel.principal import Principal
from app.members.errors import MemberBlocked
from app.members.models import Person


async def block(session: AsyncSession, person_id: UUID, *, actor: Principal, now: datetime) -> None:
    """Block a person and every login of theirs; raises MemberBlocked (409) if they are."""
    person = await session.get_one(Person, person_id, with_for_update=True, populate_existing=True)
    refuse_blocked(person)
    person.blocked_at = now
    for account in await accounts_of(session, person_id):
        if account.status == "active":
            await block_account(session, account.id, actor)
    await session.flush()
    await audit.record(session, actor, "person.block", subject="person", subject_ids=[person_id])


async def unblock(session: AsyncSession, person_id: UUID, *, actor: Principal) -> None:
    """The report was a mistake: the person and their logins are free again."""
    person = await session.get_one(Person, person_id, with_for_update=True, populate_existing=True)
    person.blocked_at = None
    for account in await accounts_of(session, person_id):
        if account.status == "blocked":
            await unblock_account(session, account.id, actor)
    await session.flush()
    await audit.record(session, actor, "person.unblock", subject="person", subject_ids=[person_id])


def refuse_blocked(person: Person) -> None:
    """Raise MemberBlocked (409) for a person whose death was confirmed."""
    if person.blocked_at is not None:
        raise MemberBlocked(person.blocked_at)


async def blocked_since(session: AsyncSession, person_id: UUID) -> datetime | None:
    """Since when a person is blocked; None for everybody else."""
    return await session.scalar(select(Person.blocked_at).where(Person.id == person_id))
