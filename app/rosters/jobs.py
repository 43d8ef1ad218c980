"""The worker's side: apply pushed rosters, follow proven identities, sweep leftovers."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.kernel.clock import business_day
from app.kernel.jobs import Handler, JobContext, RetryLater
from app.rosters import applying, queries
from app.rosters.applying import Overtaken
from app.rosters.events import (
    APPLY_ROSTER,
    FOLLOW_ACTIVATION,
    ROSTER_IDENTITY_PASSED,
    SWEEP_CHUNKS,
)
from app.rosters.identity import adopt_claims, follow_activation
from app.rosters.intents import Run
from app.rosters.models import Roster
from app.rosters.reading import RosterFile, open_file
from app.rosters.slices import Slice, slices
from app.rosters.survey import Survey, survey_file

BUSY = timedelta(seconds=2)
# Somebody else may enrol the same person while a slice runs: then it is run again.
# unique, exclusion, deadlock, serialisation
LOST_RACES = ("23505", "23P01", "40P01", "40001")
TRIES = 5
ABANDONED_AFTER = timedelta(days=1)


async def apply_roster(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Apply a pushed roster, and before it whatever a lost worker left unfinished."""
    async with context.transaction() as session:
        pushed = await session.get_one(Roster, UUID(payload["roster_id"]))
        waiting = await queries.unfinished_rosters(session, pushed.partner_id, pushed.sequence)
    for roster in waiting:
        try:
            await _apply(context, roster)
        except Overtaken:
            raise RetryLater(BUSY) from None


async def _apply(context: JobContext, roster: Roster) -> None:
    async with context.transaction() as session:
        session.add(roster)
        now = await context.business_now(session)
        if not await applying.begin_reading(session, roster, now):
            return
        present = await applying.present_for(session, roster, now)
        body = await queries.read_body(session, context.vault, roster.id)
    key = context.vault.index_key("roster_row")[1]
    file, survey = await asyncio.to_thread(_read, roster.media_type, body, key, present)
    async with context.transaction() as session:
        session.add(roster)
        now = await context.business_now(session)
        if not await applying.decide(
            session, context.vault, roster, survey, present, file.ignored, now
        ):
            return
        run = await applying.open_run(session, context.vault, roster, survey, now)
        after = roster.applied_through
    del present
    parts = slices(file, survey, after=after, today=business_day(now))
    async with aclosing(_in_thread(parts)) as judged:
        async for part in judged:
            await apply_part(context, run, part)
    async with context.transaction() as session:
        await applying.finish(session, run, await context.business_now(session))
    if not survey.changed:
        return
    async with context.transaction() as session:
        now = await context.business_now(session)
        await adopt_claims(session, now, partner_id=roster.partner_id, sequence=roster.sequence)


def _read(media_type: str, body: bytes, key: bytes, present: Any) -> tuple[RosterFile, Survey]:
    file = open_file(media_type, body)
    return file, survey_file(file, key, present)


async def _in_thread(parts: Iterator[Slice]) -> AsyncGenerator[Slice, None]:
    """Rows are judged in a thread, a slice ahead: the worker's other jobs do not wait for
    it, nor does the database."""

    def judged() -> asyncio.Task[Slice | None]:
        return asyncio.create_task(asyncio.to_thread(next, parts, None))

    ahead = judged()
    try:
        while (part := await ahead) is not None:
            ahead = judged()
            yield part
    finally:
        # A thread cannot be stopped: what it still yields is not wanted.
        await asyncio.wait([ahead])


async def apply_part(context: JobContext, run: Run, part: Slice) -> None:
    """One slice in one transaction, again from the start when a race was lost."""
    for tries in range(1, TRIES + 1):
        try:
            async with context.transaction() as session:
                now = await context.business_now(session)
                await applying.apply_slice(session, context.vault, run, part, now)
        except (asyncpg.PostgresError, DBAPIError) as error:
            state = getattr(getattr(error, "orig", None) or error, "sqlstate", None)
            if state not in LOST_RACES or tries == TRIES:
                raise
        else:
            return


async def identity_passed(context: JobContext, payload: Mapping[str, Any]) -> None:
    """A person was proven: riders listed as a claim to the same document become theirs."""
    async with context.transaction() as session:
        now = await context.business_now(session)
        await adopt_claims(session, now, person_id=UUID(payload["subject_id"]))


async def policy_activated(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Pending cover came in force: the rider's row knows until when, the sponsor owes."""
    async with context.transaction() as session:
        now = await context.business_now(session)
        await follow_activation(session, UUID(payload["subject_id"]), now)


async def sweep_chunks(context: JobContext, _payload: Mapping[str, Any]) -> None:
    """Drop pieces of files whose push was never completed."""
    async with context.transaction() as session:
        await session.execute(
            text(
                "delete from roster_chunk c where c.created_at < now() - cast(:age as interval)"
                " and not exists (select from roster r where r.id = c.roster_id)"
            ),
            {"age": ABANDONED_AFTER},
        )


JOBS: Mapping[str, Handler] = {
    APPLY_ROSTER: apply_roster,
    ROSTER_IDENTITY_PASSED: identity_passed,
    FOLLOW_ACTIVATION: policy_activated,
    SWEEP_CHUNKS: sweep_chunks,
}
TIMERS: Mapping[str, timedelta] = {SWEEP_CHUNKS: timedelta(hours=1)}
