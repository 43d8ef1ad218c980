"""`redumbrella keys …` and `redumbrella audit …`: renewing keys, proving the audit trail.

Heavy imports happen inside the commands. Everything here connects as the owner of the
schema: the application's own role may not rewrite append-only tables.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from app.kernel.database import Database
    from app.kernel.rotation import Tally
    from app.kernel.vault import KeysetKind, Vault
    from app.settings import Settings

keys = typer.Typer(help="Keys that protect personal data and sign tokens.", no_args_is_help=True)
audit = typer.Typer(help="The audit trail.", no_args_is_help=True)

Wait = Annotated[
    bool,
    typer.Option(
        "--wait/--no-wait",
        help="Wait until every process knows the new key; without it, run the command again later.",
    ),
]


def read_settings() -> "Settings":
    """The settings of this environment; ends the command with a message without a database."""
    from pydantic import ValidationError

    from app.settings import Settings

    try:
        settings = Settings()
    except ValidationError as error:
        messages = "; ".join(str(problem["msg"]) for problem in error.errors())
        raise typer.BadParameter(f"the environment is not complete: {messages}") from None
    if not settings.database_url:
        raise typer.BadParameter("set DATABASE_URL (postgresql://user:password@host/database)")
    return settings


def run(work: Coroutine[Any, Any, int]) -> None:
    """Run a command to its exit status."""
    raise typer.Exit(asyncio.run(work))


@asynccontextmanager
async def as_owner(settings: "Settings") -> "AsyncIterator[tuple[Database, Vault]]":
    """Database as its owner, with patience, and the vault with its keysets."""
    import app.models  # noqa: F401  every table must be known
    from app.kernel.database import Database
    from app.kernel.migrate import owner_url
    from app.kernel.vault import open_vault

    owner = settings.model_copy(
        update={"database_url": owner_url(settings), "database_role": "none"}
    )
    database, vault = Database(owner, command_timeout=60), open_vault(settings)
    try:
        async with database.transaction() as session:
            await vault.refresh(session)
        yield database, vault
    finally:
        await database.close()


@keys.command("rotate-records")
def rotate_records(wait: Wait = True) -> None:
    """Seal every record of personal data under a new key, then retire the old one."""
    run(_rotate(read_settings(), "record", wait=wait))


@keys.command("rotate-index")
def rotate_index(wait: Wait = True) -> None:
    """Make every blind index again under a new key, then retire the old one."""
    run(_rotate(read_settings(), "index", wait=wait))


async def _rotate(settings: "Settings", kind: "KeysetKind", *, wait: bool) -> int:
    from app.kernel import rotation
    from app.kernel.clock import system_now
    from app.kernel.database import Base

    async with as_owner(settings) as (database, vault):
        async with database.transaction() as session:
            newest = await rotation.begin_rotation(session, vault, kind)
        in_use = newest.active_at + rotation.SETTLING
        typer.echo(f"{kind} key {newest.version} is in use by every process from {in_use:%H:%M:%S}")
        if system_now() < in_use:
            if not wait:
                typer.echo("run the command again after that; nothing was rewritten yet")
                return 0
            await _wait_until(in_use)
        async with database.transaction() as session:
            await vault.refresh(session)
        work = rotation.reseal if kind == "record" else rotation.reindex
        tally = await work(database, vault, Base.metadata)
        return await _finish(database, newest.version, kind, tally)


async def _finish(database: "Database", version: int, kind: str, tally: "Tally") -> int:
    from app.kernel import audit as trail
    from app.kernel import rotation
    from app.kernel.principal import SYSTEM
    from app.kernel.vault import Keyset

    typer.echo(f"{tally.rewritten} rewritten, {tally.failed} do not open")
    if tally.failed:
        typer.echo("the old key is kept, because rows are left that need looking into", err=True)
        return 1
    async with database.transaction() as session:
        newest = await session.get_one(Keyset, (kind, version))
        retired = await rotation.retire_older(session, newest)
        details = {"kind": kind, "version": version, "rewritten": tally.rewritten}
        await trail.record(
            session, SYSTEM, "keyset.rotate", subject="keyset", subject_ids=[], details=details
        )
    typer.echo(f"{retired} old key(s) retired")
    return 0


async def _wait_until(instant: datetime) -> None:
    from app.kernel.clock import system_now

    seconds = int((instant - system_now()).total_seconds()) + 1
    with typer.progressbar(range(seconds), label="every process learns the new key") as steps:
        for _ in steps:
            await asyncio.sleep(1)


@audit.command("verify")
def verify() -> None:
    """Recompute the hash chain; exit status 1 when an entry was edited or is missing."""
    run(_verify(read_settings()))


async def _verify(settings: "Settings") -> int:
    from app.kernel import audit as trail

    async with as_owner(settings) as (database, _), database.transaction() as session:
        checked, faults = await trail.verify(session)
    for fault in faults:
        typer.echo(f"{fault.kind}: seal {fault.seal_number}, entry {fault.position}", err=True)
    typer.echo(f"{checked} entries checked, {len(faults)} faults")
    return 1 if faults else 0
