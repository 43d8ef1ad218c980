"""Whether the database keeps what it has acknowledged (docs/runbook.md, "Durability")."""

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

log = structlog.get_logger("database")

# With any of these a crash of the server or its machine loses commits, or the whole database.
FORGETFUL = {"fsync": ("off",), "full_page_writes": ("off",), "synchronous_commit": ("off",)}
STANDBY_NAMES = "synchronous_standby_names"
# Levels at which a commit waits for a standby, if one is named.
WAITING = ("on", "remote_write", "remote_apply")

_SETTINGS = text("select name, setting from pg_settings where name = any(:names)")


class UnfitDatabase(RuntimeError):
    """Production does not start on this database; the message says why."""


async def refuse_forgetful_database(session: AsyncSession) -> None:
    """Read the settings as they hold for the service's own login; for production only.

    Raises UnfitDatabase that names what is off. Without a synchronous standby commits survive
    a crash but not the loss of the primary's disk: that is said in the log.
    """
    names = [*FORGETFUL, STANDBY_NAMES]
    found = {row.name: row.setting for row in await session.execute(_SETTINGS, {"names": names})}
    wrong = [
        f"{name} = {found[name]}" for name, values in FORGETFUL.items() if found[name] in values
    ]
    if wrong:
        raise UnfitDatabase(f"this database may lose what it has acknowledged: {', '.join(wrong)}")
    if not found[STANDBY_NAMES] or found["synchronous_commit"] not in WAITING:
        log.warning("no synchronous standby", synchronous_commit=found["synchronous_commit"])
