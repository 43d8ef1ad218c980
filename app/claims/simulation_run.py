"""The worker's side of simulations: slice after slice, each committed with its place."""

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures.process import BrokenProcessPool
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import queries
from app.claims.replay import Script
from app.claims.simulation_membership import membership
from app.claims.simulation_models import SIMULATION, PlanSimulation
from app.claims.simulation_queries import offices_of, reader_of, versions_for
from app.claims.simulation_results import result_of
from app.claims.simulation_sums import added
from app.claims.simulation_work import Part, executor_for, parts, processes
from app.kernel.database import DATABASE_FAILURES
from app.kernel.facts import Fact, state
from app.kernel.jobs import JobContext, RetryLater
from app.kernel.principal import SYSTEM
from app.kernel.transitions import move
from app.kernel.vault import VaultError
from app.plans.terms import PlanTerms

log = structlog.get_logger("simulation")

# A run that was killed so often without finishing a slice is given up.
MAX_STARTS = 5
BUSY = timedelta(seconds=5)
# Replaying takes every core there is: one after the other.
_one_at_a_time = asyncio.Lock()


class Overtaken(Exception):
    """The simulation was cancelled, or another worker goes on with it."""


@dataclass(slots=True)
class Run:
    """A simulation under way in this worker."""

    simulation: PlanSimulation
    script: Script
    offices: list[UUID]


async def simulate(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Replay to the end, going on where a run that was killed has stopped.

    Raises RetryLater while this worker replays another one.
    """
    if _one_at_a_time.locked():
        raise RetryLater(BUSY)
    async with _one_at_a_time:
        simulation_id = UUID(payload["simulation_id"])
        try:
            run = await _begin(context, simulation_id)
            if run is not None:
                await _replay(context, run)
        except Overtaken:
            return
        except (*DATABASE_FAILURES, BrokenProcessPool):
            raise
        except Exception as error:
            log.error("simulation failed", id=str(simulation_id), error=type(error).__name__)
            code = "record-unreadable" if isinstance(error, VaultError) else "replay-failed"
            await _fail(context, simulation_id, code)


async def _begin(context: JobContext, simulation_id: UUID) -> Run | None:
    """Count the start; None when there is nothing to do (any more)."""
    async with context.transaction() as session:
        simulation = await _locked(session, simulation_id)
        now = await context.business_now(session)
        if simulation is None or simulation.status not in ("requested", "running"):
            return None
        if simulation.starts >= MAX_STARTS:
            await _end(session, simulation, "failed", now, failure="keeps-stopping")
            return None
        if simulation.status == "requested":
            await move(session, SIMULATION, simulation, "running", actor=SYSTEM, at=now)
            simulation.started_at = now
        simulation.starts += 1
        offices = await offices_of(session, simulation)
    terms = await asyncio.to_thread(PlanTerms.model_validate, simulation.document)
    return Run(simulation, Script(terms, simulation.benefits), offices)


async def _replay(context: JobContext, run: Run) -> None:
    """Every slice that is left, replayed in processes of their own and kept in order."""
    simulation = run.simulation
    reader = reader_of(context.database.reads, context.vault, simulation, run.script, run.offices)
    if simulation.claims_total is None:
        await _keep_total(context, run, await reader.total())
    left = (simulation.claims_total or 0) - simulation.claims_done
    number = processes(left)
    since = time.monotonic()
    versions = await versions_for(context.database.reads, run.script, simulation.against)
    async with executor_for(run.script, versions, number) as executor:
        found = parts(reader, simulation.through_person_id, executor, number + 1)
        async with aclosing(found) as slices:
            async for part in slices:
                until = time.monotonic()
                await keep(context, run, part, round(1_000 * (until - since)))
                since = until
    await _finish(context, run)


async def _keep_total(context: JobContext, run: Run, total: int) -> None:
    async with context.transaction() as session:
        simulation = await _still_ours(session, run)
        simulation.claims_total = total
    run.simulation = simulation


async def keep(context: JobContext, run: Run, part: Part, took_ms: int) -> None:
    """Commit a slice: its sums, and that the next one begins behind it.

    Raises Overtaken when the simulation is no longer this run's.
    """
    async with context.transaction() as session:
        simulation = await _still_ours(session, run)
        simulation.sums = added(simulation.sums, part.sums)
        simulation.through_person_id = part.through
        simulation.claims_done += part.claims
        simulation.worked_ms += took_ms
        simulation.starts = 0
    run.simulation = simulation


async def _still_ours(session: AsyncSession, run: Run) -> PlanSimulation:
    """The locked row, standing where this run left it."""
    simulation = await _locked(session, run.simulation.id)
    if (
        simulation is None
        or simulation.status != "running"
        or simulation.through_person_id != run.simulation.through_person_id
    ):
        raise Overtaken
    return simulation


async def _finish(context: JobContext, run: Run) -> None:
    """Add what it means for the members of today, and close."""
    reads, simulation = context.database.reads, run.simulation
    async with context.transaction() as session:
        office = await queries.municipal_office(session)
    members = await membership(
        reads,
        run.script.terms,
        simulation.against,
        simulation.as_of,
        run.offices,
        office if office in run.offices else None,
    )
    async with context.transaction() as session:
        simulation = await _still_ours(session, run)
        simulation.result = await result_of(session, simulation.sums, members)
        now = await context.business_now(session)
        await _end(session, simulation, "done", now)


async def _fail(context: JobContext, simulation_id: UUID, code: str) -> None:
    async with context.transaction() as session:
        simulation = await _locked(session, simulation_id)
        if simulation is not None and simulation.status in ("requested", "running"):
            now = await context.business_now(session)
            await _end(session, simulation, "failed", now, failure=code)


async def _end(
    session: AsyncSession,
    simulation: PlanSimulation,
    status: str,
    now: datetime,
    *,
    failure: str | None = None,
) -> None:
    simulation.failure_code, simulation.finished_at = failure, now
    await move(session, SIMULATION, simulation, status, actor=SYSTEM, at=now)
    ended = Fact("plan_simulation", simulation.id, f"plan_simulation.{_VERBS[status]}")
    await state(session, [ended], actor=SYSTEM, at=now)


_VERBS = {"done": "finish", "failed": "fail"}


async def _locked(session: AsyncSession, simulation_id: UUID) -> PlanSimulation | None:
    return await session.scalar(
        select(PlanSimulation).where(PlanSimulation.id == simulation_id).with_for_update()
    )
