"""Registering: opened, resumed on any device, abandoned. Typing proves nothing.

Whatever number is typed, the answer is the same: that somebody is known by it shows only
to whoever proves to be that person. The one typed match that counts is the second factor
after an attestation: name, number and the proven phone all equal what a caseworker
wrote down with the card in hand (domain.md, "an equal non-face route").
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.clock import business_day, day_start, system_now
from app.kernel.database import raw_connection
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.problems import NotFound
from app.kernel.transitions import move
from app.kernel.vault import Vault
from app.members import consents, queries, second_factor, statements
from app.members.codes import normal_code, refuse_if_gone, usable_code
from app.members.completion import document_of, forget, record_of
from app.members.documents import DocumentNumber
from app.members.entry import read_parts
from app.members.errors import (
    AlreadyRegistered,
    CodeUnknown,
    RegistrationChecking,
    RegistrationExists,
)
from app.members.models import IDENTITY_CHECK, REGISTRATION, Registration
from app.members.schemas import ConsentView, RegistrationBody, RegistrationView
from app.members.views import missing, opened_view, registration_view
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class _Entry:
    """One form as it was read, with the consents that are new in it."""

    name: str | None
    document: DocumentNumber | None
    given: dict[str, int]
    lacking: list[str]

    @property
    def status(self) -> str:
        return "draft" if self.lacking else "submitted"


async def open_registration(
    session: AsyncSession,
    vault: Vault,
    settings: Settings,
    caller: Principal,
    body: RegistrationBody,
    now: datetime,
) -> RegistrationView:
    """Start a registration with whatever is known so far.

    Raises RegistrationExists, AlreadyRegistered, ConsentOutdated (409), CodeUnknown (404),
    CodeGone (410), Unprocessable (422) with every faulty field. Two statements, because
    this is the path that a whole shift walks on the morning of a campaign.
    """
    name, document = read_parts(body.name, body.document, business_day(now))
    at = system_now()
    known = await _standing(session, vault, caller, body, document, name, now, at)
    consents.check_versions(body.consents, msgspec.json.decode(known["present"]))
    held = {each[0]: _held(*each) for each in msgspec.json.decode(known["held"])}
    given: dict[str, int] = {
        each.purpose: each.version
        for each in body.consents
        if each.purpose not in held or held[each.purpose].version != each.version
    }
    record = record_of(name, document)
    entry = _Entry(name, document, given, missing(record, set(held) | set(given)))
    registration_id = new_id()
    sealed = vault.seal("registration", registration_id, record)
    await _write(session, vault, caller, registration_id, sealed, entry, held, known, now)
    if not entry.lacking and known["own_person_id"] is not None:
        return await second_factor.attach(
            session, vault, settings, caller, registration_id, now, at
        )
    fresh = {
        p: ConsentView(purpose=p, version=v, given_at=now, given_via="self")
        for p, v in given.items()
    }
    return opened_view(
        registration_id=registration_id,
        status=entry.status,
        name=name,
        document=document,
        lacking=entry.lacking,
        consents=list((held | fresh).values()),
        organisation_id=known["organisation_id"],
        left=max(0, settings.identity_check_tries_per_day - known["tries"]),
        now=now,
    )


async def _write(
    session: AsyncSession,
    vault: Vault,
    caller: Principal,
    registration_id: UUID,
    sealed: bytes,
    entry: _Entry,
    held: dict[Any, ConsentView],
    known: dict[str, Any],
    now: datetime,
) -> None:
    connection = await raw_connection(session)
    document, given = entry.document, entry.given
    if any(purpose in held for purpose in given):
        await connection.execute(statements.REPLACE_CONSENTS, caller.id, list(given), now)
    path = [None, "draft", "submitted"] if entry.status == "submitted" else [None, "draft"]
    await connection.execute(
        statements.OPEN_REGISTRATION,
        registration_id,
        caller.id,
        entry.status,
        sealed,
        document.type if document else None,
        vault.blind_index("document", document.index_value) if document else None,
        known["code_id"],
        known["organisation_id"],
        now,
        path[:-1],
        path[1:],
        [new_id() for _ in given],
        list(given),
        list(given.values()),
        audit.request_id(),
    )


def _held(purpose: Any, version: int, given_at: str, given_via: Any) -> ConsentView:
    given = datetime.fromisoformat(given_at)
    return ConsentView(purpose=purpose, version=version, given_at=given, given_via=given_via)


async def _standing(
    session: AsyncSession,
    vault: Vault,
    caller: Principal,
    body: RegistrationBody,
    document: DocumentNumber | None,
    name: str | None,
    now: datetime,
    at: datetime,
) -> dict[str, Any]:
    """Account, code, consents and tries in one look; refuses what cannot go on."""
    code = normal_code(body.enrolment_code) if body.enrolment_code is not None else None
    claimed = document.index_value if document and name else None
    connection = await raw_connection(session)
    row = await connection.fetchrow(
        statements.STANDING,
        caller.id,
        code,
        now,
        day_start(business_day(at)),
        vault.blind_index_candidates("document", claimed) if claimed else [],
        vault.blind_index_candidates("name", name.casefold()) if name else [],
    )
    if row is None:
        raise NotFound
    if row["person_id"] is not None:
        raise AlreadyRegistered
    if row["live"]:
        raise RegistrationExists
    if code is not None:
        if row["code_id"] is None:
            raise CodeUnknown
        refuse_if_gone(row["expires_at"], row["revoked_at"], at)
    return dict(row)


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
    name, document = read_parts(body.name, body.document, business_day(now))
    at = system_now()
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
