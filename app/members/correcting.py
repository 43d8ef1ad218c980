"""Correcting a proven person's name or document, by staff who have seen the card."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.principal import Principal
from app.kernel.problems import FieldError, NotFound, Unprocessable
from app.kernel.text import Text
from app.kernel.vault import Vault
from app.members.documents import DocumentNumber
from app.members.errors import DocumentOfAnother
from app.members.matching import lock_documents, verified_person
from app.members.models import Person, document_value, name_value

UNCHANGED = Text("与现有记录相同", "This is what is recorded already.")


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a record said, and says now; to be sealed by whoever keeps it."""

    was: dict[str, Any] = field(repr=False)
    becomes: dict[str, Any] = field(repr=False)


async def correct_name(
    session: AsyncSession, vault: Vault, person_id: UUID, name: str, *, actor: Principal
) -> Corrected:
    """Take over a name in its one spelling; raises Unprocessable (422) if it is the same."""
    person, record = await _locked(session, vault, person_id)
    if record.get("name") == name:
        raise Unprocessable(errors=[FieldError("/name", "unchanged", UNCHANGED)])
    await _keep(session, vault, person, record | {"name": name})
    await _told(session, person, actor, "person.rename")
    return Corrected({"name": record.get("name")}, {"name": name})


async def correct_document(
    session: AsyncSession,
    vault: Vault,
    person_id: UUID,
    document: DocumentNumber,
    *,
    actor: Principal,
) -> Corrected:
    """Take over a document with what it says about birth and sex.

    Raises DocumentOfAnother (409) when it proves somebody else: two records of one person
    are not put together here. Unprocessable (422) if it is the same.
    """
    person, record = await _locked(session, vault, person_id)
    was = {"document_type": person.document_type, **record}
    held = document_value(was)
    if held == document.index_value:
        raise Unprocessable(errors=[FieldError("/document/number", "unchanged", UNCHANGED)])
    await lock_documents(session, vault, [document.index_value, *([held] if held else [])])
    other = await verified_person(session, vault, document.index_value)
    if other is not None and other.id != person.id:
        raise DocumentOfAnother
    person.document_type = document.type
    person.birth_on, person.sex = document.birth_on, document.sex
    changed = {"document_number": document.number, "issuing_country": document.issuing_country}
    await _keep(session, vault, person, record | changed)
    await _told(session, person, actor, "person.correct_document")
    kept = ("document_type", "document_number", "issuing_country")
    return Corrected(
        {name: was.get(name) for name in kept}, {"document_type": document.type, **changed}
    )


async def _locked(
    session: AsyncSession, vault: Vault, person_id: UUID
) -> tuple[Person, dict[str, Any]]:
    person = await session.scalar(
        select(Person)
        .where(Person.id == person_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if person is None or person.erased_at is not None:
        raise NotFound
    return person, vault.open("person", person.id, person.sealed)


async def _keep(
    session: AsyncSession, vault: Vault, person: Person, record: dict[str, Any]
) -> None:
    person.sealed = vault.seal("person", person.id, record)
    name = name_value(record)
    document = document_value({**record, "document_type": person.document_type})
    person.name_index = vault.blind_index("name", name) if name else None
    person.document_index = vault.blind_index("document", document) if document else None
    await session.flush()


async def _told(session: AsyncSession, person: Person, actor: Principal, action: str) -> None:
    await audit.record(
        session,
        actor,
        action,
        subject="person",
        subject_ids=[person.id],
        on_behalf_of=person.id,
    )
