"""`redumbrella plans …`: the catalogue from the console."""

import typer

from app.kernel.cli import as_owner, read_settings, run

app = typer.Typer(help="The catalogue of plans.", no_args_is_help=True)


@app.callback()
def plans() -> None:
    """The catalogue of plans."""


@app.command("load")
def load() -> None:
    """Publish the plans that come with the service, where they are not known yet.

    Some of their parameters are demonstrations: read `source` in each file first.
    """
    run(_load())


async def _load() -> int:
    from app.kernel.clock import system_now
    from app.plans import catalogue

    async with as_owner(read_settings()) as (database, _), database.transaction() as session:
        typer.echo(f"{await catalogue.load(session, system_now())} plans published")
    return 0
