"""Forked children: started without importing anything again, watched, restarted, stopped."""

import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TypeVar

from app.launcher import forking
from app.launcher.forking import Question

Result = TypeVar("Result")
Gate = Callable[[], None]

FIRST_BACK_OFF = 0.5
LONGEST_BACK_OFF = 5.0
# Somebody who lived this long was healthy: the next death starts counting afresh.
HEALTHY_SECONDS = 60.0
STOP_SECONDS = 6.0


class StopRequested(Exception):
    """SIGINT, SIGTERM or SIGHUP arrived while waiting for something else."""


@dataclass(frozen=True)
class Service:
    """A process to keep running. `run` builds what it needs, then passes the gate, then serves.

    With a `log` its output goes there; otherwise it shares the terminal.
    """

    name: str
    run: Callable[[Gate], None]
    log: Path | None = None


@dataclass
class Child:
    service: Service
    pid: int = 0
    started: float = 0.0
    deaths: int = 0
    restart_at: float = 0.0
    status: int = 0

    @property
    def pause(self) -> float:
        return float(min(FIRST_BACK_OFF * 2 ** (self.deaths - 1), LONGEST_BACK_OFF))

    def last_words(self) -> str:
        """What happened to it, for a person."""
        if os.WIFSIGNALED(self.status):
            manner = f"was killed by {signal.Signals(os.WTERMSIG(self.status)).name}"
        else:
            manner = f"ended with status {os.waitstatus_to_exitcode(self.status)}"
        where = f" (its log: {self.service.log})" if self.service.log else ""
        return f"{self.service.name} {manner}; starting it again in {self.pause:g} s{where}"


@dataclass
class Supervisor:
    """Owns the signals of this process, and its children; no threads, no event loop.

    Use inside `watching()`. `tell` is called with messages for a person.
    """

    tell: Callable[[str], None]
    stop_requested: bool = False
    children: list[Child] = field(default_factory=list)
    _awake: tuple[int, int] = (-1, -1)
    _gate: tuple[int, int] = (-1, -1)
    _asked: int = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        self._awake = os.pipe()
        self._gate = os.pipe()
        for descriptor in self._awake:
            os.set_blocking(descriptor, False)
        handlers = {
            signum: signal.signal(signum, self._on_signal)
            for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
        }
        signal.set_wakeup_fd(self._awake[1], warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(-1)
            for signum, handler in handlers.items():
                signal.signal(signum, handler)
            for descriptor in (*self._awake, *(end for end in self._gate if end >= 0)):
                os.close(descriptor)

    def _on_signal(self, signum: int, _frame: FrameType | None) -> None:
        if signum != signal.SIGCHLD:
            self.stop_requested = True

    def sleep(self, seconds: float, *also: int) -> bool:
        """Until a signal, until one of `also` can be read (then True), or for that long."""
        readable, _, _ = select.select([self._awake[0], *also], [], [], seconds)
        with suppress(BlockingIOError):
            os.read(self._awake[0], 4096)
        return any(descriptor in readable for descriptor in also)

    def start(self, service: Service) -> Child:
        """Fork; the child waits at the gate until `open_gate`, if that is still to come."""
        child = Child(service)
        self.children.append(child)
        self._fork(child)
        return child

    def open_gate(self) -> None:
        """Let the children serve, now and for ever."""
        os.close(self._gate[1])
        self._gate = (self._gate[0], -1)

    def check(self) -> None:
        """Raises StopRequested if a signal asked for it."""
        if self.stop_requested:
            raise StopRequested

    def ask(self, function: Callable[[], Result], log: Path | None) -> Question[Result]:
        """Have a child work out `function`; fetch the result with `answer`."""
        question = forking.ask(function, log, self._ours())
        self._asked = question.pid
        return question

    def answer(self, question: Question[Result], while_waiting: Gate) -> Result:
        """Wait for it. Raises ChildError with what it raised, StopRequested on a signal."""
        received = bytearray()
        while True:
            while_waiting()
            self.check()
            if self.sleep(0.1, question.reader):
                part = os.read(question.reader, 65536)
                if not part:
                    break
                received += part
        os.close(question.reader)
        os.waitpid(question.pid, 0)
        self._asked = 0
        return forking.understand(question, bytes(received))

    def supervise(self, tend: Gate) -> None:
        """Restart whoever dies, with growing pauses, until asked to stop. `tend` runs often."""
        while not self.stop_requested:
            self.sleep(0.5)
            tend()
            for child in self.children:
                if self.stop_requested:
                    return
                if child.pid and self.bury(child):
                    self.tell(child.last_words())
                if child.pid == 0 and time.monotonic() >= child.restart_at:
                    self._fork(child)

    def bury(self, child: Child) -> bool:
        """Notice a death; returns whether the child is dead."""
        if child.pid == 0:
            return True
        pid, status = os.waitpid(child.pid, os.WNOHANG)
        if pid == 0:
            return False
        now = time.monotonic()
        child.pid = 0
        child.deaths = 1 if now - child.started > HEALTHY_SECONDS else child.deaths + 1
        child.restart_at = now + child.pause
        child.status = status
        return True

    def stop(self) -> None:
        """End the children in the order they were started, all but the last one together.

        The last started is the one that the others still call while they finish. A
        second Ctrl-C does not wait.
        """
        if self._asked:
            os.kill(self._asked, signal.SIGKILL)
            os.waitpid(self._asked, 0)
            self._asked = 0
        self._stop(self.children[:-1])
        self._stop(self.children[-1:])

    def _stop(self, children: Sequence[Child]) -> None:
        self.stop_requested = False
        for child in children:
            self._send(child, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while alive := [child for child in children if not self._ended(child)]:
            if self.stop_requested or time.monotonic() > deadline:
                for child in alive:
                    self._send(child, signal.SIGKILL)
                deadline = time.monotonic() + STOP_SECONDS
                self.stop_requested = False
            self.sleep(0.1)

    @staticmethod
    def _send(child: Child, signum: signal.Signals) -> None:
        if child.pid:
            with suppress(ProcessLookupError):
                os.kill(child.pid, signum)

    @staticmethod
    def _ended(child: Child) -> bool:
        if child.pid and os.waitpid(child.pid, os.WNOHANG)[0]:
            child.pid = 0
        return child.pid == 0

    def _fork(self, child: Child) -> None:
        child.started = time.monotonic()
        child.pid = forking.fork(
            lambda: child.service.run(self._pass_gate), child.service.log, self._ours()
        )

    def _ours(self) -> list[int]:
        """Descriptors that a child must not keep: an open gate shows by its writer's end."""
        return [end for end in (*self._awake, self._gate[1]) if end >= 0]

    def _pass_gate(self) -> None:
        """In a child: wait for `open_gate`, which shows as the end of an empty pipe."""
        os.read(self._gate[0], 1)
