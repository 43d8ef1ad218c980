"""The `redumbrella` command. Heavy imports happen inside the commands."""

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from app.access import cli as access
from app.kernel import cli as kernel
from app.organisations import cli as organisations
from app.plans import cli as plans

app = typer.Typer(
    name="redumbrella",
    help="Red Umbrella 红伞: enrolment, cover and claims of union mutual aid for gig workers.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
)

DataDir = Annotated[Path, typer.Option(help="Where database, files, secrets and logs are kept.")]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
DATA_DIR = Path(".data")


@app.command()
def run(
    data_dir: DataDir = DATA_DIR,
    port: Annotated[
        int | None, typer.Option(help="The API's port; 8000 or a free one if left out.")
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Log to this terminal instead of files.")
    ] = False,
) -> None:
    """Start everything on this machine: database, API, worker, simulated outside systems."""
    # Compiling everything anew would cost each start a second of CPU.
    sys.dont_write_bytecode = False
    from app.launcher.run import run as run_everything

    run_everything(data_dir, port, verbose=verbose)


@app.command()
def api(
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes sharing the port.")] = 1,
) -> None:
    """Serve the API (production: any number of these behind a proxy)."""
    from app.launcher.production import run_api

    run_api(host, port, workers)


@app.command()
def worker() -> None:
    """Run jobs and timers (production: one or more of these)."""
    from app.launcher.production import run_worker

    run_worker()


@app.command()
def simulators(
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8001,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Serve the simulated outside systems alone."""
    from app.launcher.production import run_simulators

    run_simulators(host, port, data_dir)


@app.command()
def migrate() -> None:
    """Bring the database to the newest revision (as its owner)."""
    from app.launcher.production import run_migrations

    typer.echo("migrated" if run_migrations() else "already up to date")


@app.command("demo-data")
def demo_data() -> None:
    """Load demonstration organisations, staff, plans and codes; safe to repeat."""
    from app.launcher.production import load_demonstration

    typer.echo(load_demonstration())


@app.command()
def openapi() -> None:
    """Print the OpenAPI document as JSON."""
    from app.launcher.production import openapi_document

    typer.echo(openapi_document())


@app.command()
def journey(
    base_url: Annotated[
        str | None, typer.Option(help="The API; found by itself when `run` runs here.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print for machines.")] = False,
    riders: Annotated[int, typer.Option(min=1, help="How many riders go the whole way.")] = 1,
    concurrency: Annotated[int, typer.Option(min=1, help="How many at the same time.")] = 1,
    scenario: Annotated[
        str | None,
        typer.Option(
            help="One story instead: relief, appeal, straight-through, four-eyes,"
            " returned-document, payout-expiry, death."
        ),
    ] = None,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Go from scanning a code to money received, over HTTP, and check every step."""
    from app.journey.main import run as run_journey
    from app.journey.scenarios import SCENARIOS

    if scenario is not None and scenario not in SCENARIOS:
        raise typer.BadParameter(f"one of {', '.join(SCENARIOS)}", param_hint="--scenario")

    raise typer.Exit(
        run_journey(
            base_url=base_url,
            json_output=json,
            riders=riders,
            concurrency=concurrency,
            data_dir=data_dir,
            scenario=scenario,
        )
    )


# Groups of commands that a package brings along (its own cli.py keeps heavy imports inside
# the commands too).
app.add_typer(kernel.keys, name="keys")
app.add_typer(kernel.audit, name="audit")
app.add_typer(access.app, name="staff")
app.add_typer(plans.app, name="plans")
app.command("found")(organisations.found)


def main() -> None:
    """Entry point: a failure that somebody can mend is a message, not a traceback."""
    from app.kernel.postgres import PostgresStartError
    from app.launcher import advice
    from app.launcher.surroundings import LaunchError

    try:
        app()
    except (LaunchError, PostgresStartError) as error:
        _end(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        words = advice.words(error)
        if words is None:
            raise
        _end(words)


def _end(words: str) -> NoReturn:
    typer.secho(f"\n{words}", fg=typer.colors.RED, err=True)
    sys.exit(1)
