"""Runs jobs, deadlines and timers; as many of these processes as needed, beside the API."""

import asyncio
import signal
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import asyncpg
import msgspec
import structlog
from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job, TracebackRecord
from pgqueuer.domain.types import Channel
from sqlalchemy import text

from app.access import jobs as access
from app.billing import jobs as billing
from app.claims import jobs as claims
from app.documents import jobs as documents
from app.integrations.outside import connect, keep_certificates
from app.kernel import audit
from app.kernel.clock import business_now, refuse_moved_clock
from app.kernel.database import Database, asyncpg_dsn
from app.kernel.durability import refuse_forgetful_database
from app.kernel.ids import new_id
from app.kernel.jobs import QUEUE_SETTINGS, Handler, JobContext, RetryLater, enqueue, enqueue_due
from app.kernel.logs import configure_logs
from app.kernel.memory import give_back_large_blocks
from app.kernel.vault import REFRESH_EVERY, open_vault
from app.members import jobs as members
from app.notifications import jobs as notifications
from app.payouts import jobs as payouts
from app.policies import jobs as policies
from app.relief import jobs as relief
from app.rosters import jobs as rosters
from app.settings import Settings
from app.subscriptions import SUBSCRIPTIONS
from app.treasury import jobs as treasury

log = structlog.get_logger("worker")

JOBS: Mapping[str, Handler] = {
    **access.JOBS,
    **members.JOBS,
    **policies.JOBS,
    **billing.JOBS,
    **relief.JOBS,
    **rosters.JOBS,
    **documents.JOBS,
    **payouts.JOBS,
    **notifications.JOBS,
    **claims.JOBS,
    **treasury.JOBS,
}
# Jobs that ask whether there is anything to do; several workers asking is harmless.
TIMERS: Mapping[str, timedelta] = {
    **access.TIMERS,
    **members.TIMERS,
    **policies.TIMERS,
    **billing.TIMERS,
    **rosters.TIMERS,
    **documents.TIMERS,
    **payouts.TIMERS,
    **claims.TIMERS,
    **relief.TIMERS,
    **treasury.TIMERS,
}

COMMAND_SECONDS = 60.0
# A killed worker's jobs are taken over after this long without a heartbeat.
HEARTBEAT = timedelta(seconds=10)
MAX_STARTS = 8
FIRST_RETRY = timedelta(seconds=1)
LONGEST_RETRY = timedelta(minutes=5)


class JobFailed(Exception):
    """Names the failure's type only: an exception's text may quote personal data."""


async def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT, then finish what is in hand."""
    configure_logs(settings.log_level)
    give_back_large_blocks()
    database = Database(settings, subscriptions=SUBSCRIPTIONS, command_timeout=COMMAND_SECONDS)
    vault = open_vault(settings)
    await database.open()
    try:
        async with database.transaction() as session:
            await vault.refresh(session)
            if not settings.sandbox:
                await refuse_moved_clock(session)
                await refuse_forgetful_database(session)
        async with connect(settings) as outside, _listening_pool(settings) as pool:
            context = JobContext(database, vault, settings, outside)
            await _work(context, pool)
    finally:
        await database.close()


def _listening_pool(settings: Settings) -> asyncpg.Pool:
    return asyncpg.create_pool(
        asyncpg_dsn(settings.database_url),
        min_size=1,
        max_size=4,
        timeout=settings.database_connect_timeout,
        command_timeout=COMMAND_SECONDS,
        server_settings={"role": settings.database_role, "application_name": "redumbrella-worker"},
    )


class _Queue(Queries):
    """The library's queries, but a retry that cannot be written does not hold the job."""

    async def retry_job(
        self, job: Job, delay: timedelta, traceback_record: TracebackRecord | None
    ) -> None:
        """Put a job back; without a database it stays picked, and is taken over like a crash's."""
        try:
            await super().retry_job(job, delay, traceback_record)
        except Exception as error:
            log.warning("retry not written", job_id=job.id, error=type(error).__name__)


def _queue(pool: asyncpg.Pool) -> _Queue:
    return _Queue(
        AsyncpgPoolDriver(pool),
        QueryBuilderEnvironment(settings=QUEUE_SETTINGS),
        QueryQueueBuilder(settings=QUEUE_SETTINGS),
        QuerySchedulerBuilder(settings=QUEUE_SETTINGS),
    )


