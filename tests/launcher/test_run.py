"""`redumbrella run` as a person meets it: starts, answers, stops cleanly, leaves nothing."""

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from app.launcher import instance

REDUMBRELLA = Path(sys.executable).with_name("redumbrella")
START_SECONDS = 60


class Run:
    """One started command; every process it makes carries `mark` in its environment."""

    def __init__(self, data_dir: Path, *arguments: str, **environment: str) -> None:
        self.data_dir = data_dir
        self.mark = uuid.uuid4().hex
        ours = ("REDUMBRELLA_", "DATABASE_URL")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self.process = subprocess.Popen(
            [str(REDUMBRELLA), "run", "--data-dir", str(data_dir), *arguments],
            env=kept | {"MARK": self.mark} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_until_ready(self) -> instance.Instance:
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            found = instance.find(self.data_dir)
            if found is not None:
                return found
            time.sleep(0.05)
        self.process.kill()
        raise AssertionError(self.process.communicate()[0])

    def processes(self) -> list[str]:
        """Names of the processes that are still there."""
        alive = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() in (folder / "environ").read_bytes():
                    alive.append((folder / "comm").read_text().strip())
            except OSError:
                continue
        return alive

    def wait_until_gone(self) -> None:
        deadline = time.monotonic() + 15
        while self.processes():
            assert time.monotonic() < deadline, self.processes()
            time.sleep(0.05)


@contextmanager
def started(data_dir: Path, *arguments: str, **environment: str) -> Iterator[Run]:
    run = Run(data_dir, *arguments, **environment)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.process.terminate()
        run.process.communicate(timeout=30)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run") / ".data"


@pytest.mark.long
def test_starts_answers_and_leaves_nothing_however_it_ends(data_dir: Path) -> None:
    with started(data_dir) as run:
        found = run.wait_until_ready()
        assert found.pid == run.process.pid
        assert (data_dir / "run.json").stat().st_mode & 0o777 == 0o600
        assert httpx.get(f"{found.base_url}/readyz", timeout=START_SECONDS).status_code == 200
        assert httpx.get(f"{found.simulator_url}/healthz", timeout=START_SECONDS).status_code == 200
        second = subprocess.run(
            [REDUMBRELLA, "run", "--data-dir", data_dir], capture_output=True, text=True
        )
        assert second.returncode == 1
        assert f"in use by another run (process {run.process.pid})" in second.stderr
        run.process.send_signal(signal.SIGINT)
        printed, _ = run.process.communicate(timeout=20)
        assert run.process.returncode == 0, printed
        assert "make journey" in printed
        assert f"{found.base_url}/docs" in printed
        assert not run.processes()
        assert instance.find(data_dir) is None

    with started(data_dir) as again:
        again.wait_until_ready()
        again.process.kill()
        again.process.communicate()
        again.wait_until_gone()
        assert (data_dir / "run.json").exists()
        assert instance.find(data_dir) is None, "a file left by a killed run does not count"

    with started(data_dir) as after_the_crash:
        found = after_the_crash.wait_until_ready()
        assert httpx.get(f"{found.base_url}/readyz", timeout=START_SECONDS).status_code == 200


@pytest.mark.parametrize(
    ("environment", "advice"),
    [
        (
            {"DATABASE_URL": "postgresql://nobody:hidden@127.0.0.1:1/nothing"},
            "The database cannot be reached",
        ),
        ({"DATABASE_URL": "mysql://nobody:hidden@127.0.0.1/nothing"}, "DATABASE_URL: write it as"),
        ({"REDUMBRELLA_ENVIRONMENT": "production"}, "Unset REDUMBRELLA_ENVIRONMENT"),
        ({"REDUMBRELLA_DATABASE_POOL_SIZE": "many"}, "REDUMBRELLA_DATABASE_POOL_SIZE:"),
    ],
)
def test_a_failed_start_says_what_to_do(
    tmp_path: Path, environment: dict[str, str], advice: str
) -> None:
    with started(tmp_path / ".data", **environment) as run:
        printed, _ = run.process.communicate(timeout=START_SECONDS)
        assert run.process.returncode == 1
        assert advice in printed
        assert "Traceback" not in printed
        assert "hidden" not in printed


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with started(tmp_path / ".data", "--port", port) as run:
            printed, _ = run.process.communicate(timeout=START_SECONDS)
    assert run.process.returncode == 1
    assert f"Port {port} cannot be used" in printed


def test_what_lies_in_the_way_is_named(tmp_path: Path) -> None:
    file, folder = tmp_path / "file", tmp_path / "folder"
    file.touch()
    (folder / "postgres" / "cluster").mkdir(parents=True)
    for data_dir, advice in (
        (file, "choose another --data-dir"),
        (folder, "put a backup back, or move that folder away"),
    ):
        with started(data_dir) as run:
            printed, _ = run.process.communicate(timeout=START_SECONDS)
        assert run.process.returncode == 1
        assert advice in printed
        assert "Traceback" not in printed
