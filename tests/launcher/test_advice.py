"""Commands that cannot work: whoever starts them reads what to do, and no address or key."""

import base64
import re
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
