"""The embedded PostgreSQL: warm starts, crashes, leftovers, and who may use it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.kernel import postgres

Start = Callable[[], postgres.Running]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Deep on purpose: a socket inside would not fit."""
    return tmp_path_factory.mktemp("deep") / ("很深的文件夹" * 6) / "postgres"


@pytest.fixture
def start(data_dir: Path) -> Iterator[Start]:
    started: list[postgres.Running] = []

    def start() -> postgres.Running:
        started.append(postgres.start(data_dir, fsync=False))
        return started[-1]

    yield start
    for running in started:
        running.stop()


def gone(pid: int, within: float = 10.0) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            if Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def test_owner_owns_the_database_and_data_survives_a_restart(start: Start) -> None:
    running = start()
    running.psql(
        "CREATE EXTENSION IF NOT EXISTS pg_trgm; CREATE EXTENSION IF NOT EXISTS btree_gist;"
        "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('重庆')",
        database=postgres.DATABASE,
        user=postgres.OWNER,
    )
    running.stop()
    again = start()
    found = "SELECT similarity(word, '重庆市') > 0, current_setting('listen_addresses') FROM kept"
    assert again.psql(found, database=postgres.DATABASE, user=postgres.OWNER) == "t|"
    assert again.socket_dir.stat().st_mode & 0o777 == 0o700


def test_a_killed_postmaster_recovers(start: Start) -> None:
    running = start()
    running.psql("CREATE TABLE before_crash (); CHECKPOINT", database=postgres.DATABASE)
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.wait()
    running.stop()
    assert start().psql("SELECT count(*) FROM before_crash", database=postgres.DATABASE) == "0"


def test_a_stale_pid_file_naming_a_living_process_is_forgotten(
    start: Start, data_dir: Path
) -> None:
    start().stop()
    pid_file = data_dir / "cluster" / "postmaster.pid"
    # Our parent would be taken for the server, and "ready" must not be believed.
    lines = [str(os.getppid()), str(data_dir / "cluster"), "0", "5432", "", "", "0 0", "ready   "]
    pid_file.write_text("\n".join(lines) + "\n")
    assert start().psql("SELECT 1") == "1"


def test_a_second_start_is_refused_and_told_who_holds_it(start: Start, data_dir: Path) -> None:
    start()
    code = (
        "import sys; from pathlib import Path; from app.kernel import postgres\n"
        "try: postgres.start(Path(sys.argv[1]), fsync=False)\n"
        "except postgres.PostgresStartError as error: sys.exit(str(error))"
    )
    second = subprocess.run(
        [sys.executable, "-c", code, str(data_dir)], capture_output=True, text=True
    )
    assert second.returncode == 1
    assert f"in use by another run (process {os.getpid()})" in second.stderr


def test_data_of_another_version_is_refused(start: Start, data_dir: Path) -> None:
    start().stop()
    version = data_dir / "cluster" / "PG_VERSION"
    kept = version.read_text()
    version.write_text("15\n")
    try:
        with pytest.raises(postgres.PostgresStartError, match="made by PostgreSQL 15"):
            start()
    finally:
        version.write_text(kept)


def test_the_server_ends_with_a_killed_parent_and_the_next_start_waits_for_it(
    start: Start, data_dir: Path
) -> None:
    code = (
        "import sys, time; from pathlib import Path; from app.kernel import postgres\n"
        "running = postgres.start(Path(sys.argv[1]), fsync=False)\n"
        "print(running.process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(data_dir)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        postmaster = int(parent.stdout.readline())
        parent.kill()
    assert start().psql("SELECT 1") == "1"
    assert gone(postmaster)


def test_the_log_keeps_rows_and_statements_out(start: Start) -> None:
    running = start()
    with pytest.raises(postgres.PostgresStartError, match="duplicate key"):
        running.psql(
            "CREATE TEMP TABLE riders (phone text PRIMARY KEY);"
            "INSERT INTO riders VALUES ('13800000000'), ('13800000000')"
        )
    log = running.log_file.read_text()
    assert "duplicate key" in log
    assert "13800000000" not in log
