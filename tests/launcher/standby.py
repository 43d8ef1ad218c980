"""A physical standby of a running cluster, and the death of its primary."""

import os
import signal
import subprocess
import time
from pathlib import Path

from app.kernel import postgres
from app.kernel.postgres.runtime import environment, find_runtime

PRIMARY = {"wal_level": "replica", "max_wal_senders": "8", "synchronous_commit": "on"}


def clone(primary: postgres.Running, data_dir: Path, name: str) -> postgres.Running:
    """Copy the primary with pg_basebackup and start the copy as a standby called `name`."""
    runtime = find_runtime()
    data_dir.mkdir(mode=0o700)
    home = runtime.home_of(data_dir)
    runtime.own(home)
    address = f"host={primary.socket_dir} port=5432 user=postgres application_name={name}"
    command = runtime.command(
        "pg_basebackup",
        *("--dbname", address, "--pgdata", str(home / "cluster")),
        *("--wal-method=stream", "--checkpoint=fast", "--write-recovery-conf", "--no-sync"),
    )
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=environment(),
        cwd="/",
        user=runtime.user,
        group=runtime.user,
        extra_groups=None if runtime.user is None else (),
    )
    assert done.returncode == 0, done.stderr
    return postgres.start(data_dir, settings=PRIMARY)


def wait_for(running: postgres.Running, sql: str, wanted: str, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while (found := running.psql(sql)) != wanted:
        assert time.monotonic() < deadline, f"{sql}: {found}"
        time.sleep(0.02)


def kill_at_once(running: postgres.Running) -> None:
    """The server and all its processes, as a machine dies."""
    pids = running.psql("select pid from pg_stat_activity").split()
    running.process.kill()
    for pid in map(int, pids):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    running.process.wait()


def promote(standby: postgres.Running) -> None:
    assert standby.psql("select pg_promote(true, 30)") == "t"
