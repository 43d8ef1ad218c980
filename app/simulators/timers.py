"""The simulators' own clock, and what is to happen later; both survive a restart."""

import asyncio
import contextlib
import heapq
import itertools
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from app.simulators.store import Store

log = logging.getLogger(__name__)

Action = Callable[[str], Awaitable[None]]


class Clock:
    """Real time plus an offset that can only grow; signatures never use it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._offset = float((store.get("clock", "offset") or {"seconds": 0})["seconds"])

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._offset)

    def advance(self, seconds: float) -> None:
        self._offset += seconds
        self._store.put("clock", "offset", {"seconds": self._offset})


class Timers:
    """Named actions with one argument, run at or after a time, again if a run was cut off."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._actions: dict[str, Action] = {}
        self._heap: list[tuple[float, int, str, str]] = []
        self._order = itertools.count()
        self._wake = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()

    def on(self, name: str, action: Action) -> None:
        """Say once what a name means."""
        self._actions[name] = action

    def set(self, name: str, argument: str, delay_seconds: float) -> None:
        """Let `name` happen to `argument` later; a second call moves the time."""
        at = self._clock.now().timestamp() + delay_seconds
        record = {"name": name, "argument": argument, "at": at}
        self._store.put("timer", f"{name} {argument}", record)
        self._push(at, name, argument)

    def wake(self) -> None:
        """Look again: the clock was advanced."""
        self._wake.set()

    def _push(self, at: float, name: str, argument: str) -> None:
        heapq.heappush(self._heap, (at, next(self._order), name, argument))
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled; cancels what it started."""
        for record in self._store.all("timer"):
            self._push(record["at"], record["name"], record["argument"])
        try:
            while True:
                self._wake.clear()
                wait = self._start_due()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), wait)
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    def _start_due(self) -> float | None:
        """Start what is due; the seconds until the next one, None if there is none."""
        while self._heap:
            at, _, name, argument = self._heap[0]
            wait = at - self._clock.now().timestamp()
            if wait > 0:
                return wait
            heapq.heappop(self._heap)
            record = self._store.get("timer", f"{name} {argument}")
            if record is None or record["at"] != at:
                continue  # it has run, or was moved
            task = asyncio.create_task(self._happen(name, argument, at))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return None

    async def _happen(self, name: str, argument: str, at: float) -> None:
        try:
            await self._actions[name](argument)
        except Exception:
            log.exception("a timed action failed", extra={"action": name})
        record = self._store.get("timer", f"{name} {argument}")
        if record is not None and record["at"] == at:  # not set again by the action
            self._store.delete("timer", f"{name} {argument}")
