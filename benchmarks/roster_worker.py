"""The worker's part of `roster`: a process that has imported what a worker imports, no more."""

import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from uuid import UUID

import uvloop

from app import worker
from app.kernel.database import Database
from app.kernel.jobs import JobContext
from app.kernel.memory import give_back_large_blocks
from app.kernel.vault import open_vault
from app.launcher.serving import settle_memory
from app.rosters import jobs, queries
from app.rosters.models import Roster
from app.rosters.reading import open_file
from app.settings import Settings
from app.subscriptions import SUBSCRIPTIONS

ROWS = 100_000


@asynccontextmanager
async def worker_context() -> AsyncIterator[JobContext]:
    """This process as a worker: it has imported and settled like one."""
    settle_memory()
    give_back_large_blocks()
    settings = Settings()
    database = Database(
        settings, subscriptions=SUBSCRIPTIONS, command_timeout=worker.COMMAND_SECONDS
    )
    vault = open_vault(settings)
    await database.open()
    async with database.transaction() as session:
        await vault.refresh(session)
    try:
        yield JobContext(database, vault, settings, None)
    finally:
        await database.close()


async def _as_worker(part: str, roster_id: UUID) -> dict[str, float]:
    """One part in this process."""
    async with worker_context() as context:
        return await PARTS[part](context, roster_id)


async def _apply(context: JobContext, roster_id: UUID) -> dict[str, float]:
    """Seconds from a file that waits to a roster that is applied."""
    base = memory_mb()
    cpu, started = time.process_time(), time.perf_counter()
    await jobs.apply_roster(context, {"roster_id": str(roster_id)})
    seconds, used = time.perf_counter() - started, time.process_time() - cpu
    async with context.transaction() as session:
        roster = await session.get_one(Roster, roster_id)
    return {
        "seconds": seconds,
        "cpu_seconds": used,
        "base_mb": base,
        "peak_mb": memory_mb(),
        "enrolled": roster.enrolled,
        "unchanged": roster.unchanged,
    }


async def _read(context: JobContext, roster_id: UUID) -> dict[str, float]:
    """Seconds to fetch, open and parse the file without looking at a row; median of three."""
    taken = []
    for _ in range(3):
        started = time.perf_counter()
        async with context.transaction() as session:
            body = await queries.read_body(session, context.vault, roster_id)
        if sum(1 for _ in open_file("text/csv", body).rows()) != ROWS:
            raise RuntimeError("the file was not read in full")
        taken.append(time.perf_counter() - started)
    return {"reading_seconds": median(taken)}


PARTS = {"read": _read, "apply": _apply}


def memory_mb() -> float:
    """This process's high-water mark; unlike getrusage it forgets the parent's."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    print(json.dumps(uvloop.run(_as_worker(sys.argv[1], UUID(sys.argv[2])))))
