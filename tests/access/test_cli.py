"""The operator's commands, run as an operator runs them."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pyotp
import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from app.cli import app
from app.kernel.audit import seal_batch
from app.kernel.clock import system_now
from app.kernel.database import Database
from app.kernel.principal import SYSTEM
from app.organisations.service import create_root
from app.settings import Settings
from tests.conftest import MASTER_KEY

Command = Callable[..., Result]


@pytest.fixture
def command(fresh_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("DATABASE_URL", fresh_database_url)
    monkeypatch.setenv("REDUMBRELLA_ENVIRONMENT", "test")
    monkeypatch.setenv("REDUMBRELLA_MASTER_KEY", MASTER_KEY.get_secret_value())
    runner = CliRunner()

    def run(*arguments: str, stdin: str | None = None) -> Result:
        return runner.invoke(app, arguments, input=stdin)

    return run


def in_database(url: str, work: Callable[[Any], Any]) -> Any:
    """Run `work(session)` as the owner, in a loop of its own."""

    async def main() -> Any:
        database = Database(
            Settings(
                environment="test",
                database_url=url,
                master_key=MASTER_KEY,
                database_role="none",
            )
        )
        try:
            async with database.transaction() as session:
                return await work(session)
        finally:
            await database.close()

    return asyncio.run(main())


@pytest.fixture
def organisation_id(fresh_database_url: str) -> str:
    root = in_database(
        fresh_database_url,
        lambda session: create_root(session, SYSTEM, "测试市总工会", system_now()),
    )
    return str(root.id)


def test_an_account_is_made_listed_rekeyed_and_disabled(
    command: Command, organisation_id: str
) -> None:
    arguments = ["--organisation", organisation_id, "--name", "首位管理员"]
    roles = ["--role", "administrator", "--role", "auditor"]
    made = command("staff", "create", "admin.one", *arguments, *roles)
    assert made.exit_code == 0, made.output
    secrets = json.loads(made.stdout)
    assert pyotp.TOTP(secrets["totp_secret"]).now().isdigit()
    assert len(secrets["initial_password"]) >= 20
    listed = command("staff", "list").stdout
    assert listed == f"admin.one\tactive\tadministrator,auditor\t{organisation_id}\n"
    rekeyed = json.loads(command("staff", "rekey", "admin.one").stdout)
    assert rekeyed["totp_secret"] != secrets["totp_secret"]
    assert command("staff", "disable", "admin.one").stdout == "disabled\n"
    assert command("staff", "disable", "admin.one").stdout == "it was disabled already\n"
    assert "\tdisabled\t" in command("staff", "list").stdout


def test_a_lasting_password_comes_from_stdin(command: Command, organisation_id: str) -> None:
    arguments = ["--organisation", organisation_id, "--name", "员工", "--role", "caseworker"]
    made = command(
        "staff", "create", "two", *arguments, "--password-stdin", stdin="a lasting password\n"
    )
    assert json.loads(made.stdout)["initial_password"] == "a lasting password"
    short = command("staff", "create", "three", *arguments, "--password-stdin", stdin="short\n")
    assert short.exit_code == 2
    assert "12 characters" in short.output


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"--role": "root"}, "five roles"),
        ({"--organisation": str(uuid4())}, "no organisation"),
        ({"username": "No Spaces"}, "user name"),
        ({"username": "taken"}, "taken"),
    ],
)
def test_accounts_that_cannot_be_are_refused_in_words(
    command: Command, organisation_id: str, changes: dict[str, str], why: str
) -> None:
    known = {
        "username": "somebody",
        "--organisation": organisation_id,
        "--name": "员工",
        "--role": "reviewer",
    }

    def create(values: dict[str, str]) -> Result:
        options = [part for name in known if name != "username" for part in (name, values[name])]
        return command("staff", "create", values["username"], *options)

    assert create(known | {"username": "taken"}).exit_code == 0
    refused = create(known | changes)
    assert refused.exit_code == 2
    assert why in " ".join(refused.output.split())


def test_unknown_accounts_are_named_as_such(command: Command) -> None:
    for verb in ("disable", "rekey"):
        assert command("staff", verb, "nobody").exit_code == 2


def test_signing_keys_rotate(command: Command) -> None:
    first = command("keys", "rotate-signing")
    assert first.exit_code == 0, first.output
    assert "signs from" in first.stdout
    assert command("keys", "rotate-signing").stdout == first.stdout


@pytest.mark.parametrize("kind", ["record", "index"])
def test_a_rotation_finishes_when_its_key_is_known_everywhere(
    command: Command, organisation_id: str, fresh_database_url: str, kind: str
) -> None:
    name = "rotate-records" if kind == "record" else "rotate-index"
    arguments = ["--organisation", organisation_id, "--name", "员工", "--role", "caseworker"]
    command("staff", "create", "somebody", *arguments)
    begun = command("keys", name, "--no-wait")
    assert begun.exit_code == 0, begun.output
    assert "nothing was rewritten yet" in begun.stdout
    earlier = text("update keyset set active_at = now() - interval '1 hour' where version = 2")
    in_database(fresh_database_url, lambda session: session.execute(earlier))
    done = command("keys", name)
    assert done.exit_code == 0, done.output
    rewritten = 1 if kind == "record" else 0
    assert f"{rewritten} rewritten, 0 do not open" in done.stdout
    assert "1 old key(s) retired" in done.stdout


def test_the_audit_trail_is_verified(
    command: Command, organisation_id: str, fresh_database_url: str
) -> None:
    in_database(fresh_database_url, seal_batch)
    good = command("audit", "verify")
    assert (good.exit_code, good.stdout) == (0, "1 entries checked, 0 faults\n")
    forged = text("update audit_entry set action = 'organisation.read'")
    in_database(fresh_database_url, lambda session: session.execute(forged))
    bad = command("audit", "verify")
    assert bad.exit_code == 1
    assert "edited: seal 1, entry" in bad.output


def test_without_a_database_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("REDUMBRELLA_ENVIRONMENT", "test")
    refused = CliRunner().invoke(app, ["staff", "list"])
    assert refused.exit_code == 2
    assert "DATABASE_URL" in refused.output
