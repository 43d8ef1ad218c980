"""What the worker does with jobs that fail, wait, crash or are due; on a queue of its own."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job
from sqlalchemy import text

from app import worker
from app.integrations.outside import connect
from app.kernel import audit
from app.kernel.clock import business_now, move_business_clock
from app.kernel.database import Database
from app.kernel.ids import new_id
from app.kernel.jobs import Handler, JobContext, RetryLater, enqueue, schedule
from app.kernel.principal import SYSTEM
from app.kernel.vault import open_vault
from app.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture
async def context(settings: Settings, fresh_database_url: str) -> AsyncIterator[JobContext]:
    """What the worker gives to handlers, over a database without any other job."""
    ours = settings.model_copy(update={"database_url": fresh_database_url})
    database = Database(ours)
    await database.open()
    async with connect(ours) as outside:
        yield JobContext(database, open_vault(ours), ours, outside)
    await database.close()


async def rows(context: JobContext, sql: str, **values: Any) -> list[tuple[Any, ...]]:
    async with context.transaction() as session:
        return [tuple(row) for row in (await session.execute(text(sql), values)).all()]


async def starts_of(context: JobContext, job: Job) -> int:
    found = await rows(context, "select starts from job_start where job_id = :id", id=job.id)
    return int(found[0][0]) if found else 0


async def queued(context: JobContext, name: str) -> Job:
    """A job of this name as the queue holds it."""
    async with context.transaction() as session:
        await enqueue(session, name, {"number": 7})
        row = (
            await session.execute(
                text("select * from pgqueuer.pgqueuer where entrypoint = :name order by id desc"),
                {"name": name},
            )
        ).first()
    assert row is not None
    return Job.model_validate(dict(row._mapping))


class Broken:
    """A handler that always fails in its own way, and remembers how often it was called."""

    def __init__(self, failure: BaseException | None) -> None:
        self.failure = failure
        self.payloads: list[Mapping[str, Any]] = []

    async def __call__(self, _context: JobContext, payload: Mapping[str, Any]) -> None:
        self.payloads.append(payload)
        if self.failure is not None:
            raise self.failure


async def test_a_failing_job_waits_longer_each_time_and_is_held_after_eight_starts(
    context: JobContext,
) -> None:
    broken = Broken(ValueError("names a person"))
    job = await queued(context, "test.broken")
    run = worker._guarded(context, broken)
    delays = []
    for _ in range(worker.MAX_STARTS - 1):
        with pytest.raises(RetryRequested) as again:
            await run(job)
        delays.append(again.value.delay)
        assert "person" not in str(again.value)
    assert delays == [timedelta(seconds=2**power) for power in range(7)]
    with pytest.raises(worker.JobFailed, match=r"\AValueError\Z"):
        await run(job)
    assert (len(broken.payloads), await starts_of(context, job)) == (8, 8)


async def test_waiting_for_an_outside_system_is_not_counted(context: JobContext) -> None:
    job = await queued(context, "test.later")
    run = worker._guarded(context, Broken(RetryLater(timedelta(seconds=3))))
    for _ in range(worker.MAX_STARTS + 2):
        with pytest.raises(RetryRequested) as again:
            await run(job)
        assert again.value.delay == timedelta(seconds=3)
    assert await starts_of(context, job) == 0


async def test_a_crash_counts_and_the_ninth_start_does_not_run(context: JobContext) -> None:
    job = await queued(context, "test.crash")
    crash = Broken(KeyboardInterrupt())
    for _ in range(worker.MAX_STARTS):
        with pytest.raises(KeyboardInterrupt):
            await worker._guarded(context, crash)(job)
    healthy = Broken(None)
    with pytest.raises(worker.JobFailed):
        await worker._guarded(context, healthy)(job)
    assert healthy.payloads == []


async def test_a_job_is_not_held_because_the_database_is_away(
    context: JobContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither before it begins, nor when it is put off, nor after it did its work."""
    job = await queued(context, "test.away")
    url = context.settings.database_url.replace("/test_", "/gone_")
    gone = Database(context.settings.model_copy(update={"database_url": url}))
    healthy = Broken(None)
    for _ in range(worker.MAX_STARTS + 1):
        with pytest.raises(RetryRequested):
            await worker._guarded(replace(context, database=gone), healthy)(job)
    assert healthy.payloads == []

    def losing(failure: Exception | None) -> Broken:
        class Losing(Broken):
            async def __call__(self, context: JobContext, payload: Mapping[str, Any]) -> None:
                lost.setattr(context.database, "transaction", gone.transaction)
                await super().__call__(context, payload)

        return Losing(failure)

    with monkeypatch.context() as lost:
        await worker._guarded(context, done := losing(None))(job)
    assert done.payloads == [{"number": 7}]
    with monkeypatch.context() as lost, pytest.raises(RetryRequested) as again:
        await worker._guarded(context, losing(RetryLater(timedelta(seconds=3))))(job)
    assert again.value.delay == timedelta(seconds=3)
    assert await starts_of(context, job) == 2


