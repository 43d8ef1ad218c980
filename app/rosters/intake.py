"""Taking in a pushed file: streamed into encrypted pieces, then accepted or refused.

Nothing is parsed here. The pieces go into a table, a mebibyte at a time and each in its
own transaction: a slow sender holds no connection, every process can read them, and they
are gone with the transaction that finishes the roster (docs/decisions/0008-rosters.md).
"""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.clock import business_now, system_now
from app.kernel.database import Database
from app.kernel.ids import new_id
from app.kernel.jobs import enqueue
from app.kernel.principal import Principal
from app.kernel.transitions import begin, move
from app.kernel.vault import Vault
from app.rosters import queries
from app.rosters.applying import supersede
from app.rosters.errors import NothingToConfirm, OlderSnapshot, RosterNotFound, SequenceReused
from app.rosters.events import APPLY_ROSTER
from app.rosters.models import ROSTER, Roster, RosterChunk
from app.settings import Settings

PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Spooled:
    """A body that has arrived in full; its pieces wait under `roster_id`."""

    roster_id: UUID
    media_type: str
    body_hash: bytes
    body_bytes: int


async def push_roster(
    database: Database,
    session: AsyncSession,
    vault: Vault,
    settings: Settings,
    partner: Principal,
    sequence: int,
    media_type: str,
    body: AsyncIterator[bytes],
) -> Roster:
    """Keep the body, then accept it as this sequence; raises what `accept_roster` raises.

    The session is first used once the body is there, so that no connection waits for it.
    """
    spooled = await spool(database, vault, media_type, body)
    try:
        now = await business_now(session, sandbox=settings.sandbox)
        roster = await accept_roster(session, partner, sequence, spooled, now)
    except BaseException:
        await drop(database, spooled.roster_id)
        raise
    if roster.id != spooled.roster_id:
        await drop(database, spooled.roster_id)
    return roster


async def spool(
    database: Database, vault: Vault, media_type: str, body: AsyncIterator[bytes]
) -> Spooled:
    """Encrypt and keep the body while it arrives; nothing stays of one that breaks off."""
    roster_id = new_id()
    digest = hashlib.sha256(media_type.encode() + b"\n")
    pending, number, total = bytearray(), 0, 0
    try:
        async for piece in body:
            digest.update(piece)
            pending += piece
            total += len(piece)
            if len(pending) >= PIECE:
                await _keep(database, vault, roster_id, number, bytes(pending))
                pending.clear()
                number += 1
        if pending:
            await _keep(database, vault, roster_id, number, bytes(pending))
    except BaseException:
        if number:
            await drop(database, roster_id)
        raise
    body_hash = vault.mac("roster-body", digest.digest(), 32)
    return Spooled(roster_id, media_type, body_hash, total)


async def _keep(
    database: Database, vault: Vault, roster_id: UUID, number: int, piece: bytes
) -> None:
    chunk_id = new_id()
    async with database.transaction() as session:
        session.add(
            RosterChunk(
                id=chunk_id,
                roster_id=roster_id,
                number=number,
                sealed=vault.seal_bytes("roster_chunk", chunk_id, piece),
                created_at=system_now(),
            )
        )


async def drop(database: Database, roster_id: UUID) -> None:
    """Forget the pieces of a body that was not accepted."""
    async with database.transaction() as session:
        await session.execute(delete(RosterChunk).where(RosterChunk.roster_id == roster_id))


# Pushes of one partner are judged one after the other.
_LOCK = text("select pg_advisory_xact_lock(hashtext('roster'), hashtext(:partner))")


async def accept_roster(
    session: AsyncSession, partner: Principal, sequence: int, spooled: Spooled, now: datetime
) -> Roster:
    """The roster of this sequence: new, or the one that the same body made before.

    Raises SequenceReused (409) for another body, OlderSnapshot (409) when a newer sequence
    was accepted. Rosters that are held or not begun are superseded.
    """
    await session.execute(_LOCK, {"partner": str(partner.id)})
    known = await queries.roster(session, partner.id, sequence)
    if known is not None:
        if known.body_hash != spooled.body_hash:
            raise SequenceReused(sequence=sequence)
        return known
    current = await queries.newest_sequence(session, partner.id)
    if current > sequence:
        raise OlderSnapshot(current=current, extensions={"current_sequence": current})
    await _supersede_waiting(session, partner, now)
    roster = Roster(
        id=spooled.roster_id,
        partner_id=partner.id,
        sequence=sequence,
        status="accepted",
        media_type=spooled.media_type,
        body_hash=spooled.body_hash,
        body_bytes=spooled.body_bytes,
        received_at=now,
        applied_through=0,
        enrolled=0,
        updated=0,
        unchanged=0,
        refused=0,
    )
    begin(session, ROSTER, roster, actor=partner, at=now)
    await session.flush()
    await _hand_over(session, partner, roster, "roster.push")
    return roster


async def _supersede_waiting(session: AsyncSession, partner: Principal, now: datetime) -> None:
    waiting = await session.scalars(
        select(Roster)
        .where(Roster.partner_id == partner.id, Roster.status.in_(("accepted", "held")))
        .with_for_update()
    )
    for roster in waiting.all():
        await supersede(session, roster, now)


async def confirm_roster(
    session: AsyncSession, partner: Principal, sequence: int, now: datetime
) -> Roster:
    """The partner means it: apply a held roster although many riders are missing from it.

    Confirming twice is once. Raises RosterNotFound (404), NothingToConfirm (409).
    """
    roster = await queries.roster(session, partner.id, sequence, lock=True)
    if roster is None:
        raise RosterNotFound
    if roster.confirmed_at is not None:
        return roster
    if roster.status != "held":
        raise NothingToConfirm(status=roster.status)
    roster.confirmed_at = now
    await move(session, ROSTER, roster, "reading", actor=partner, at=now, reason_code="confirmed")
    await _hand_over(session, partner, roster, "roster.confirm")
    return roster


async def _hand_over(
    session: AsyncSession, partner: Principal, roster: Roster, action: str
) -> None:
    """To the worker, and to the audit trail."""
    await enqueue(session, APPLY_ROSTER, {"roster_id": str(roster.id)})
    await audit.record(
        session,
        partner,
        action,
        subject="roster",
        subject_ids=[roster.id],
        details={"sequence": roster.sequence, "bytes": roster.body_bytes},
    )
