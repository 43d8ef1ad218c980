"""Commands that cannot work: whoever starts them reads what to do, and no address or key."""

import base64
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from app.cli import app
from app.kernel import postgres
from app.kernel.durability import UnfitDatabase
from app.launcher import advice
from app.settings import Settings
from tests.conftest import MASTER_KEY

WEAK = "redumbrella_weak"
REDUMBRELLA = Path(sys.executable).with_name("redumbrella")
Said = Callable[..., str]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Said:
    """What `redumbrella …` says about its failure on the database of that address."""

    def run(url: str, *arguments: str, key: str = MASTER_KEY.get_secret_value()) -> str:
        monkeypatch.setenv("DATABASE_URL", url)
        monkeypatch.setenv("REDUMBRELLA_ENVIRONMENT", "test")
        monkeypatch.setenv("REDUMBRELLA_MASTER_KEY", key)
        failed = CliRunner().invoke(app, arguments).exception
        assert failed is not None
        found = advice.words(failed)
        assert found is not None, repr(failed)
        return found

    return run


@pytest.fixture
def empty(postgres_socket_dir: Path) -> Iterator[Callable[[str], str]]:
    """The address of a database without tables, by user; one user may do nothing there."""
    database = f"empty_{uuid.uuid4().hex[:12]}"
    for sql in (f"create database {database}", f"create role {WEAK} login"):
        postgres.psql(postgres_socket_dir, sql)
    yield lambda user: postgres.dsn(postgres_socket_dir, database, user)
    for sql in (f"drop database {database} with (force)", f"drop role {WEAK}"):
        postgres.psql(postgres_socket_dir, sql)


def name_in(url: str) -> str:
    return next(match[0] for match in re.finditer(r"test_[0-9a-f]{12}", url))


def test_a_database_that_is_away_or_is_not_there(said: Said, fresh_database_url: str) -> None:
    for command in (["migrate"], ["worker"], ["demo-data"], ["audit", "verify"], ["plans", "list"]):
        words = said("postgresql://nobody:hidden@127.0.0.1:1/nothing", *command)
        assert "cannot be reached" in words
        assert "hidden" not in words
    nowhere = fresh_database_url.replace(name_in(fresh_database_url), "no_such")
    assert "createdb" in said(nowhere, "migrate")
    stranger = fresh_database_url.replace(postgres.OWNER, "no_such_user")
    assert "Check host, port, user and password" in said(stranger, "staff", "list")


def test_a_database_without_our_tables_or_rights(said: Said, empty: Callable[[str], str]) -> None:
    assert "run `redumbrella migrate` first" in said(empty(postgres.OWNER), "audit", "verify")
    assert "the database's owner, with CREATEROLE" in said(empty(WEAK), "migrate")


def started(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`redumbrella …` as a process of its own: it owns signals, loops and children."""
    return subprocess.run(
        [REDUMBRELLA, *arguments],
        env={**os.environ, "REDUMBRELLA_ENVIRONMENT": "test", **environment},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


API = ("api", "--port", "0")


@pytest.mark.long
@pytest.mark.parametrize("command", [API, (*API, "--workers", "2"), ("worker",)])
def test_what_serves_says_what_to_do_and_nothing_else(command: tuple[str, ...]) -> None:
    """One message, no traceback, no line of the server's, and a status that is not success."""
    ended = started(
        *command,
        DATABASE_URL="postgresql://nobody:hidden@127.0.0.1:1/nothing",
        REDUMBRELLA_MASTER_KEY=MASTER_KEY.get_secret_value(),
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    first, *rest = ended.stderr.strip().splitlines()
    assert "127.0.0.1" in first or "refused" in first
    assert rest[0] == "The database cannot be reached."
    assert len(rest) == 2
    assert "hidden" not in ended.stderr


@pytest.mark.long
@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("REDUMBRELLA_MASTER_KEY", base64.b64encode(bytes(32)).decode(), "of this database"),
        ("REDUMBRELLA_WECHAT_PAY_MERCHANT_KEY_FILE", __file__, "an RSA private key in PEM"),
        ("REDUMBRELLA_WECHAT_PAY_MERCHANT_KEY_FILE", "/no/such.pem", "/no/such.pem"),
        ("REDUMBRELLA_OBJECT_STORE_URL", "file:///proc/nowhere", "REDUMBRELLA_OBJECT_STORE_URL"),
    ],
)
def test_settings_that_show_as_wrong_only_when_it_starts(
    fresh_database_url: str, settings: Settings, setting: str, value: str, told: str
) -> None:
    environment = {
        "DATABASE_URL": fresh_database_url,
        "REDUMBRELLA_MASTER_KEY": MASTER_KEY.get_secret_value(),
        "REDUMBRELLA_WECHAT_PAY_MERCHANT_KEY_FILE": str(settings.wechat_pay_merchant_key_file),
        "REDUMBRELLA_WECHAT_PAY_PLATFORM_CERTIFICATES_FILE": str(
            settings.wechat_pay_platform_certificates_file
        ),
        "REDUMBRELLA_WECHAT_PAY_API_V3_KEY": settings.wechat_pay_api_v3_key.get_secret_value(),
        setting: value,
    }
    ended = started(*API, **environment)
    assert ended.returncode == 1, ended.stderr
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


def test_tables_of_a_newer_version(
    said: Said, fresh_database_url: str, postgres_socket_dir: Path
) -> None:
    sql = "update alembic_version set version_num = 'later'"
    postgres.psql(postgres_socket_dir, sql, database=name_in(fresh_database_url))
    assert "a newer version of this program" in said(fresh_database_url, "migrate")


@pytest.mark.parametrize("key", ["garbled", base64.b64encode(bytes(32)).decode()])
def test_another_master_key(said: Said, fresh_database_url: str, key: str) -> None:
    words = said(fresh_database_url, "staff", "list", key=key)
    assert "Set REDUMBRELLA_MASTER_KEY to the key of this database" in words
    assert key not in words


def test_what_production_asks_for_is_looked_up() -> None:
    assert "docs/runbook.md" in (advice.words(UnfitDatabase("fsync = off")) or "")
    assert advice.words(KeyError("a fault of ours")) is None


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@h/db",
        "postgres://u:p%40x@[::1]:5432/db",
        "postgresql+asyncpg://u@a:5432,b:5433/db?target_session_attrs=primary",
        "postgresql:///db?host=/a/folder",
        "postgresql://u:a@b@h/db",
        "",
    ],
)
def test_addresses_of_databases(url: str) -> None:
    assert Settings(environment="test", database_url=url).database_url == url


@pytest.mark.parametrize(
    "url",
    [
        "garbage",
        "mysql://u:hidden@h/db",
        "postgresql://u:hidden@[::1/db",
        "postgresql://u:hidden@h:port/db",
        "postgresql://u:hid/den@h/db",
        "h:5432",
    ],
)
def test_addresses_of_none(url: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        Settings(environment="test", database_url=url)
    (fault,) = refusal.value.errors(include_input=False)
    assert "postgresql://user:password@host:5432/database" in fault["msg"]
    assert "hidden" not in fault["msg"]
