"""Models and revisions agree (alembic check), and no revision locks a live table (squawk)."""

import base64
import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from pydantic import SecretStr

from app.kernel import migrate, postgres
from app.settings import Settings

ROOT = Path(__file__).resolve().parent.parent


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
        files = sorted(str(file) for file in Path(folder).iterdir())
        settings = str(ROOT / ".squawk.toml")
        return subprocess.run(
            ["squawk", "--config", settings, "--reporter", "gcc", *files], check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
