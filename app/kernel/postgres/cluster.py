"""One PostgreSQL cluster in one folder: make it, start it, stop it, survive crashes."""

import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.kernel.postgres import orphans, sockets
from app.kernel.postgres.death import dying_with_me
from app.kernel.postgres.locks import lock_folder, unlock_folder
from app.kernel.postgres.runtime import (
    PostgresStartError,
    Runtime,
    environment,
    find_runtime,
    major_version,
)

SUPERUSER = "postgres"
OWNER = "redumbrella_owner"
DATABASE = "redumbrella"
# Bytes of the log from which it is put aside at the next start.
LOG_LIMIT = 10_000_000
# Seconds, here and below.
READY_TIMEOUT = 60.0
# Old backends need a moment to notice that their postmaster was killed.
BACKENDS_PATIENCE = 10.0

# With the libc locale "C", trigram search of Chinese silently finds nothing.
INITDB = (
    *("--username", SUPERUSER, "--auth=trust", "--no-instructions", "--encoding=UTF8"),
    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
    *("--lc-collate=C", "--lc-ctype=C.UTF-8"),
)
# A statement of `postgres --single -j` ends with a semicolon and an empty line.
BOOTSTRAP = f"""\
CREATE ROLE {OWNER} LOGIN CREATEROLE CREATEDB;

CREATE DATABASE {DATABASE} OWNER {OWNER};

"""
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "cluster_name": "redumbrella",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    # Rows and statements hold personal data: keep both out of the log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
}
# For throw-away data: nothing is promised to survive a power cut.
UNSAFE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}

NOT_WHOLE = "Its files are not whole: put a backup back, or move that folder away to start afresh."
# What the server says about files that it misses or cannot believe.
DAMAGE = (
    "could not access the server configuration file",
    "could not find the database system",
    "could not locate a valid checkpoint record",
    "incorrect checksum in control file",
)


@dataclass(frozen=True)
class Running:
    """A started server. Use `stop`, or end: it never outlives the process that started it."""

    home: Path
    socket_dir: Path
    process: subprocess.Popen[bytes]
    lock: int
    log_offset: int

    def dsn(self, database: str = DATABASE, user: str = OWNER) -> str:
        """URL for SQLAlchemy's asyncpg driver."""
        return sockets.dsn(self.socket_dir, database, user)

    def psql(self, sql: str, *, database: str = "postgres", user: str = SUPERUSER) -> str:
        """Run statements and return what they print."""
        return sockets.psql(self.socket_dir, sql, database=database, user=user)

    def alive(self) -> bool:
        return self.process.poll() is None

    def wait_until_ready(self, timeout: float = READY_TIMEOUT) -> None:
        """Block until connections are accepted. Raises PostgresStartError."""
        deadline = time.monotonic() + timeout
        while not self._ready():
            if not self.alive():
                raise _explain(self)
            if time.monotonic() > deadline:
                self.stop()
                raise PostgresStartError(
                    f"PostgreSQL was not ready after {timeout:.0f} s; read {self.log_file}."
                )
            time.sleep(0.005)

    @property
    def log_file(self) -> Path:
        return self.home / "postgres.log"

    def _ready(self) -> bool:
        # The file of an earlier server may still say "ready": only our own pid counts.
        lines = orphans.pid_file_lines(self.home / "cluster")
        return len(lines) >= 8 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready"

    def stop(self, timeout: float = 10.0) -> None:
        """Fast shutdown: open transactions roll back, a checkpoint is written. Idempotent."""
        for signum in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if not self.alive():
                break
            self.process.send_signal(signum)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                continue
        self.process.wait()
        if self.socket_dir.parent != self.home:
            with suppress(OSError):
                self.socket_dir.rmdir()
        unlock_folder(self.lock)


def start(
    data_dir: Path, *, fsync: bool = True, settings: Mapping[str, str] | None = None
) -> Running:
    """Start the cluster in `data_dir` (made if absent) and wait until it accepts connections.

    Raises PostgresStartError, whose message says what to do.
    """
    deadline = time.monotonic() + BACKENDS_PATIENCE
    while True:
        running = launch(data_dir, fsync=fsync, settings=settings)
        try:
            running.wait_until_ready()
        except PostgresStartError as error:
            unlock_folder(running.lock)
            if "still in use" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return running