async def test_a_retry_that_cannot_be_written_leaves_the_job_to_be_taken_over(
    context: JobContext,
) -> None:
    job = await queued(context, "test.away")
    async with worker._listening_pool(context.settings) as pool:
        queue = worker._queue(pool)
    await queue.retry_job(job, timedelta(seconds=1), None)
    found = "select status::text, attempts from pgqueuer.pgqueuer where id = :id"
    assert await rows(context, found, id=job.id) == [(job.status, job.attempts)]


async def test_success_forgets_the_starts(context: JobContext) -> None:
    job = await queued(context, "test.twice")
    with pytest.raises(RetryRequested):
        await worker._guarded(context, Broken(ValueError()))(job)
    assert await starts_of(context, job) == 1
    await worker._guarded(context, Broken(None))(job)
    assert await starts_of(context, job) == 0


@pytest.mark.long
async def test_the_running_worker_retries_holds_and_stops_on_sigterm(
    context: JobContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real queue: what fails is tried again and kept, what works is gone."""
    broken, healthy = Broken(ValueError()), Broken(None)
    jobs: Mapping[str, Handler] = {"test.broken": broken, "test.healthy": healthy}
    monkeypatch.setattr(worker, "JOBS", jobs)
    monkeypatch.setattr(worker, "TIMERS", {})
    monkeypatch.setattr(worker, "FIRST_RETRY", timedelta(milliseconds=1))
    for name in jobs:
        await queued(context, name)
    async with worker._listening_pool(context.settings) as pool:
        working = asyncio.create_task(worker._work(context, pool))
        held = "select entrypoint from pgqueuer.pgqueuer where status = 'failed'"
        for _ in range(600):
            if await rows(context, held):
                break
            await asyncio.sleep(0.05)
        assert await rows(context, held) == [("test.broken",)]
        signal.raise_signal(signal.SIGTERM)
        await asyncio.wait_for(working, 10)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
    assert (len(broken.payloads), healthy.payloads) == (worker.MAX_STARTS, [{"number": 7}])
    assert await rows(context, "select entrypoint from pgqueuer.pgqueuer") == [("test.broken",)]


async def test_a_deadline_fires_once_when_the_business_clock_has_passed_it(
    context: JobContext,
) -> None:
    subject = new_id()
    due = "select entrypoint, convert_from(payload, 'utf8') from pgqueuer.pgqueuer"
    async with context.transaction() as session:
        now = await business_now(session, sandbox=True)
        await schedule(session, "test.due", subject, now + timedelta(days=9))
        await schedule(session, "test.due", subject, now + timedelta(days=2))
    await worker._deadlines(context)
    assert await rows(context, due) == []
    async with context.transaction() as session:
        await move_business_clock(session, timedelta(days=2, seconds=5))
    await asyncio.gather(*(worker._deadlines(context) for _ in range(4)))
    assert await rows(context, due) == [("test.due", f'{{"subject_id":"{subject}"}}')]


async def test_a_timer_asks_only_while_nobody_has_been_asked(context: JobContext) -> None:
    for _ in range(3):
        await worker._ask(context, "test.timer")
    count = "select count(*) from pgqueuer.pgqueuer where entrypoint = 'test.timer'"
    assert await rows(context, count) == [(1,)]


async def test_the_audit_trail_is_sealed(context: JobContext) -> None:
    async with context.transaction() as session:
        await audit.record(session, SYSTEM, "test.act", subject="test", subject_ids=[new_id()])
    await worker._seal(context)
    async with context.transaction() as session:
        assert await audit.verify(session) == (1, [])


async def test_a_failing_beat_beats_on() -> None:
    beats, enough = 0, asyncio.Event()

    async def act() -> None:
        nonlocal beats
        beats += 1
        if beats == 3:
            enough.set()
        raise OSError("the database is away")

    beating = asyncio.create_task(worker._every(timedelta(), "test", act))
    await asyncio.wait_for(enough.wait(), 5)
    beating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await beating
