"""A registration under way: resumed on any device, read, abandoned. Typing proves nothing.

Whatever number is typed, the answer is the same: that somebody is known by it shows only
to whoever proves to be that person. The one typed match that counts is the second factor
after an attestation: name, number and the proven phone all equal what a caseworker
wrote down with the card in hand (domain.md, "an equal non-face route").
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.clock import business_day, system_now
from app.kernel.principal import SYSTEM, Principal
from app.kernel.problems import NotFound
from app.kernel.transitions import move
from app.kernel.vault import Vault
from app.members import consents, queries, second_factor
from app.members.codes import usable_code
from app.members.completion import document_of, forget, record_of
from app.members.documents import DocumentNumber
from app.members.entry import read_parts
from app.members.errors import (
    RegistrationChecking,
)
from app.members.models import IDENTITY_CHECK, REGISTRATION, Registration
from app.members.schemas import RegistrationBody, RegistrationView
from app.members.views import missing, registration_view
from app.settings import Settings


async def resume_registration(
    session: AsyncSession,
    vault: Vault,
    settings: Settings,
    caller: Principal,
    body: RegistrationBody,
    now: datetime,
) -> RegistrationView:
    """Add to or correct a registration under way; raises NotFound (404) without one,
    RegistrationChecking (409) during an identity check, else as `open_registration`."""
    registration = await queries.live_registration(session, caller.id, lock=True)
    if registration is None:
        raise NotFound
    if registration.status == "checking":
        raise RegistrationChecking
    at = system_now()
    name, document = read_parts(body.name, body.document, business_day(at))
    await _amend(session, vault, registration, body, name, document, now, at)
    await consents.give(session, caller, body.consents, now)
    purposes = {c.purpose for c in await queries.consents_of(session, caller.id)}
    record = vault.open("registration", registration.id, registration.sealed)
    lacking = missing(record, purposes)
    if not lacking and registration.status == "draft":
        await move(session, REGISTRATION, registration, "submitted", actor=caller, at=now)
    await audit.record(
        session,
        caller,
        "registration.amend",
        subject="registration",
        subject_ids=[registration.id],
    )
    if not lacking and await second_factor.attested_before(session, vault, registration, caller):
        return await second_factor.attach(
            session, vault, settings, caller, registration.id, now, at
        )
    return await registration_view(session, vault, settings, registration, at)


async def _amend(
    session: AsyncSession,
    vault: Vault,
    registration: Registration,
    body: RegistrationBody,
    name: str | None,
    document: DocumentNumber | None,
    now: datetime,
    at: datetime,
) -> None:
    record = vault.open("registration", registration.id, registration.sealed)
    kept = document_of(registration.document_type, record)
    document = document or kept
    record = record_of(name or record.get("name"), document)
    registration.sealed = vault.seal("registration", registration.id, record)
    if document is not None:
        registration.document_type = document.type
        registration.document_index = vault.blind_index("document", document.index_value)
    if body.enrolment_code is not None:
        code = await usable_code(session, body.enrolment_code, at)
        registration.enrolment_code_id = code.id
        registration.organisation_id = code.organisation_id
    registration.updated_at = now
    await session.flush()


async def read_registration(
    session: AsyncSession, vault: Vault, settings: Settings, caller: Principal, at: datetime
) -> RegistrationView:
    """The caller's registration, under way or completed; NotFound (404) without one."""
    registration = await queries.latest_registration(session, caller.id)
    if registration is None:
        raise NotFound
    await audit.record(
        session,
        caller,
        "registration.read",
        subject="registration",
        subject_ids=[registration.id],
    )
    return await registration_view(session, vault, settings, registration, at)


async def abandon_registration(
    session: AsyncSession, vault: Vault, caller: Principal, now: datetime, at: datetime
) -> None:
    """Give up and forget what was entered; a running check ends. NotFound (404) without one."""
    registration = await queries.live_registration(session, caller.id, lock=True)
    if registration is None:
        raise NotFound
    check = await queries.live_check(session, registration.id)
    if check is not None:
        check.reason_code, check.answered_at = "abandoned", at
        await move(
            session, IDENTITY_CHECK, check, "expired", actor=caller, at=at, reason_code="abandoned"
        )
    forget(vault, registration)
    registration.updated_at = now
    await move(session, REGISTRATION, registration, "abandoned", actor=caller, at=now)
    await audit.record(
        session,
        caller,
        "registration.abandon",
        subject="registration",
        subject_ids=[registration.id],
    )


async def abandon_stale(
    session: AsyncSession, vault: Vault, untouched_since: datetime, now: datetime, limit: int
) -> int:
    """Abandon registrations nobody came back to; returns how many. Their entries are forgotten.

    One in an identity check is left alone: the check ends within minutes.
    """
    rows = await queries.stale_registrations(session, untouched_since, limit)
    for registration in rows:
        forget(vault, registration)
        registration.updated_at = now
        await move(
            session,
            REGISTRATION,
            registration,
            "abandoned",
            actor=SYSTEM,
            at=now,
            on_behalf_of=registration.account_id,
            reason_code="stale",
        )
    if rows:
        await audit.record(
            session,
            SYSTEM,
            "registration.abandon",
            subject="registration",
            subject_ids=[registration.id for registration in rows],
            details={"reason": "stale"},
        )
    return len(rows)