def launch(
    data_dir: Path, *, fsync: bool = True, settings: Mapping[str, str] | None = None
) -> Running:
    """`start` without waiting, so that the caller can do something useful meanwhile."""
    runtime = find_runtime()
    data_dir = data_dir.absolute()
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = lock_folder(data_dir)
    try:
        home = runtime.home_of(data_dir)
        runtime.own(home)
        cluster = home / "cluster"
        orphans.stop_orphan(cluster)
        if not cluster.exists():
            _initialise(runtime, home, sync=fsync)
        _check_version(cluster)
        socket_dir = sockets.socket_folder(home)
        runtime.own(socket_dir)
        chosen = SETTINGS | ({} if fsync else UNSAFE) | dict(settings or {})
        chosen["unix_socket_directories"] = str(socket_dir)
        return _spawn(runtime, home, socket_dir, chosen, lock)
    except BaseException:
        unlock_folder(lock)
        raise


def _spawn(
    runtime: Runtime, home: Path, socket_dir: Path, settings: Mapping[str, str], lock: int
) -> Running:
    log_file = home / "postgres.log"
    if log_file.exists() and log_file.stat().st_size > LOG_LIMIT:
        log_file.replace(home / "postgres.log.1")
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with log_file.open("ab") as log:
        offset = log.tell()
        process = subprocess.Popen(
            runtime.command("postgres", "-D", str(home / "cluster"), *options),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment(),
            cwd="/",
            user=runtime.user,
            group=runtime.user,
            extra_groups=None if runtime.user is None else (),
            start_new_session=True,  # Ctrl-C in the terminal is for us, not for the server
            preexec_fn=dying_with_me(signal.SIGINT),  # noqa: PLW1509 - one prctl, no locks
        )
    return Running(home, socket_dir, process, lock, offset)


def _initialise(runtime: Runtime, home: Path, *, sync: bool) -> None:
    """Make the cluster under another name first: a killed initdb leaves nothing half-made."""
    partial = home / "cluster.partial"
    shutil.rmtree(partial, ignore_errors=True)
    no_sync = () if sync else ("--no-sync",)
    _run(runtime, "initdb", "--pgdata", str(partial), *no_sync, *INITDB)
    _run(runtime, "postgres", "--single", "-j", "-D", str(partial), SUPERUSER, stdin=BOOTSTRAP)
    partial.rename(home / "cluster")


def _run(runtime: Runtime, program: str, *arguments: str, stdin: str = "") -> None:
    done = subprocess.run(
        runtime.command(program, *arguments),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
        cwd="/",
        user=runtime.user,
        group=runtime.user,
        extra_groups=None if runtime.user is None else (),
        start_new_session=True,
        preexec_fn=dying_with_me(signal.SIGKILL),
    )
    if done.returncode != 0 or "ERROR:" in done.stderr:
        raise PostgresStartError(_advise(f"{program} failed:\n{done.stdout}{done.stderr}"))


def _check_version(cluster: Path) -> None:
    try:
        made_by = (cluster / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise PostgresStartError(f"{cluster} is no PostgreSQL cluster.\n{NOT_WHOLE}") from None
    if made_by != str(major_version()):
        raise PostgresStartError(
            f"{cluster} was made by PostgreSQL {made_by}, and this project now brings"
            f" {major_version()}.\nMove it away to start afresh"
            f" (mv {cluster} {cluster}-{made_by}), or keep the data with that version's"
            " pg_dump first."
        )


def _explain(running: Running) -> PostgresStartError:
    with running.log_file.open("rb") as log:
        log.seek(running.log_offset)
        said = log.read().decode(errors="replace").strip()
    return PostgresStartError(
        _advise(f"PostgreSQL did not start:\n{said[-2000:]}\n(log: {running.log_file})")
    )


def _advise(said: str) -> str:
    advice = {
        "No space left on device": "The disk is full: free some space and start again.",
        "could not create shared memory": "Shared memory is exhausted: give the container"
        " more (docker run --shm-size=256m), or stop other databases.",
        "Permission denied": "Give the user who starts this the right to write there.",
        "has wrong ownership": "Start it as the user who made these files, or give them to this"
        " user (chown -R).",
    }
    advice |= dict.fromkeys(DAMAGE, NOT_WHOLE)
    hints = dict.fromkeys(hint for sign, hint in advice.items() if sign in said)
    return "\n".join([said, *hints])
