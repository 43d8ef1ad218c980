"""Models and revisions agree (alembic check), and no revision locks a live table (squawk)."""

import base64
import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from pydantic import SecretStr

from app.kernel import migrate, postgres
from app.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
# Nothing has been released before this revision: no installation has tables that are in use
# while these run. Every later revision has to spare live tables.
LAST_BEFORE_RELEASE = "0015"
ABOUT_LIVE_TABLES = (
    "ban-drop-constraint",
    "ban-drop-not-null",
    "constraint-missing-not-valid",
    "require-concurrent-index-creation",
    "require-concurrent-index-deletion",
)


def main() -> int:
    data_dir = ROOT / ".test-data" / f"check-{os.getpid()}"
    server = postgres.start(data_dir, fsync=False)
    try:
        return max(compare_models(server.dsn()), lint_revisions(server.dsn()))
    finally:
        server.stop()
        shutil.rmtree(data_dir, ignore_errors=True)


def compare_models(database_url: str) -> int:
    """Upgrade an empty database and ask alembic what it would still change."""
    settings = Settings(
        environment="test",
        database_url=database_url,
        master_key=SecretStr(base64.b64encode(bytes(32)).decode()),
    )
    migrate.upgrade(settings)
    try:
        command.check(migrate.alembic_config(database_url))
    except CommandError as error:
        print("alembic check: " + str(error).replace("), (", "),\n  ("))
        return 1
    return 0


def lint_revisions(database_url: str) -> int:
    """Every revision's SQL, each in a file named like the revision, through squawk."""
    config = migrate.alembic_config(database_url)
    revisions = list(ScriptDirectory.from_config(config).walk_revisions())
    with tempfile.TemporaryDirectory() as folder:
        for revision in revisions:
            written = io.StringIO()
            config.output_buffer = written
            start = revision.down_revision or "base"
            with contextlib.redirect_stdout(written):
                command.upgrade(config, f"{start}:{revision.revision}", sql=True)
            file = Path(folder, f"{Path(revision.path).stem}.sql")
            file.write_text(written.getvalue())
        files = sorted(Path(folder).iterdir())
        early = [str(file) for file in files if file.name[:4] <= LAST_BEFORE_RELEASE]
        later = [str(file) for file in files if file.name[:4] > LAST_BEFORE_RELEASE]
        always = tomllib.loads((ROOT / ".squawk.toml").read_text())["excluded_rules"]
        # Given on the command line, exclusions replace those of the settings.
        spared = f"--exclude={','.join([*always, *ABOUT_LIVE_TABLES])}"
        return max(_squawk(early, spared), _squawk(later))


def _squawk(files: list[str], *options: str) -> int:
    if not files:
        return 0
    settings = str(ROOT / ".squawk.toml")
    return subprocess.run(
        ["squawk", "--config", settings, "--reporter", "gcc", *options, *files], check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
