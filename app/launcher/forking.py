"""Forking: what a child does before its own work, and how it answers a question."""

import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, NoReturn, TypeVar

from app.kernel.postgres import die_with
from app.launcher import advice

Result = TypeVar("Result")


class ChildError(Exception):
    """What a child's function raised, as text."""


@dataclass(frozen=True)
class Question(Generic[Result]):
    """A function that a child is working out; its answer arrives at `reader`."""

    pid: int
    reader: int


def fork(run: Callable[[], None], log: Path | None, close: Sequence[int] = ()) -> int:
    """Start `run` in a child that ends with us, its output in `log`; returns its pid.

    Only for a process without threads and without an event loop.
    """
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _become_child(parent, run, log, close)
    return pid


def ask(function: Callable[[], Result], log: Path | None, close: Sequence[int]) -> Question[Result]:
    """Have a child work out `function`, so that its loop and threads never exist here."""
    reader, writer = os.pipe()
    pid = fork(lambda: _answer(function, writer), log, (reader, *close))
    os.close(writer)
    return Question(pid, reader)


def understand(question: Question[Result], received: bytes) -> Result:
    """The result. Raises ChildError with what the function raised, or when it was killed."""
    if not received:
        raise ChildError("the process that prepares the database was killed")
    error, result = pickle.loads(received)  # noqa: S301 - our own child wrote it
    if error is not None:
        raise ChildError(error)
    return result  # type: ignore[no-any-return]


def _become_child(
    parent: int, run: Callable[[], None], log: Path | None, close: Sequence[int]
) -> NoReturn:
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        for signum in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(signum, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _follow(parent)
        os.setsid()  # Ctrl-C in the terminal is for the parent, which stops us in order
        for descriptor in close:
            os.close(descriptor)
        if log is not None:
            _redirect(log)
        run()
        status = 0
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else 1
    except BaseException as error:
        words = advice.words(error)
        if words is None:
            traceback.print_exc()
        else:
            sys.stderr.write(f"{words}\n")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _answer(function: Callable[[], object], writer: int) -> None:
    try:
        answer = pickle.dumps((None, function()))
    except Exception as error:
        traceback.print_exc()
        answer = pickle.dumps((str(error) or type(error).__name__, None))
    with os.fdopen(writer, "wb") as pipe:
        pipe.write(answer)


def _redirect(log: Path) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    os.close(nothing)


def _follow(parent: int) -> None:
    """End when the parent ends, even by SIGKILL."""
    if die_with(parent, signal.SIGKILL):
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
