"""Applying a roster: read, survey, then slice by slice; each step is one transaction.

A killed run is taken up where its last slice ended: what is written says how far it got.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.clock import day_start
from app.kernel.database import raw_connection
from app.kernel.event_log import publish
from app.kernel.principal import Principal
from app.kernel.transitions import move
from app.kernel.vault import Vault
from app.members.bulk import Indexer
from app.organisations.models import Partner
from app.policies.calendar import first_covered_day
from app.rosters import queries
from app.rosters.answers import seal_blocks
from app.rosters.columns import FileError
from app.rosters.enrolling import enrol_rows
from app.rosters.events import ROSTER_APPLIED
from app.rosters.intents import Run
from app.rosters.models import ROSTER, Rider, Roster, RosterChunk
from app.rosters.slices import Slice
from app.rosters.survey import Present, Survey, is_mass_disappearance
from app.rosters.terms import hold_percent, offers_of

BLOCK_COLUMNS = (
    "id",
    "roster_id",
    "first_row",
    "last_row",
    "enrolled",
    "updated",
    "unchanged",
    "refused",
    "sealed",
)


class Overtaken(Exception):
    """Another worker is applying this roster; it goes on there."""


def partner_of(roster: Roster) -> Principal:
    """Whoever pushes a roster acts in it, though the worker does the work."""
    return Principal(kind="partner", id=roster.partner_id)


async def begin_reading(session: AsyncSession, roster: Roster, now: datetime) -> bool:
    """Take the roster up, unless a newer snapshot has come: then it is superseded."""
    await session.refresh(roster, with_for_update=True)
    if roster.status == "applying":
        return True
    if roster.status not in ("accepted", "reading"):
        return False
    if await queries.newest_sequence(session, roster.partner_id) > roster.sequence:
        await supersede(session, roster, now)
        return False
    if roster.status == "accepted":
        await move(session, ROSTER, roster, "reading", actor=partner_of(roster), at=now)
    return True


async def supersede(session: AsyncSession, roster: Roster, now: datetime) -> None:
    """A newer snapshot came before this one was applied: it never will be."""
    await move(session, ROSTER, roster, "superseded", actor=partner_of(roster), at=now)
    await _close(session, roster, now)


async def present_for(session: AsyncSession, roster: Roster, now: datetime) -> Present:
    """The riders the partner has now, for the survey."""
    connection = await raw_connection(session)
    cover_from = day_start(first_covered_day(now))
    return await queries.present_riders(connection, roster.partner_id, cover_from)


async def decide(
    session: AsyncSession,
    vault: Vault,
    roster: Roster,
    survey: Survey,
    present: Present,
    ignored: tuple[str, ...],
    now: datetime,
) -> bool:
    """Refuse the file, hold it for the partner, or begin to apply it; true for the last."""
    await session.refresh(roster, with_for_update=True)
    if roster.status == "applying":
        return True
    if roster.status != "reading":
        return False
    offers = await offers_of(session, roster.partner_id, now)
    errors = list(survey.errors)
    if not errors and not offers:
        errors.append(FileError("no-agreement"))
    report = msgspec.to_builtins({"errors": errors, "ignored_columns": ignored})
    roster.sealed_report = vault.seal("roster", roster.id, report)
    roster.row_count = len(survey.numbers)
    status = "applying"
    if errors:
        status = "refused"
    else:
        roster.missing_riders = len(survey.missing)
        roster.newly_missing = survey.newly_missing
        limit = hold_percent(offers)
        if roster.confirmed_at is None and is_mass_disappearance(survey, present, limit):
            status = "held"
    await move(session, ROSTER, roster, status, actor=partner_of(roster), at=now)
    if status == "refused":
        await _close(session, roster, now)
    return status == "applying"


async def open_run(
    session: AsyncSession, vault: Vault, roster: Roster, survey: Survey, now: datetime
) -> Run:
    """What every slice of this roster needs to know."""
    first_day = first_covered_day(now)
    partner = await session.get_one(Partner, roster.partner_id)
    return Run(
        roster_id=roster.id,
        partner_id=roster.partner_id,
        organisation_id=partner.organisation_id,
        sequence=roster.sequence,
        survey=survey,
        indexer=Indexer(vault),
        now=now,
        cover_from=day_start(first_day),
        offers=await offers_of(session, roster.partner_id, now),
        sites=await queries.sites_by_name(session, partner.organisation_id, first_day),
    )


async def apply_slice(
    session: AsyncSession, vault: Vault, run: Run, part: Slice, now: datetime
) -> None:
    """Carry out the rows of one slice and keep their answers.

    Raises Overtaken when the roster no longer stands where the slice begins.
    """
    roster = await session.get_one(Roster, run.roster_id, with_for_update=True)
    if roster.status != "applying" or roster.applied_through != part.after:
        raise Overtaken
    actor = partner_of(roster)
    answers = part.answers
    if part.candidates:
        carried_out = await enrol_rows(session, vault, run, part.candidates, actor=actor, now=now)
        answers = [*answers, *carried_out]
    blocks = seal_blocks(vault, answers)
    connection = await raw_connection(session)
    await connection.copy_records_to_table(
        "roster_answers",
        records=[
            (each.id, roster.id, each.first_row, each.last_row, *each.counts, each.sealed)
            for each in blocks
        ],
        columns=BLOCK_COLUMNS,
    )
    enrolled, updated, unchanged, refused = map(
        sum, zip(*(each.counts for each in blocks), strict=True)
    )
    roster.enrolled += enrolled
    roster.updated += updated
    roster.unchanged += unchanged
    roster.refused += refused
    roster.applied_through = part.through


async def finish(session: AsyncSession, run: Run, now: datetime) -> None:
    """Report who is missing, tell everybody, and let go of the file."""
    roster = await session.get_one(Roster, run.roster_id, with_for_update=True)
    if roster.status != "applying":
        raise Overtaken
    await _mark_missing(session, run)
    counted = select(func.count(), func.count().filter(Rider.missing_since == run.sequence)).where(
        Rider.partner_id == run.partner_id, Rider.missing_since.is_not(None)
    )
    missing, newly = (await session.execute(counted)).one()
    roster.missing_riders, roster.newly_missing = missing, newly
    actor = partner_of(roster)
    await move(session, ROSTER, roster, "applied", actor=actor, at=now)
    await _close(session, roster, now)
    await publish(
        session,
        ROSTER_APPLIED,
        subject="roster",
        subject_id=roster.id,
        actor=actor,
        at=now,
        tenant_id=roster.partner_id,
        content=counts_of(roster),
    )
    await audit.record(
        session,
        actor,
        "roster.apply",
        subject="roster",
        subject_ids=[roster.id],
        details=counts_of(roster),
    )


async def _mark_missing(session: AsyncSession, run: Run) -> None:
    """Arrays, not lists of parameters: a whole partner may be missing."""
    connection = await raw_connection(session)
    if run.survey.missing:
        await connection.execute(
            "update rider set missing_since = $3 where partner_id = $1"
            " and rider_ref = any($2::text[]) and missing_since is null",
            run.partner_id,
            run.survey.missing,
            run.sequence,
        )
    if run.survey.returned:
        await connection.execute(
            "update rider set missing_since = null where partner_id = $1"
            " and rider_ref = any($2::text[]) and missing_since is not null",
            run.partner_id,
            run.survey.returned,
        )


def counts_of(roster: Roster) -> Mapping[str, int | None]:
    """The numbers of a roster, for events and the audit trail."""
    return {
        "sequence": roster.sequence,
        "rows": roster.row_count,
        "enrolled": roster.enrolled,
        "updated": roster.updated,
        "unchanged": roster.unchanged,
        "refused": roster.refused,
        "missing_riders": roster.missing_riders,
    }


async def _close(session: AsyncSession, roster: Roster, now: datetime) -> None:
    roster.finished_at = now
    await drop_chunks(session, roster.id)


async def drop_chunks(session: AsyncSession, roster_id: UUID) -> None:
    """Forget a pushed file."""
    await session.execute(delete(RosterChunk).where(RosterChunk.roster_id == roster_id))
    await session.flush()
