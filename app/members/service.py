"""Who is behind a login account, for every feature that needs a proven person."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.models import MemberAccount
from app.kernel.vault import Vault
from app.members.errors import IdentityRequired
from app.members.models import Member, Person


async def person_of(session: AsyncSession, account_id: UUID) -> Person:
    """The proven person who logs in with this account; raises IdentityRequired (409)."""
    person = await session.scalar(
        select(Person)
        .join(MemberAccount, MemberAccount.person_id == Person.id)
        .where(MemberAccount.id == account_id, Person.verified_at.is_not(None))
    )
    if person is None:
        raise IdentityRequired
    return person


async def member_of(session: AsyncSession, person_id: UUID) -> Member | None:
    """The membership of a person, with its number and managing organisation."""
    return await session.scalar(select(Member).where(Member.person_id == person_id))


def name_of(vault: Vault, person: Person) -> str:
    """The person's name in plain; whoever shows it records the reading."""
    return str(vault.open("person", person.id, person.sealed).get("name", ""))
