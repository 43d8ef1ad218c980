"""The moment a registration becomes a person and a member, whatever proved it."""

from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import or_, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.member_accounts import attach_person, contact_of
from app.kernel import audit
from app.kernel.event_log import publish
from app.kernel.principal import Principal
from app.kernel.transitions import move
from app.kernel.vault import Vault
from app.members.consent_models import Consent
from app.members.documents import DocumentNumber
from app.members.events import IDENTITY_PASSED
from app.members.matching import Identity, Joining, ensure_member, prove_person
from app.members.models import REGISTRATION, EnrolmentCode, Member, Registration


def record_of(identity_name: str | None, document: DocumentNumber | None) -> dict[str, Any]:
    """What a registration seals of a name and a document."""
    return {
        "name": identity_name,
        "document_number": document.number if document else None,
        "issuing_country": document.issuing_country if document else None,
        "birth_on": document.birth_on.isoformat() if document else None,
        "sex": document.sex if document else None,
        "warnings": list(document.warnings) if document else [],
    }


def document_of(document_type: str | None, record: dict[str, Any]) -> DocumentNumber | None:
    """The document that a registration sealed."""
    if document_type is None or not record.get("document_number"):
        return None
    return DocumentNumber(
        document_type,  # type: ignore[arg-type]
        record["document_number"],
        date.fromisoformat(record["birth_on"]),
        record["sex"],
        record.get("issuing_country"),
        tuple(record.get("warnings", ())),
    )


def claimed_identity(vault: Vault, registration: Registration) -> Identity:
    """Name and document that a registration claims; it must be past its draft."""
    record = vault.open("registration", registration.id, registration.sealed)
    document = document_of(registration.document_type, record)
    if document is None or not record.get("name"):
        raise ValueError("the registration is still a draft")
    return Identity(record["name"], document, record.get("phone"))


async def complete(
    session: AsyncSession,
    vault: Vault,
    registration: Registration,
    *,
    verified_by: Literal["vendor", "attestation"],
    route: str,
    actor: Principal,
    now: datetime,
) -> Member:
    """Make or attach person and member, in the transaction that records the proof.

    The registration is locked by the caller. What it sealed is forgotten: from here on
    the person keeps it. Raises NameDiffers (409) for an attestation under another name.
    """
    identity = await _with_proven_phone(session, vault, registration)
    person = await prove_person(
        session, vault, identity, verified_by=verified_by, actor=actor, now=now
    )
    joining = await _joining(session, registration, actor)
    member = await ensure_member(session, person.id, joining, actor=actor, now=now)
    registration.person_id = person.id
    forget(vault, registration)
    registration.updated_at = now
    await move(
        session,
        REGISTRATION,
        registration,
        "completed",
        actor=actor,
        at=now,
        on_behalf_of=registration.account_id,
        reason_code=route,
    )
    if registration.account_id is not None:
        await attach_person(session, registration.account_id, person.id)
    await _hand_over_consents(session, registration)
    await _tell(session, registration, member, route, actor, now)
    return member


async def _with_proven_phone(
    session: AsyncSession, vault: Vault, registration: Registration
) -> Identity:
    identity = claimed_identity(vault, registration)
    if registration.account_id is None:
        return identity
    phone, _ = await contact_of(session, vault, registration.account_id)
    return Identity(identity.name, identity.document, phone)


def forget(vault: Vault, registration: Registration) -> None:
    """Drop what was entered: nobody needs a second copy of it."""
    registration.sealed = vault.seal("registration", registration.id, {})
    registration.document_index = None


async def _joining(session: AsyncSession, registration: Registration, actor: Principal) -> Joining:
    code = None
    if registration.enrolment_code_id is not None:
        code = await session.get(EnrolmentCode, registration.enrolment_code_id)
    by_hand = actor.id if actor.kind == "staff" else None
    return Joining(
        channel="on_site" if registration.channel == "on_site" else "self",
        organisation_id=registration.organisation_id,
        enrolled_by=by_hand or (code.caseworker_id if code else None),
        enrolment_code_id=registration.enrolment_code_id,
    )


async def _hand_over_consents(session: AsyncSession, registration: Registration) -> None:
    owners = [Consent.registration_id == registration.id]
    if registration.account_id is not None:
        owners.append(Consent.account_id == registration.account_id)
    await session.execute(
        update(Consent).where(or_(*owners)).values(person_id=registration.person_id)
    )


async def _tell(
    session: AsyncSession,
    registration: Registration,
    member: Member,
    route: str,
    actor: Principal,
    now: datetime,
) -> None:
    await publish(
        session,
        IDENTITY_PASSED,
        subject="person",
        subject_id=member.person_id,
        actor=actor,
        at=now,
        on_behalf_of=registration.account_id,
        content={
            "registration_id": str(registration.id),
            "member_id": str(member.id),
            "route": route,
        },
    )
    await audit.record(
        session,
        actor,
        "registration.complete",
        subject="registration",
        subject_ids=[registration.id, member.person_id, member.id],
        on_behalf_of=registration.account_id,
        details={"route": route},
    )
