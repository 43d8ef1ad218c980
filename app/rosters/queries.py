"""Every look-up of agreements, rosters and riders; a partner's begin at the partner."""

import io
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import Select

from app.kernel.vault import Vault
from app.organisations.models import Organisation, Partner
from app.policies.models import Policy
from app.rosters.models import UNFINISHED, Agreement, Rider, Roster, RosterAnswers, RosterChunk
from app.rosters.reading import HASH_BYTES
from app.rosters.survey import Present


async def agreements_giving_cover(
    session: AsyncSession, partner_id: UUID, first_day: date
) -> Sequence[Agreement]:
    """Agreements under which cover may start on `first_day` or later, the earliest first."""
    rows = await session.scalars(
        select(Agreement)
        .where(
            Agreement.partner_id == partner_id,
            or_(Agreement.ends_on.is_(None), Agreement.ends_on >= first_day),
        )
        .order_by(Agreement.starts_on, Agreement.id)
    )
    return rows.all()


async def partner(session: AsyncSession, partner_id: UUID) -> Partner | None:
    return await session.get(Partner, partner_id)


async def agreements_page(
    session: AsyncSession, partner_id: UUID, after: UUID | None, limit: int
) -> Sequence[Agreement]:
    """A partner's agreements, the newest first; one more than `limit`."""
    found = select(Agreement).where(Agreement.partner_id == partner_id)
    if after is not None:
        found = found.where(Agreement.id < after)
    return (await session.scalars(found.order_by(Agreement.id.desc()).limit(limit + 1))).all()


async def locked_agreement(
    session: AsyncSession, partner_id: UUID, agreement_id: UUID
) -> Agreement | None:
    return await session.scalar(
        select(Agreement)
        .where(Agreement.id == agreement_id, Agreement.partner_id == partner_id)
        .with_for_update()
    )


def rosters_of(partner_id: UUID) -> Select[Roster]:
    """What a partner may see: its own."""
    return select(Roster).where(Roster.partner_id == partner_id)


async def roster(
    session: AsyncSession, partner_id: UUID, sequence: int, *, lock: bool = False
) -> Roster | None:
    found = rosters_of(partner_id).where(Roster.sequence == sequence)
    return await session.scalar(found.with_for_update() if lock else found)


async def newest_sequence(session: AsyncSession, partner_id: UUID) -> int:
    """The highest sequence that was accepted and not refused; 0 before the first."""
    found = select(func.max(Roster.sequence)).where(
        Roster.partner_id == partner_id, Roster.status != "refused"
    )
    return await session.scalar(found) or 0


async def rosters_page(
    session: AsyncSession, partner_id: UUID, before: int | None, limit: int
) -> Sequence[Roster]:
    """The newest first; one more than `limit`."""
    found = rosters_of(partner_id)
    if before is not None:
        found = found.where(Roster.sequence < before)
    return (await session.scalars(found.order_by(Roster.sequence.desc()).limit(limit + 1))).all()


async def unfinished_rosters(
    session: AsyncSession, partner_id: UUID, up_to: int
) -> Sequence[Roster]:
    """What has to be done before and with this sequence, the oldest first."""
    rows = await session.scalars(
        rosters_of(partner_id)
        .where(Roster.sequence <= up_to, Roster.status.in_(UNFINISHED))
        .order_by(Roster.sequence)
    )
    return rows.all()


async def answer_blocks(
    session: AsyncSession, roster_id: UUID, after_row: int, answer: str | None, limit: int
) -> Sequence[RosterAnswers]:
    """Blocks with rows beyond `after_row` that hold such an answer, in order."""
    found = select(RosterAnswers).where(
        RosterAnswers.roster_id == roster_id, RosterAnswers.last_row > after_row
    )
    if answer is not None:
        found = found.where(getattr(RosterAnswers, answer) > 0)
    return (await session.scalars(found.order_by(RosterAnswers.last_row).limit(limit))).all()


async def missing_page(
    session: AsyncSession, partner_id: UUID, sequence: int, after: str | None, limit: int
) -> Sequence[Rider]:
    """Riders that this roster or one before it no longer named, and that are still missing."""
    found = select(Rider).where(
        Rider.partner_id == partner_id,
        Rider.missing_since.is_not(None),
        Rider.missing_since <= sequence,
    )
    if after is not None:
        found = found.where(Rider.rider_ref > after)
    return (await session.scalars(found.order_by(Rider.rider_ref).limit(limit + 1))).all()


