"""Supervision without the application: deaths, back-off, order of stopping, no orphans."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from app.launcher.children import Service, Supervisor

folder = Path(sys.argv[1])
def note(line):
    with (folder / "notes").open("a") as notes: notes.write(line + "\\n")

def steady(name, gate):
    gate()
    note(f"{name} serves {os.getpid()}")
    def stop(*_): note(f"{name} stops"); sys.exit(0)
    signal.signal(signal.SIGTERM, stop)
    while True: time.sleep(1)

supervisor = Supervisor(tell=note)
with supervisor.watching():
    for name in ("api", "simulators"):
        supervisor.start(Service(name, lambda gate, name=name: steady(name, gate)))
    question = supervisor.ask(lambda: "in a child", folder / "setup.log")
    note("prepared " + supervisor.answer(question, lambda: None))
    supervisor.open_gate()
    supervisor.supervise(lambda: None)
    supervisor.stop()
note("ended")
"""


class Run:
    """The program above, and what it noted."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.process = process

    def notes(self) -> list[str]:
        notes = self.folder / "notes"
        return notes.read_text().splitlines() if notes.exists() else []

    def wait_for(self, words: str, times: int = 1) -> str:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found = [line for line in self.notes() if words in line]
            if len(found) >= times:
                return found[-1]
            time.sleep(0.02)
        raise AssertionError(f"{words!r} not in {self.notes()}")


@contextmanager
def running(folder: Path) -> Iterator[Run]:
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(folder)])
    try:
        yield Run(folder, process)
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with running(tmp_path) as program:
        yield program


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while Path("/proc", str(pid)).exists():
        assert time.monotonic() < deadline, f"{pid} is still there"
        time.sleep(0.02)


def test_nobody_serves_before_the_gate_opens_and_the_last_started_stops_last(run: Run) -> None:
    run.wait_for("simulators serves")
    run.wait_for("api serves")
    assert run.notes()[0] == "prepared in a child"
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(10) == 0
    assert run.notes()[-3:] == ["api stops", "simulators stops", "ended"]


def test_a_killed_child_is_started_again_after_a_growing_pause(run: Run) -> None:
    for death, pause in ((1, "0.5 s"), (2, "1 s")):
        pid = int(run.wait_for("api serves", times=death).rpartition(" ")[2])
        os.kill(pid, signal.SIGKILL)
        told = run.wait_for("api was killed", times=death)
        assert told == f"api was killed by SIGKILL; starting it again in {pause}"
    run.wait_for("api serves", times=3)
    run.process.terminate()
    assert run.process.wait(10) == 0


def test_a_killed_parent_leaves_no_child(run: Run) -> None:
    pids = [
        int(run.wait_for(f"{name} serves").rpartition(" ")[2]) for name in ("api", "simulators")
    ]
    run.process.kill()
    for pid in pids:
        wait_until_gone(pid)
