"""Reaching a server by its Unix socket: where the socket lies, its URL, one-shot SQL."""

import hashlib
import os
import re
import stat
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

from app.kernel.postgres import runtime

PORT = 5432
# sun_path holds 108 bytes on Linux and 104 on macOS, "/.s.PGSQL.5432" and a NUL included.
LONGEST_FOLDER = 89
PLAIN_PATH = re.compile(r"[\w./+-]+", re.ASCII)


def socket_folder(home: Path) -> Path:
    """A folder short and plain enough for a socket: inside `home`, else a private one in /tmp.

    The name in /tmp is derived from `home`, so that crashes do not litter it.
    """
    inside = home / "socket"
    path = str(inside)
    if len(os.fsencode(path)) <= LONGEST_FOLDER and PLAIN_PATH.fullmatch(path):
        return inside
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    name = f"redumbrella-{os.geteuid()}-{digest}"
    short = Path(tempfile.gettempdir(), name)
    if len(os.fsencode(short)) > LONGEST_FOLDER:
        short = Path("/tmp", name)  # noqa: S108 - checked for its owner below
    short.mkdir(mode=0o700, exist_ok=True)
    status = short.lstat()
    owners = {os.geteuid(), runtime.NOBODY} if os.geteuid() == 0 else {os.geteuid()}
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in owners:
        raise runtime.PostgresStartError(
            f"{short} belongs to somebody else; remove it, or set TMPDIR to a folder of your own."
        )
    return short


def dsn(socket_dir: Path, database: str, user: str, *, driver: str = "postgresql+asyncpg") -> str:
    """For SQLAlchemy; with `driver="postgresql"` for asyncpg and libpq."""
    host = quote(str(socket_dir), safe="/")
    return f"{driver}://{quote(user)}@/{quote(database)}?host={host}&port={PORT}"


def psql(socket_dir: Path, sql: str, *, database: str = "postgres", user: str = "postgres") -> str:
    """Run statements, one after another, and return what they print, unaligned.

    Raises PostgresStartError with the server's message.
    """
    done = subprocess.run(
        [
            runtime.programs() / "psql",
            *("--no-psqlrc", "--quiet", "--tuples-only", "--no-align"),
            *("--set", "ON_ERROR_STOP=1", "--file", "-"),
            dsn(socket_dir, database, user, driver="postgresql"),
        ],
        input=sql,
        capture_output=True,
        text=True,
        check=False,
        env=runtime.environment(),
    )
    if done.returncode != 0:
        raise runtime.PostgresStartError(done.stderr.strip())
    return done.stdout.strip()
