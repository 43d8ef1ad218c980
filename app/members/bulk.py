"""Persons and members by the thousand, for rosters: found first, encrypted after.

Several partners and registrations may bring the same person at once: the unique indexes
decide, whoever loses rolls back its slice and looks again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.database import raw_connection
from app.kernel.facts import Fact
from app.kernel.ids import new_ids, new_number
from app.kernel.principal import Principal
from app.kernel.vault import Vault, bulk_index
from app.members.events import MEMBER_JOINED
from app.members.matching import Identity, seal_person


@dataclass(frozen=True, slots=True)
class Keys:
    """The blind indexes of one claimed identity."""

    document: bytes
    name: bytes
    phone: bytes


class Indexer:
    """Blind indexes in bulk, byte for byte those of `Vault.blind_index`."""

    def __init__(self, vault: Vault) -> None:
        self._keys = {name: vault.index_key(name) for name in ("document", "name", "phone")}

    def _index(self, purpose: str, value: str) -> bytes:
        version, key = self._keys[purpose]
        return bytes((version,)) + bulk_index(key, value)

    def keys_of(self, identity: Identity) -> Keys:
        """The indexes of a person with a phone."""
        return Keys(
            self._index("document", identity.document.index_value),
            self._index("name", identity.name_value),
            self._index("phone", identity.phone or ""),
        )


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person who is already there; `name` is the blind index of the name."""

    id: UUID
    name: bytes
    verified: bool
    blocked: bool = False


_KNOWN = """
select id, document_index, name_index, true as verified, blocked_at is not null as blocked
from person
where document_index = any($1::bytea[]) and verified_at is not null and merged_into_id is null
union all
select id, document_index, name_index, false, false from person
where document_index = any($1::bytea[]) and verified_at is null and merged_into_id is null
"""


async def known_persons(
    connection: asyncpg.Connection, documents: Sequence[bytes]
) -> dict[bytes, list[KnownPerson]]:
    """Everybody who has, or is said to have, one of these documents, by document index."""
    found: dict[bytes, list[KnownPerson]] = {}
    for row in await connection.fetch(_KNOWN, list(documents)):
        known = KnownPerson(row["id"], row["name_index"], row["verified"], row["blocked"])
        found.setdefault(row["document_index"], []).append(known)
    return found


_PERSON = (
    "id",
    "sealed",
    "document_type",
    "document_index",
    "name_index",
    "phone_index",
    "birth_on",
    "sex",
    "created_at",
)


async def pre_register(
    session: AsyncSession,
    vault: Vault,
    identities: Sequence[tuple[Identity, Keys]],
    *,
    actor: Principal,
    now: datetime,
) -> list[UUID]:
    """Make persons whom nobody has proven to be yet; ids in the order given.

    Raises asyncpg.UniqueViolationError when another transaction made one of them since
    they were looked for: roll back and look again.
    """
    ids = new_ids(len(identities))
    rows = []
    for person_id, (identity, keys) in zip(ids, identities, strict=True):
        document = identity.document
        rows.append(
            (
                person_id,
                seal_person(vault, person_id, identity),
                document.type,
                keys.document,
                keys.name,
                keys.phone,
                document.birth_on,
                document.sex,
                now,
            )
        )
    if rows:
        connection = await raw_connection(session)
        await connection.copy_records_to_table("person", records=rows, columns=_PERSON)
        await audit.record(session, actor, "person.preregister", subject="person", subject_ids=ids)
    return ids


async def join_in_bulk(
    connection: asyncpg.Connection,
    joining: Sequence[tuple[UUID, UUID]],
    *,
    now: datetime,
) -> list[Fact]:
    """Make members of persons who are covered without having proven who they are.

    `joining` are (person, managing organisation); who is a member already stays as they
    are. Returns what to state.
    """
    joined = await connection.fetch(
        "insert into member (id, number, person_id, organisation_id, channel, joined_at)"
        " select f.id, f.number, f.person_id, f.organisation_id, 'roster', $5"
        " from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[])"
        " as f(id, number, person_id, organisation_id)"
        " on conflict (person_id) do nothing returning id, person_id",
        new_ids(len(joining)),
        [new_number("M") for _ in joining],
        [person_id for person_id, _ in joining],
        [organisation_id for _, organisation_id in joining],
        now,
    )
    return [
        Fact(
            subject="member",
            subject_id=row["id"],
            audited="member.join",
            event=MEMBER_JOINED,
            content={"person_id": str(row["person_id"]), "channel": "roster"},
        )
        for row in joined
    ]