# Three values instead of a row a rider: a hundred thousand rows would cost more to
# receive than the file costs to read.
_PRESENT = """
select array_agg(rider_ref) as refs,
       string_agg(case when covered_until <= $2 then decode(repeat('00', 16), 'hex')
                       else row_hash end, ''::bytea) as hashes,
       array_agg(rider_ref) filter (where missing_since is not null) as missing
from rider where partner_id = $1
"""


async def present_riders(
    connection: asyncpg.Connection, partner_id: UUID, cover_from: datetime
) -> Present:
    """A partner's riders as the survey needs them.

    Cover that ends by `cover_from` has to be given anew, so such a row never hashes the
    same.
    """
    row = await connection.fetchrow(_PRESENT, partner_id, cover_from)
    refs, packed = row["refs"] or (), row["hashes"] or b""
    hashes = [packed[at : at + HASH_BYTES] for at in range(0, len(packed), HASH_BYTES)]
    return Present(dict(zip(refs, hashes, strict=True)), frozenset(row["missing"] or ()))


async def read_body(session: AsyncSession, vault: Vault, roster_id: UUID) -> bytes:
    """A pushed file, opened; in memory once."""
    rows = await session.stream(
        select(RosterChunk.id, RosterChunk.sealed)
        .where(RosterChunk.roster_id == roster_id)
        .order_by(RosterChunk.number)
        .execution_options(yield_per=1)
    )
    body = io.BytesIO()
    async for row in rows:
        body.write(vault.open_bytes("roster_chunk", row.id, row.sealed))
    return body.getvalue()


async def sites_by_name(session: AsyncSession, organisation_id: UUID, day: date) -> dict[str, UUID]:
    """Units and sites below a partner's managing organisation, by name."""
    rows = await session.execute(
        select(Organisation.name, Organisation.id).where(
            Organisation.lineage.contains([organisation_id]),
            Organisation.kind.in_(("unit", "site")),
            Organisation.valid_from <= day,
            or_(Organisation.valid_to.is_(None), Organisation.valid_to > day),
        )
    )
    return {row.name: row.id for row in rows}


_RIDERS = """
select r.id, r.rider_ref, r.person_id, r.agreement_id, r.organisation_id, r.policy_id,
       r.phone_index, r.covered_until, r.changed_sequence
from rider r where r.partner_id = $1 and """


async def riders_by_ref(
    connection: asyncpg.Connection, partner_id: UUID, refs: Sequence[str]
) -> dict[str, Any]:
    rows = await connection.fetch(_RIDERS + "r.rider_ref = any($2::text[])", partner_id, list(refs))
    return {row["rider_ref"]: row for row in rows}


async def riders_by_person(
    connection: asyncpg.Connection, partner_id: UUID, persons: Sequence[UUID]
) -> dict[UUID, list[Any]]:
    """A partner's riders who are these persons, by person."""
    rows = await connection.fetch(
        _RIDERS + "r.person_id = any($2::uuid[]) order by r.rider_ref", partner_id, list(persons)
    )
    found: dict[UUID, list[Any]] = {}
    for row in rows:
        found.setdefault(row["person_id"], []).append(row)
    return found


_SPONSORED = """
select p.id, p.number, p.person_id, p.plan_code, p.status, upper(p.period) as ends_at
from unnest($1::uuid[]) as f(id)
join policy p on p.person_id = f.id
where p.sponsor_id = $2 and p.status in ('pending', 'in_force') and upper(p.period) > $3
order by p.id
"""


async def sponsored_policies(
    connection: asyncpg.Connection, partner_id: UUID, persons: Sequence[UUID], cover_from: datetime
) -> dict[tuple[UUID, str], Any]:
    """Cover these persons have from this partner beyond `cover_from`, by person and plan."""
    rows = await connection.fetch(_SPONSORED, list(persons), partner_id, cover_from)
    return {(row["person_id"], row["plan_code"]): row for row in rows}


async def cancellable(session: AsyncSession, policy_ids: Sequence[UUID]) -> Sequence[UUID]:
    """Those of these policies that still give or await cover and that no rider has now.

    By person, so that whoever takes several people's places takes them in one order.
    """
    rows = await session.scalars(
        select(Policy.id)
        .where(
            Policy.id.in_(policy_ids),
            Policy.status.in_(("pending", "in_force")),
            ~exists().where(Rider.policy_id == Policy.id),
        )
        .order_by(Policy.person_id, Policy.id)
    )
    return rows.all()
