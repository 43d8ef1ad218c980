"""Bringing a database to the newest revision, and what every revision may use."""

import asyncio
from pathlib import Path

import asyncpg
import sqlalchemy as sa
from alembic import command, op
from alembic.config import Config
from alembic.script import ScriptDirectory

from app.kernel.database import Database, asyncpg_dsn, sqlalchemy_url
from app.kernel.transitions import install_lifecycles
from app.kernel.vault import install_keysets
from app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def alembic_config(database_url: str) -> Config:
    """The project's alembic configuration, aimed at one database."""
    config = Config(str(ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["database_url"] = sqlalchemy_url(database_url)
    return config


def owner_url(settings: Settings) -> str:
    return settings.migration_database_url or settings.database_url


async def _stamped_revision(settings: Settings) -> str | None:
    connection = await asyncpg.connect(
        asyncpg_dsn(owner_url(settings)), timeout=settings.database_connect_timeout
    )
    try:
        if await connection.fetchval("select to_regclass('alembic_version')") is None:
            return None
        revision: str | None = await connection.fetchval("select version_num from alembic_version")
        return revision
    finally:
        await connection.close()


def is_current(settings: Settings) -> bool:
    """Whether the database already stands at the newest revision; cheap."""
    script = ScriptDirectory.from_config(alembic_config(owner_url(settings)))
    return asyncio.run(_stamped_revision(settings)) == script.get_current_head()


def upgrade(settings: Settings) -> bool:
    """Run missing revisions as the owner, then install the transition tables and keysets.

    Returns whether anything had to be done. Raises what asyncpg raises when the
    database cannot be reached. Not to be called from a running event loop.
    """
    import app.models  # noqa: F401  every Lifecycle must be defined before installing them

    if is_current(settings):
        return False
    command.upgrade(alembic_config(owner_url(settings)), "head")
    asyncio.run(_install(settings))
    return True


async def _install(settings: Settings) -> None:
    owner = settings.model_copy(
        update={"database_url": owner_url(settings), "database_role": "none"}
    )
    database = Database(owner)
    try:
        async with database.transaction() as session:
            await install_lifecycles(session)
            await install_keysets(session, settings)
    finally:
        await database.close()


def append_only(*tables: str) -> None:
    """In a revision: the application's role may insert and read these tables, nothing else."""
    for table in tables:
        op.execute(f"revoke update, delete, truncate on {table} from redumbrella_app")


def keys(table: str, **columns: str) -> list[sa.ForeignKeyConstraint]:
    """In a revision: foreign keys of a new table, `column="table.column"`, named as everywhere."""
    return [
        sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}__{column}"))
        for column, target in columns.items()
    ]


def rules(table: str, **conditions: str) -> list[sa.CheckConstraint]:
    """In a revision: CHECKs of a new table by their names."""
    return [
        sa.CheckConstraint(condition, name=op.f(f"ck_{table}__{name}"))
        for name, condition in conditions.items()
    ]


def constrain(table: str, name: str, rule: str, *, instead: bool = False) -> None:
    """In a revision: a rule for a table in use, from now on; `instead` of one of that name.

    Nobody waits for a look at the rows: a later revision proves it by `validate constraint`
    in a transaction of its own.
    """
    if instead:
        drop_constraint(table, name)
    op.execute(f"alter table {table} add constraint {name} {rule} not valid")


def drop_constraint(table: str, name: str) -> None:
    """In a revision: end a rule; whoever relied on it is this service, which comes with it."""
    op.execute(f"-- squawk-ignore ban-drop-constraint\nalter table {table} drop constraint {name}")