async def _work(context: JobContext, pool: asyncpg.Pool) -> None:
    manager = QueueManager(_queue(pool), Channel(QUEUE_SETTINGS.channel))
    for name, handler in JOBS.items():
        manager.entrypoint(name, on_failure="hold")(_guarded(context, handler))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, manager.shutdown.set)
    beats = [asyncio.create_task(beat) for beat in _beats(context)]
    beats.append(asyncio.create_task(keep_certificates(context.outside)))
    try:
        await manager.run(
            dequeue_timeout=timedelta(seconds=2),
            heartbeat_timeout=HEARTBEAT,
            max_concurrent_tasks=20,
        )
    finally:
        for beat in beats:
            beat.cancel()
            with suppress(asyncio.CancelledError):
                await beat


def _guarded(context: JobContext, handler: Handler) -> Callable[[Job], Awaitable[None]]:
    """Count the start (a crash leaves no other trace), retry with back-off, hold after N."""

    async def job(job: Job) -> None:
        structlog.contextvars.bind_contextvars(request_id=f"job-{job.id}", job=job.entrypoint)
        try:
            starts = await _count_start(context, job.id)
        except Exception as error:
            # Whoever cannot reach the database has not begun, and says nothing of the job.
            log.warning("job not begun", error=type(error).__name__)
            raise RetryRequested(FIRST_RETRY) from None
        if starts > MAX_STARTS:
            raise JobFailed(f"held after {MAX_STARTS} starts")
        try:
            await handler(context, msgspec.json.decode(job.payload or b"{}"))
        except RetryLater as later:
            # An outside system that has no answer yet is not a failure of ours.
            await _forget_starts(context, job.id)
            raise RetryRequested(later.after) from None
        except Exception as error:
            log.error("job failed", error=type(error).__name__, where=_places(error), starts=starts)
            if starts >= MAX_STARTS:
                raise JobFailed(type(error).__name__) from None
            delay = min(FIRST_RETRY * 2 ** (starts - 1), LONGEST_RETRY)
            raise RetryRequested(delay, type(error).__name__) from None
        await _forget_starts(context, job.id)

    return job


def _places(error: Exception) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename.rsplit('/app/')[-1]}:{frame.lineno}" for frame in frames[-6:]]


async def _count_start(context: JobContext, job_id: int) -> int:
    async with context.transaction() as session:
        starts = await session.scalar(
            text(
                "insert into job_start (job_id, starts) values (:id, 1)"
                " on conflict (job_id) do update set starts = job_start.starts + 1"
                " returning starts"
            ),
            {"id": job_id},
        )
    return int(starts or 0)


async def _forget_starts(context: JobContext, job_id: int) -> None:
    """A count that cannot be dropped stays behind: what the job did is done all the same."""
    try:
        async with context.transaction() as session:
            await session.execute(text("delete from job_start where job_id = :id"), {"id": job_id})
    except Exception as error:
        log.warning("starts not forgotten", error=type(error).__name__)


def _beats(context: JobContext) -> list[Coroutine[Any, Any, None]]:
    beats = [
        _every(timedelta(seconds=1), "deadlines", lambda: _deadlines(context)),
        _every(timedelta(seconds=2), "audit seal", lambda: _seal(context)),
        _every(REFRESH_EVERY, "vault refresh", lambda: _refresh_vault(context)),
        _every(timedelta(hours=1), "expired rows", lambda: _drop_expired(context)),
    ]
    for job, period in TIMERS.items():
        beats.append(_every(period, job, partial(_ask, context, job)))
    return beats


async def _every(period: timedelta, name: str, act: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await act()
        except Exception as error:
            log.warning("beat failed", beat=name, error=type(error).__name__)
        await asyncio.sleep(period.total_seconds())


async def _deadlines(context: JobContext) -> None:
    async with context.transaction() as session:
        now = await business_now(session, sandbox=context.settings.sandbox)
        await enqueue_due(session, now)


async def _seal(context: JobContext) -> None:
    async with context.transaction() as session:
        await audit.seal_batch(session)


async def _refresh_vault(context: JobContext) -> None:
    async with context.transaction() as session:
        await context.vault.refresh(session)


async def _drop_expired(context: JobContext) -> None:
    async with context.transaction() as session:
        await session.execute(text("delete from stored_answer where expires_at < now()"))
        await session.execute(text("delete from rate_counter where window_ends_at < now()"))


async def _ask(context: JobContext, job: str) -> None:
    async with context.transaction() as session:
        await enqueue(session, job, {"asked": str(new_id())}, dedupe_key=f"timer:{job}")
