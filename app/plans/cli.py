"""`redumbrella plans …`: writing, checking and publishing plans from the console.

Heavy imports happen inside the commands. Only those that name a plan by its code, import
or load need a database.
"""

from pathlib import Path
from typing import Annotated

import typer

from app.kernel.cli import run

app = typer.Typer(help="The catalogue of plans.", no_args_is_help=True)

Files = Annotated[
    list[Path], typer.Argument(exists=True, dir_okay=False, help="YAML, or JSON by its name.")
]
Code = Annotated[str, typer.Argument(help="The plan's code.")]


@app.callback()
def plans() -> None:
    """The catalogue of plans."""


@app.command("load")
def load() -> None:
    """Publish the plans that come with the service, where they are not known yet.

    Some of their parameters are demonstrations: read `source` in each file first.
    """
    from app.plans import console

    run(console.load())


@app.command("check")
def check(files: Files) -> None:
    """Check documents: every fault with its place and in plain words; exit status 1 if any."""
    from app.plans import console

    raise typer.Exit(console.check(files))


@app.command("import")
def import_(
    files: Files,
    publish: Annotated[bool, typer.Option("--publish", help="Publish them at once.")] = False,
) -> None:
    """Draft the next version of each file's plan; one that is there already stays as it is."""
    from app.plans import console

    run(console.import_files(files, publish=publish))


@app.command("export")
def export(
    code: Code,
    number: Annotated[
        int | None, typer.Option(help="Which version; the newest published one if left out.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON instead of YAML.")] = False,
) -> None:
    """Print a version as a file that can be edited and imported again."""
    from app.plans import console

    run(console.export(code, number, as_json=json))


@app.command("diff")
def diff(
    was: Annotated[str, typer.Argument(help="A file, CODE or CODE@NUMBER.")],
    becomes: Annotated[str, typer.Argument(help="A file, CODE or CODE@NUMBER.")],
) -> None:
    """What changes from the one to the other, place by place."""
    from app.plans import console

    run(console.diff(was, becomes))


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of plan documents."""
    from app.plans import console

    console.schema()


@app.command("list")
def list_() -> None:
    """Every version of every plan: its status and the days on which it is sold."""
    from app.plans import console

    run(console.list_versions())
