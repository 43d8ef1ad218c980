"""Replaying many people: in this process, or in a few of their own where there are cores."""

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from multiprocessing import get_context, parent_process
from typing import Any, NamedTuple
from uuid import UUID

from app.claims.replay import PersonRows, Script, replay
from app.claims.simulation_queries import Reader
from app.claims.simulation_sums import Sums, summed
from app.plans.terms import PlanTerms

# Below this a process takes longer to start than the claims take.
WORTH_PROCESSES = 20_000
MOST_PROCESSES = 3


class Part(NamedTuple):
    """What one slice came to, up to and including `through`."""

    through: UUID
    claims: int
    sums: Sums


def processes(claims: int) -> int:
    """How many processes to replay so many claims in; none: a thread of this one.

    Reading, opening and the database take about as much as one core.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return min(cores - 1, MOST_PROCESSES) if claims >= WORTH_PROCESSES else 0


async def parts(
    reader: Reader, after: UUID | None, executor: Executor, ahead: int
) -> AsyncGenerator[Part]:
    """Every slice after a person, in order; `ahead` of them are under way at a time."""
    loop = asyncio.get_running_loop()
    waiting: list[tuple[UUID, asyncio.Future[tuple[int, Sums]]]] = []
    people: Sequence[PersonRows] | None = None
    try:
        while people is None or people or waiting:
            if people is None or people:
                people = await reader.people_after(after)
            if people:
                after = people[-1].claims[0].person_id
                waiting.append((after, loop.run_in_executor(executor, _replayed, people)))
            if waiting and (not people or len(waiting) > ahead):
                through, working = waiting.pop(0)
                yield Part(through, *await working)
    finally:
        for _, working in waiting:
            working.cancel()


@asynccontextmanager
async def executor_for(
    script: Script, versions: Mapping[UUID, str], number: int
) -> AsyncIterator[Executor]:
    """Something that runs `_replayed` with the script and the versions' documents at hand."""
    if number == 0:
        executor: Executor = ThreadPoolExecutor(1, "replay", _begin, (script, versions))
    else:
        content = script.terms.model_dump_json(by_alias=True, exclude_unset=True)
        arguments = (content, dict(script.renamed), versions)
        executor = ProcessPoolExecutor(number, get_context("spawn"), _begin_process, arguments)
    try:
        yield executor
    finally:
        await asyncio.to_thread(executor.shutdown, wait=True, cancel_futures=True)


def _begin(script: Script, versions: Mapping[UUID, str]) -> None:
    sold = {
        version_id: PlanTerms.model_validate_json(document)
        for version_id, document in versions.items()
    }
    _local.script = replace(script, versions=sold)


def _begin_process(document: str, renamed: dict[str, str], versions: Mapping[UUID, str]) -> None:
    """Parse the documents once; end with the parent, however it ends."""
    _begin(Script(PlanTerms.model_validate_json(document), renamed), versions)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: Any) -> None:
    parent.join()
    os._exit(1)


class _Local(threading.local):
    """Each executor's thread has a script of its own."""

    script: Script


_local = _Local()


def _replayed(people: Sequence[PersonRows]) -> tuple[int, Sums]:
    """How many claims counted, and their sums."""
    outcomes = [
        outcome
        for person in people
        for outcome in replay(_local.script, person)
        if outcome.claim.counted
    ]
    return len(outcomes), summed(outcomes)
