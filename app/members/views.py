"""What members and staff are shown: masked, with words beside every code."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import business_day, day_start
from app.kernel.vault import Vault
from app.members import queries
from app.members.completion import document_of
from app.members.consent_models import REQUIRED_TO_REGISTER
from app.members.consents import consent_view
from app.members.documents import WARNINGS, DocumentNumber, mask_number
from app.members.errors import CHECK_REASONS
from app.members.models import IdentityCheck, Member, Person, Registration
from app.members.names import mask_name
from app.members.schemas import (
    ConsentView,
    DocumentView,
    IdentityCheckView,
    MemberShort,
    RegistrationView,
    Words,
)
from app.settings import Settings


def missing(record: dict[str, Any], purposes: set[str]) -> list[str]:
    """What a registration still lacks, as words a form can act on."""
    lacking = [
        field
        for field, key in (("name", "name"), ("document", "document_number"))
        if not record.get(key)
    ]
    return lacking + [f"consent:{p}" for p in REQUIRED_TO_REGISTER if p not in purposes]


def document_view(document: DocumentNumber) -> DocumentView:
    return DocumentView(
        type=document.type,
        number_masked=mask_number(document.number),
        birth_on=document.birth_on,
        sex=document.sex,
        warnings=[
            Words(code=code, zh=WARNINGS[code].zh, en=WARNINGS[code].en)
            for code in document.warnings
        ],
    )


def person_document(vault: Vault, person: Person) -> tuple[str, DocumentView, str | None]:
    """Name in plain, document masked, phone in plain, of a person."""
    record = vault.open("person", person.id, person.sealed)
    view = DocumentView(
        type=person.document_type,
        number_masked=mask_number(record.get("document_number", "")),
        birth_on=person.birth_on,
        sex=person.sex,
    )
    return record.get("name", ""), view, record.get("phone")


def member_short(member: Member) -> MemberShort:
    return MemberShort(id=member.id, number=member.number)


def reason_words(code: str | None) -> Words | None:
    """The plain words of a check's reason; a vendor's unknown code reads as a mismatch."""
    if code is None:
        return None
    words = CHECK_REASONS.get(code, CHECK_REASONS["mismatch"])
    return Words(code=code, zh=words.zh, en=words.en)


def check_view(vault: Vault, check: IdentityCheck, tries_left: int) -> IdentityCheckView:
    launch = None
    if check.sealed_launch is not None and check.status == "requested":
        launch = vault.open("identity_check", check.id, check.sealed_launch)
    return IdentityCheckView(
        id=check.id,
        route=check.route,
        status=check.status,
        reason=reason_words(check.reason_code),
        launch=launch,
        requested_at=check.requested_at,
        deadline_at=check.deadline_at,
        answered_at=check.answered_at,
        tries_left=tries_left,
    )


async def tries_left(
    session: AsyncSession, settings: Settings, registration: Registration, at: datetime
) -> int:
    """Face checks that may still be started on the day of `at` (system clock)."""
    if registration.account_id is None:
        return 0
    used = await queries.tries_since(session, registration.account_id, day_start(business_day(at)))
    return max(0, settings.identity_check_tries_per_day - used)


async def registration_view(
    session: AsyncSession,
    vault: Vault,
    settings: Settings,
    registration: Registration,
    at: datetime,
) -> RegistrationView:
    """Everything its owner may see of a registration; `at` is the system clock."""
    name, document = await _claimed_or_proven(session, vault, registration)
    consents = (
        await queries.consents_of(session, registration.account_id)
        if registration.account_id
        else []
    )
    record = {"name": name, "document_number": document}
    check = await queries.latest_check(session, registration.id)
    left = await tries_left(session, settings, registration, at)
    member = (
        await queries.member_of_person(session, registration.person_id)
        if registration.person_id
        else None
    )
    return RegistrationView(
        id=registration.id,
        status=registration.status,
        name_masked=mask_name(name) if name else None,
        document=document,
        missing=missing(record, {c.purpose for c in consents}) if member is None else [],
        consents=[consent_view(c) for c in consents],
        organisation_id=registration.organisation_id,
        check=check_view(vault, check, left) if check else None,
        tries_left=left,
        member=member_short(member) if member else None,
        created_at=registration.created_at,
        updated_at=registration.updated_at,
    )


async def _claimed_or_proven(
    session: AsyncSession, vault: Vault, registration: Registration
) -> tuple[str | None, DocumentView | None]:
    if registration.person_id is not None:
        person = await session.get_one(Person, registration.person_id)
        name, view, _ = person_document(vault, person)
        return name, view
    record = vault.open("registration", registration.id, registration.sealed)
    document = document_of(registration.document_type, record)
    return record.get("name"), document_view(document) if document else None


def opened_view(
    *,
    registration_id: Any,
    status: str,
    name: str | None,
    document: DocumentNumber | None,
    lacking: list[str],
    consents: list[ConsentView],
    organisation_id: Any,
    left: int,
    now: datetime,
) -> RegistrationView:
    """The answer to a registration that was just written, without reading it again."""
    return RegistrationView(
        id=registration_id,
        status=status,
        name_masked=mask_name(name) if name else None,
        document=document_view(document) if document else None,
        missing=lacking,
        consents=consents,
        organisation_id=organisation_id,
        tries_left=left,
        created_at=now,
        updated_at=now,
    )
