"""Rotation of record and index keys over real rows, stopped and started as it likes."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import LargeBinary, select, update

import app.models
from app.access.keyring import ensure_signing_key
from app.access.member_accounts import account_of_phone, bind_openid, find_by_openid, find_by_phone
from app.access.models import MemberAccount, SigningKey
from app.kernel import rotation
from app.kernel.clock import system_now
from app.kernel.database import Base, Database
from app.kernel.vault import Keyset, KeysetKind, Vault, record_version
from app.settings import Settings
from tests.access_fixtures import random_phone
from tests.conftest import MASTER_KEY

pytestmark = pytest.mark.anyio

ROOT = Path(app.models.__file__).parent


@pytest.fixture
async def alone(fresh_database_url: str) -> AsyncIterator[Database]:
    """The owner's connections to a database that nobody else uses."""
    settings = Settings(
        environment="test",
        database_url=fresh_database_url,
        master_key=MASTER_KEY,
        database_role="none",
    )
    database = Database(settings)
    yield database
    await database.close()


async def loaded(database: Database) -> Vault:
    vault = Vault(bytes(range(32)))
    async with database.transaction() as session:
        await vault.refresh(session)
    return vault


async def accounts(database: Database, vault: Vault, count: int) -> list[str]:
    phones = [random_phone() for _ in range(count)]
    async with database.transaction() as session:
        await ensure_signing_key(session, vault)
        for number, phone in enumerate(phones):
            account = await account_of_phone(session, vault, phone, system_now())
            if number % 2:
                await bind_openid(session, vault, account, f"o-{phone}")
    return phones


async def rotated(database: Database, kind: KeysetKind) -> tuple[Vault, Keyset]:
    """A vault for which the new keyset is already active."""
    vault = await loaded(database)
    async with database.transaction() as session:
        newest = await rotation.begin_rotation(session, vault, kind)
        await session.execute(
            update(Keyset)
            .where(Keyset.kind == kind, Keyset.version == newest.version)
            .values(active_at=system_now() - timedelta(seconds=1))
        )
    return await loaded(database), newest


async def test_a_new_key_waits_until_everybody_knows_it(alone: Database) -> None:
    vault = await loaded(alone)
    before = vault.sealing_version, vault.index_version
    async with alone.transaction() as session:
        for kind in ("record", "index"):
            first = await rotation.begin_rotation(session, vault, kind)
            again = await rotation.begin_rotation(session, vault, kind)
            assert first.version == again.version == 2
            assert first.active_at > system_now() + timedelta(minutes=2)
    vault = await loaded(alone)
    assert (vault.sealing_version, vault.index_version) == before
    assert len(vault.blind_index_candidates("phone", "any")) == 2


async def test_every_record_moves_to_the_new_key_and_the_old_one_retires(alone: Database) -> None:
    old = await loaded(alone)
    phones = await accounts(alone, old, rotation.BATCH + 20)
    vault, newest = await rotated(alone, "record")
    tally = await rotation.reseal(alone, vault, Base.metadata)
    assert (tally.rewritten, tally.failed) == (len(phones) + 1, 0)
    assert (await rotation.reseal(alone, vault, Base.metadata)).rewritten == 0
    async with alone.transaction() as session:
        assert await rotation.retire_older(session, newest) == 1
    after = await loaded(alone)
    async with alone.transaction() as session:
        for row in (await session.scalars(select(MemberAccount))).all():
            assert record_version(row.sealed) == newest.version
            assert after.open("member_account", row.id, row.sealed)["phone"] in phones
        key = (await session.scalars(select(SigningKey))).one()
        assert after.open_bytes("signing_key", key.id, key.sealed).startswith(b"-----BEGIN")


async def test_a_record_that_does_not_open_is_counted_and_left(alone: Database) -> None:
    vault = await loaded(alone)
    await accounts(alone, vault, 3)
    async with alone.transaction() as session:
        spoiled = (await session.scalars(select(MemberAccount).limit(1))).one()
        spoiled.sealed = spoiled.sealed[:-1] + bytes([spoiled.sealed[-1] ^ 1])
    vault, _ = await rotated(alone, "record")
    tally = await rotation.reseal(alone, vault, Base.metadata)
    assert (tally.rewritten, tally.failed) == (3, 1)


async def test_accounts_are_found_before_during_and_after_the_index_moves(alone: Database) -> None:
    vault = await loaded(alone)
    phones = await accounts(alone, vault, 20)

    async def all_found(vault: Vault) -> bool:
        async with alone.transaction() as session:
            by_phone = [await find_by_phone(session, vault, phone) for phone in phones]
            by_openid = [await find_by_openid(session, vault, f"o-{p}") for p in phones[1::2]]
        return None not in by_phone and None not in by_openid

    assert await all_found(vault)
    vault, newest = await rotated(alone, "index")
    assert await all_found(vault)
    tally = await rotation.reindex(alone, vault, Base.metadata)
    assert (tally.rewritten, tally.failed) == (30, 0)
    assert await all_found(vault)
    async with alone.transaction() as session:
        await rotation.retire_older(session, newest)
        indexes = (await session.scalars(select(MemberAccount.phone_index))).all()
        assert {index[0] for index in indexes} == {newest.version}
    after = await loaded(alone)
    assert len(after.blind_index_candidates("phone", "any")) == 1
    assert await all_found(after)
    async with alone.transaction() as session:
        again = await account_of_phone(session, after, phones[0], system_now())
        assert len((await session.scalars(select(MemberAccount.id))).all()) == len(phones)
        assert after.open("member_account", again.id, again.sealed)["phone"] == phones[0]


async def test_every_blind_index_says_how_it_is_made() -> None:
    known = {
        (table.name, column.name) for table, column, _ in rotation.index_columns(Base.metadata)
    }
    present = {
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.name.endswith("_index") and isinstance(column.type, LargeBinary)
    }
    assert present == known
    for table, _, _ in rotation.index_columns(Base.metadata):
        assert {"id", "sealed"} <= set(table.columns.keys()), table.name


async def test_every_sealed_column_is_found() -> None:
    found = {
        f"{table.name}.{column.name}" for table, column in rotation.sealed_columns(Base.metadata)
    }
    present = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.name.startswith("sealed") and isinstance(column.type, LargeBinary)
    }
    # A keyset is wrapped by the master key, not sealed by the vault.
    assert present - found == {"keyset.sealed"}


async def test_records_are_bound_to_the_table_they_stand_in() -> None:
    """Otherwise a rotation would not open them: the label is the table's name."""
    label = re.compile(r"\.(?:seal|seal_bytes|open|open_bytes)\(\s*\"([a-z_]+)\",")
    labels = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in ROOT.rglob("*.py")
        if "simulators" not in path.parts
        for name in label.findall(path.read_text())
    }
    strangers = {found for found in labels if found[1] not in Base.metadata.tables}
    assert labels
    assert strangers == set()
