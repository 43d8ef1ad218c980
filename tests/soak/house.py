"""The service as `make run` starts it, with a hand on the throat of each of its processes."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.launcher import instance

ROOT = Path(__file__).parents[2]
LAUNCH = (sys.executable, "-m", "tests.soak.launch")
START_SECONDS = 90.0


@dataclass
class House:
    """One `redumbrella run` and its processes, known by the log that each of them writes."""

    data_dir: Path
    process: subprocess.Popen[bytes]
    running: instance.Instance

    def pid_of(self, name: str) -> int | None:
        """The child that serves as `name` now, if it is up."""
        log = str(self.data_dir.absolute() / "logs" / f"{name}.log")
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == self.process.pid and os.readlink(folder / "fd" / "1") == log:
                    return int(folder.name)
            except (OSError, ValueError):
                continue
        return None

    def postmaster(self) -> int | None:
        try:
            file = self.data_dir / "postgres" / "cluster" / "postmaster.pid"
            return int(file.read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None

    def kill(self, name: str) -> bool:
        """SIGKILL; False when there is nothing to kill at this moment."""
        pid = self.postmaster() if name == "postgres" else self.pid_of(name)
        if pid is None:
            return False
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True


@contextmanager
def house(data_dir: Path) -> Iterator[House]:
    """Start everything on a free port; stopped cleanly at the end."""
    ours = ("REDUMBRELLA_", "DATABASE_URL")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "run.out").open("wb") as output:
        process = subprocess.Popen(
            [*LAUNCH, "run", "--data-dir", str(data_dir.absolute()), "--port", "0"],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield House(data_dir, process, _wait_until_ready(data_dir, process))
        finally:
            process.terminate()
            process.wait(60)


def _wait_until_ready(data_dir: Path, process: subprocess.Popen[bytes]) -> instance.Instance:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        found = instance.find(data_dir)
        if found is not None:
            return found
        time.sleep(0.1)
    raise AssertionError((data_dir / "run.out").read_text(errors="replace"))


def harass(
    there: House,
    over: Callable[[float], bool],
    kills: Counter[str],
    *,
    every: float,
    victims: Iterable[str],
) -> None:
    """Kill one victim after another until `over`, which waits that many seconds, says so."""
    for name in victims:
        if over(every):
            return
        if there.kill(name):
            kills[name] += 1
