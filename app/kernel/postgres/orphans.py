"""A server or a pid file left over by a run that was killed."""

import os
import signal
import subprocess
import time
from pathlib import Path

from app.kernel.postgres.runtime import PostgresStartError

ORPHAN_TIMEOUT = 15.0


def pid_file_lines(cluster: Path) -> list[str]:
    """Of postmaster.pid: pid first, state eighth; empty without such a file."""
    try:
        return (cluster / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []


def stop_orphan(cluster: Path) -> None:
    """Stop a server still running on this folder; forget a pid that now is another process.

    The caller holds the folder's lock, so whatever runs there has lost its starter.
    PostgreSQL itself refuses to start when the pid in the file is alive, whoever that is.
    """
    lines = pid_file_lines(cluster)
    if not lines or not lines[0].isdigit():
        return
    pid = int(lines[0])
    if not _serves(pid, cluster):
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        return
    deadline = time.monotonic() + ORPHAN_TIMEOUT
    os.kill(pid, signal.SIGINT)
    while _serves(pid, cluster):
        if time.monotonic() > deadline:
            raise PostgresStartError(
                f"An earlier PostgreSQL (process {pid}) still uses {cluster} and does not stop.\n"
                f"End it with: kill -QUIT {pid}"
            )
        time.sleep(0.02)


def _serves(pid: int, cluster: Path) -> bool:
    """Whether `pid` is a live postmaster whose data folder is `cluster`."""
    if Path("/proc/self/cmdline").exists():  # not on macOS
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        except OSError:
            return False
        return "postgres" in command and str(cluster) in command  # a zombie's is empty
    printed = subprocess.run(
        ["ps", "-ww", "-o", "stat=,command=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return not printed.startswith("Z") and "postgres" in printed and str(cluster) in printed
