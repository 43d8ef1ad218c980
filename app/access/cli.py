"""`redumbrella staff …` and `redumbrella keys rotate-signing`: what an operator does by hand."""

import getpass
import json
import re
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from app.kernel.cli import as_owner, keys, read_settings, run

if TYPE_CHECKING:
    from app.access.models import StaffAccount
    from app.access.staff_accounts import Secrets

app = typer.Typer(help="Staff accounts.", no_args_is_help=True)

Username = Annotated[str, typer.Argument(help="As typed at login.")]


@app.command("create")
def create(
    username: Username,
    organisation: Annotated[UUID, typer.Option(help="Id of the organisation it works for.")],
    name: Annotated[str, typer.Option(help="Name shown to others.")],
    role: Annotated[
        list[str],
        typer.Option(help="caseworker, reviewer, supervisor, auditor, administrator; repeatable."),
    ],
    password_stdin: Annotated[
        bool,
        typer.Option("--password-stdin", help="Read a lasting password instead of making one."),
    ] = False,
) -> None:
    """Create a staff account and print its secrets as JSON, once."""
    password = _read_password() if password_stdin else None
    run(_create(username, organisation, name, role, password))


@app.command("disable")
def disable(username: Username) -> None:
    """Disable an account: every token of it is dead within five seconds."""
    run(_disable(username))


@app.command("rekey")
def rekey(username: Username) -> None:
    """Give an account a new password and TOTP secret, and print them as JSON, once."""
    run(_rekey(username))


@app.command("list")
def list_accounts() -> None:
    """List every staff account, one a line."""
    run(_list())


@keys.command("rotate-signing")
def rotate_signing() -> None:
    """Publish the next key for signing tokens; nobody is logged out."""
    run(_rotate_signing())


def _read_password() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Password: ")
    return sys.stdin.readline().rstrip("\n")


def _show(account: "StaffAccount", secrets: "Secrets") -> None:
    shown = {"id": str(account.id), "username": account.username, **asdict(secrets)}
    typer.echo(json.dumps(shown, ensure_ascii=False))


async def _create(
    username: str, organisation_id: UUID, name: str, roles: list[str], password: str | None
) -> int:
    from sqlalchemy.exc import IntegrityError

    from app.access import passwords, staff_accounts
    from app.kernel.clock import system_now
    from app.kernel.principal import SYSTEM

    if not re.fullmatch(staff_accounts.USERNAME, username):
        raise typer.BadParameter("a user name has 3 to 40 of a-z, 0-9, dot, dash, underscore")
    if password is not None and len(password) < passwords.MIN_LENGTH:
        raise typer.BadParameter(f"a password has at least {passwords.MIN_LENGTH} characters")
    secrets = staff_accounts.new_secrets(username, password or passwords.initial_password())
    password_hash = await passwords.Passwords().hash(secrets.initial_password)
    async with as_owner(read_settings()) as (database, vault):
        try:
            async with database.transaction() as session:
                account = await staff_accounts.create_staff(
                    session,
                    vault,
                    organisation_id=organisation_id,
                    username=username,
                    display_name=name,
                    roles=roles,
                    password_hash=password_hash,
                    totp_secret=secrets.totp_secret,
                    actor=SYSTEM,
                    now=system_now(),
                    initial=password is None,
                )
        except IntegrityError as error:
            constraint = getattr(getattr(error.orig, "__cause__", None), "constraint_name", "?")
            raise typer.BadParameter(_WHY.get(constraint, f"refused by {constraint}")) from None
    _show(account, secrets)
    return 0


_WHY = {
    "uq_staff_account__username": "this user name is taken",
    "fk_staff_account__organisation_id": "there is no organisation with this id",
    "ck_staff_account__roles": "name one or more of the five roles",
}


async def _disable(username: str) -> int:
    from app.access import staff_accounts
    from app.kernel.clock import system_now
    from app.kernel.principal import SYSTEM
    from app.kernel.problems import InvalidTransition

    async with as_owner(read_settings()) as (database, _), database.transaction() as session:
        account = await staff_accounts.find_by_username(session, username)
        if account is None:
            raise typer.BadParameter("there is no such account")
        try:
            await staff_accounts.disable_staff(session, account, actor=SYSTEM, now=system_now())
        except InvalidTransition:
            typer.echo("it was disabled already")
            return 0
    typer.echo("disabled")
    return 0


async def _rekey(username: str) -> int:
    from app.access import passwords, staff_accounts
    from app.kernel.clock import system_now
    from app.kernel.principal import SYSTEM

    secrets = staff_accounts.new_secrets(username, passwords.initial_password())
    password_hash = await passwords.Passwords().hash(secrets.initial_password)
    async with as_owner(read_settings()) as (database, vault), database.transaction() as session:
        account = await staff_accounts.find_by_username(session, username)
        if account is None:
            raise typer.BadParameter("there is no such account")
        await staff_accounts.rekey_staff(
            session,
            vault,
            account,
            password_hash=password_hash,
            totp_secret=secrets.totp_secret,
            actor=SYSTEM,
            now=system_now(),
        )
    _show(account, secrets)
    return 0


async def _list() -> int:
    from sqlalchemy import select

    from app.access.models import StaffAccount

    async with as_owner(read_settings()) as (database, _), database.transaction() as session:
        accounts = (
            await session.scalars(select(StaffAccount).order_by(StaffAccount.username))
        ).all()
    for account in accounts:
        roles = ",".join(account.roles)
        typer.echo(f"{account.username}\t{account.status}\t{roles}\t{account.organisation_id}")
    return 0


async def _rotate_signing() -> int:
    from app.access.keyring import rotate_signing_key
    from app.kernel.principal import SYSTEM

    settings = read_settings()
    async with as_owner(settings) as (database, vault), database.transaction() as session:
        key = await rotate_signing_key(session, vault, settings, SYSTEM)
    typer.echo(f"key {key.kid} is published and signs from {key.active_at:%Y-%m-%d %H:%M:%S} UTC")
    return 0
