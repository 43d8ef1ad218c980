"""Serving anywhere in the city: an expiring, reasoned, audited right on one person."""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.clock import business_day
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.problems import FieldError, NotFound, Unprocessable
from app.kernel.text import Text
from app.kernel.vault import Vault
from app.members import queries
from app.members.blocking import refuse_blocked
from app.members.consent_models import ServeCode, ServeGrant
from app.members.entry import read_document
from app.members.matching import verified_person
from app.members.models import Member, Person
from app.members.phones import mask_phone
from app.members.schemas import (
    ServeCodeView,
    ServeGrantBody,
    ServeGrantView,
    StaffMemberView,
)
from app.members.service import person_of
from app.members.views import member_short, person_document
from app.settings import Settings

CODE_LASTS = timedelta(minutes=10)
ONE_OF_TWO = Text("请填写证件或一次性码，二者选一", "Give either a document or a code.")


async def make_serve_code(
    session: AsyncSession, vault: Vault, caller: Principal, at: datetime
) -> ServeCodeView:
    """A one-time code for a proven member to read out; raises IdentityRequired (409)."""
    person = await person_of(session, caller.id)
    code = f"{secrets.randbelow(10**8):08d}"
    row = ServeCode(
        code_hash=vault.mac("serve-code", code.encode()),
        person_id=person.id,
        expires_at=at + CODE_LASTS,
    )
    await session.merge(row)
    await audit.record(
        session, caller, "serve_code.make", subject="person", subject_ids=[person.id]
    )
    return ServeCodeView(code=code, expires_at=row.expires_at)


async def grant(
    session: AsyncSession,
    vault: Vault,
    settings: Settings,
    caller: Principal,
    body: ServeGrantBody,
    now: datetime,
    at: datetime,
) -> ServeGrantView:
    """Let the caller serve one member for a while; NotFound (404) when no proven one is found.

    A dead member is found for a claim alone: MemberBlocked (409).
    """
    if (body.document is None) == (body.code is None):
        raise Unprocessable(errors=[FieldError("/document", "one-of-two", ONE_OF_TWO)])
    person_id = await _find(session, vault, body, now, at)
    member = await queries.member_of_person(session, person_id) if person_id else None
    if member is None:
        raise NotFound
    if body.reason != "claim":
        refuse_blocked(await session.get_one(Person, member.person_id))
    row = ServeGrant(
        id=new_id(),
        staff_id=caller.id,
        person_id=member.person_id,
        reason=body.reason,
        found_by="document" if body.document else "code",
        granted_at=at,
        expires_at=at + timedelta(minutes=settings.serve_grant_minutes),
    )
    session.add(row)
    await session.flush()
    await audit.record(
        session,
        caller,
        "serve_grant.give",
        subject="person",
        subject_ids=[member.person_id, row.id],
        details={"reason": body.reason, "found_by": row.found_by},
    )
    return ServeGrantView(
        id=row.id, member=member_short(member), reason=row.reason, expires_at=row.expires_at
    )


async def _find(
    session: AsyncSession, vault: Vault, body: ServeGrantBody, now: datetime, at: datetime
) -> UUID | None:
    if body.document is not None:
        document = read_document(body.document, business_day(now))
        if isinstance(document, FieldError):
            raise Unprocessable(errors=[document])
        person = await verified_person(session, vault, document.index_value)
        return person.id if person else None
    code_hash = vault.mac("serve-code", str(body.code).encode())
    code = await session.scalar(
        select(ServeCode).where(ServeCode.code_hash == code_hash).with_for_update()
    )
    if code is None or code.used_at is not None or code.expires_at <= at:
        return None
    code.used_at = at
    await session.flush()
    return code.person_id


async def may_serve(
    session: AsyncSession, caller: Principal, person_id: UUID, at: datetime
) -> bool:
    """Whether a staff account manages this person's membership or may serve them now.

    Raises MemberBlocked (409) where it could, had the person not died.
    """
    found = (
        await session.execute(
            queries.reachable_members(caller, at).where(Member.person_id == person_id)
        )
    ).first()
    if found is not None:
        refuse_blocked(found[1])
    return found is not None


async def read_member(
    session: AsyncSession, vault: Vault, caller: Principal, member_id: UUID, at: datetime
) -> StaffMemberView:
    """A member whom the caller manages or serves; the look is recorded.

    Raises NotFound (404), MemberBlocked (409).
    """
    found = (
        await session.execute(queries.reachable_members(caller, at).where(Member.id == member_id))
    ).one_or_none()
    if found is None:
        raise NotFound
    member, person = found
    refuse_blocked(person)
    name, document, phone = person_document(vault, person)
    await audit.record(
        session,
        caller,
        "member.read",
        subject="member",
        subject_ids=[member.id, person.id],
    )
    return StaffMemberView(
        id=member.id,
        number=member.number,
        person_id=person.id,
        name=name,
        document=document,
        phone_masked=mask_phone(phone) if phone else None,
        organisation_id=member.organisation_id,
        channel=member.channel,
        joined_at=member.joined_at,
        verified_at=person.verified_at,
        verified_by=person.verified_by,
    )
