"""`redumbrella found`: a city's first day, before there is anybody who could log in."""

from typing import Annotated

import typer

from app.kernel.cli import as_owner, read_settings, run


def found(
    name: Annotated[str, typer.Argument(help="The municipal office's name.")],
    area: Annotated[str | None, typer.Option(help="Its area code, six digits.")] = None,
) -> None:
    """Found a municipal office and print its id; then `staff create` makes its administrator."""
    run(_found(name, area))


async def _found(name: str, area: str | None) -> int:
    from sqlalchemy.exc import IntegrityError

    from app.kernel.clock import system_now
    from app.kernel.principal import SYSTEM
    from app.organisations.service import create_root

    async with as_owner(read_settings()) as (database, _):
        try:
            async with database.transaction() as session:
                office = await create_root(session, SYSTEM, name, system_now(), area_code=area)
        except IntegrityError:
            raise typer.BadParameter(f"there is no area with the code {area}") from None
    typer.echo(str(office.id))
    return 0
