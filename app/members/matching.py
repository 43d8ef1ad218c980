"""Which person a document belongs to: found, claimed by a roster, or proven.

Invariant 10 of reliability.md: one verified document, one person. Two transactions that
prove the same document queue on an advisory lock; the unique index is the last word.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.event_log import publish
from app.kernel.ids import new_id, new_number
from app.kernel.principal import Principal
from app.kernel.vault import Vault
from app.members.documents import DocumentNumber
from app.members.errors import MemberBlocked, NameDiffers
from app.members.events import MEMBER_JOINED
from app.members.models import Member, Person


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is, or says to be; the name is in its one spelling, the phone E.164."""

    name: str = field(repr=False)
    document: DocumentNumber
    phone: str | None = field(default=None, repr=False)

    @property
    def name_value(self) -> str:
        """What the blind index `name` is made of."""
        return self.name.casefold()


@dataclass(frozen=True, slots=True)
class Joining:
    """How somebody became a member: through which door, code and hands."""

    channel: Literal["self", "on_site", "roster"]
    organisation_id: UUID | None = None
    enrolled_by: UUID | None = None
    enrolment_code_id: UUID | None = None


_LOCK = text("select pg_advisory_xact_lock(:key)")


async def lock_documents(session: AsyncSession, vault: Vault, values: Iterable[str]) -> None:
    """Hold these documents until the transaction ends; `values` are `index_value`s.

    Taken in one order, so that two batches cannot wait for each other.
    """
    keys = {
        int.from_bytes(vault.mac("document-lock", value.encode(), 8), "big", signed=True)
        for value in values
    }
    for key in sorted(keys):
        await session.execute(_LOCK, {"key": key})


async def verified_person(session: AsyncSession, vault: Vault, value: str) -> Person | None:
    """The person whose document, given by its `index_value`, was proven."""
    return await session.scalar(
        select(Person).where(
            Person.document_index.in_(vault.blind_index_candidates("document", value)),
            Person.verified_at.is_not(None),
            Person.merged_into_id.is_(None),
        )
    )


async def claimed_person(session: AsyncSession, vault: Vault, identity: Identity) -> Person | None:
    """The unproven person that a roster made with this very name and document."""
    value = identity.document.index_value
    return await session.scalar(
        select(Person).where(
            Person.document_index.in_(vault.blind_index_candidates("document", value)),
            Person.name_index.in_(vault.blind_index_candidates("name", identity.name_value)),
            Person.verified_at.is_(None),
            Person.merged_into_id.is_(None),
        )
    )


def _same_name(vault: Vault, person: Person, identity: Identity) -> bool:
    return person.name_index in vault.blind_index_candidates("name", identity.name_value)


def new_person(vault: Vault, identity: Identity, *, now: datetime) -> Person:
    """A person nobody has proven to be yet, not added to any session."""
    return Person(**person_row(vault, new_id(), identity, now=now))


def person_row(
    vault: Vault, person_id: UUID, identity: Identity, *, now: datetime
) -> dict[str, Any]:
    """The columns of a new, unproven person, for an insert in bulk."""
    document = identity.document
    return {
        "id": person_id,
        "sealed": seal_person(vault, person_id, identity),
        "document_type": document.type,
        "document_index": vault.blind_index("document", document.index_value),
        "name_index": vault.blind_index("name", identity.name_value),
        "phone_index": vault.blind_index("phone", identity.phone) if identity.phone else None,
        "birth_on": document.birth_on,
        "sex": document.sex,
        "verified_at": None,
        "verified_by": None,
        "merged_into_id": None,
        "erased_at": None,
        "blocked_at": None,
        "created_at": now,
    }


def seal_person(vault: Vault, person_id: UUID, identity: Identity) -> bytes:
    """The packed record of a person: {name, document_number, issuing_country, phone}."""
    return vault.seal(
        "person",
        person_id,
        {
            "name": identity.name,
            "document_number": identity.document.number,
            "issuing_country": identity.document.issuing_country,
            "phone": identity.phone,
        },
    )


async def prove_person(
    session: AsyncSession,
    vault: Vault,
    identity: Identity,
    *,
    verified_by: Literal["vendor", "attestation"],
    actor: Principal,
    now: datetime,
) -> Person:
    """The one person with this proven document: known, claimed by a roster, or new.

    The vendor's answer covers name and number, so it also corrects a name; a caseworker
    who reads another name than the one proven before raises NameDiffers (409). Nobody
    becomes a person whose death was confirmed: MemberBlocked (409).
    """
    await lock_documents(session, vault, [identity.document.index_value])
    person = await verified_person(session, vault, identity.document.index_value)
    if person is None:
        person = await claimed_person(session, vault, identity)
        if person is None:
            person = new_person(vault, identity, now=now)
            session.add(person)
        person.verified_at, person.verified_by = now, verified_by
    elif person.blocked_at is not None:
        raise MemberBlocked(person.blocked_at)
    elif not _same_name(vault, person, identity) and verified_by == "attestation":
        raise NameDiffers
    await _bring_up_to_date(session, vault, person, identity, actor)
    return person


async def _bring_up_to_date(
    session: AsyncSession, vault: Vault, person: Person, identity: Identity, actor: Principal
) -> None:
    """Take over the proven name, and the phone where one was given."""
    renamed = not _same_name(vault, person, identity)
    phone = identity.phone or vault.open("person", person.id, person.sealed).get("phone")
    known = Identity(identity.name, identity.document, phone)
    person.sealed = seal_person(vault, person.id, known)
    person.document_type = identity.document.type
    person.name_index = vault.blind_index("name", identity.name_value)
    person.phone_index = vault.blind_index("phone", phone) if phone else None
    await session.flush()
    if renamed:
        await audit.record(
            session, actor, "person.rename", subject="person", subject_ids=[person.id]
        )


async def ensure_member(
    session: AsyncSession, person_id: UUID, joining: Joining, *, actor: Principal, now: datetime
) -> Member:
    """The member of this person, made on first need; the caller holds the document's lock."""
    member = await session.scalar(select(Member).where(Member.person_id == person_id))
    if member is not None:
        return member
    member = Member(
        id=new_id(),
        number=new_number("M"),
        person_id=person_id,
        organisation_id=joining.organisation_id,
        channel=joining.channel,
        enrolled_by=joining.enrolled_by,
        enrolment_code_id=joining.enrolment_code_id,
        joined_at=now,
    )
    session.add(member)
    await session.flush()
    await publish(
        session,
        MEMBER_JOINED,
        subject="member",
        subject_id=member.id,
        actor=actor,
        at=now,
        content={"person_id": str(person_id), "channel": joining.channel},
    )
    return member
