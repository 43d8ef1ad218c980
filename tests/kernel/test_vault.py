"""Sealed records open only for their own row; blind indexes survive key rotation."""

import base64
import secrets
from datetime import timedelta

import pytest

from app.kernel.clock import system_now
from app.kernel.database import Database
from app.kernel.ids import new_id
from app.kernel.vault import Vault, VaultError, decode_master_key, record_version

pytestmark = pytest.mark.anyio


@pytest.fixture
async def vault(database: Database) -> Vault:
    """A vault over keysets that are rolled back with this test's transaction."""
    vault = Vault(bytes(range(32)))
    async with database.transaction() as session:
        await vault.refresh(session)
    return vault


async def test_a_record_opens_for_its_row_only(vault: Vault) -> None:
    row, other = new_id(), new_id()
    sealed = vault.seal("person", row, {"name": "测试骑手"})
    assert vault.open("person", row, sealed) == {"name": "测试骑手"}
    for table, row_id in (("person", other), ("registration", row)):
        with pytest.raises(VaultError):
            vault.open(table, row_id, sealed)


async def test_an_altered_byte_does_not_open(vault: Vault) -> None:
    row = new_id()
    sealed = bytearray(vault.seal("person", row, {"name": "测试骑手"}))
    sealed[-1] ^= 1
    with pytest.raises(VaultError):
        vault.open("person", row, bytes(sealed))


async def test_the_plaintext_is_not_in_the_record(vault: Vault) -> None:
    assert "测试骑手".encode() not in vault.seal("person", new_id(), {"name": "测试骑手"})


async def test_a_blind_index_depends_on_purpose_and_normal_form(vault: Vault) -> None:
    number = "11010519491231002X"
    assert vault.blind_index("document", number) != vault.blind_index("phone", number)
    wide = "１１０１０５１９４９１２３１００２Ｘ"
    assert vault.blind_index("document", number) == vault.blind_index("document", wide)
    assert len(vault.blind_index("document", number)) == 16


async def test_rotation_seals_with_the_new_key_and_still_opens_the_old(database: Database) -> None:
    vault = Vault(bytes(range(32)))
    row = new_id()
    async with database.transaction() as session:
        await vault.refresh(session)
        old = vault.seal("person", row, {"n": 1})
        version = await vault.add_keyset(
            session, "record", active_at=system_now() - timedelta(seconds=1)
        )
        await vault.refresh(session)
        new = vault.seal("person", row, {"n": 2})
        assert (record_version(new), record_version(old)) == (version, version - 1)
        assert [vault.open("person", row, each)["n"] for each in (old, new)] == [1, 2]
        await session.rollback()


async def test_a_keyset_is_not_used_before_its_time(database: Database) -> None:
    vault = Vault(bytes(range(32)))
    async with database.transaction() as session:
        await vault.refresh(session)
        before = vault.sealing_version
        await vault.add_keyset(session, "record", active_at=system_now() + timedelta(minutes=3))
        await vault.refresh(session)
        assert vault.sealing_version == before
        await session.rollback()


async def test_another_master_key_opens_nothing(database: Database) -> None:
    async with database.transaction() as session:
        with pytest.raises(VaultError):
            await Vault(secrets.token_bytes(32)).refresh(session)


@pytest.mark.parametrize("encoded", ["", "short", base64.b64encode(bytes(31)).decode()])
def test_a_bad_master_key_says_what_is_expected(encoded: str) -> None:
    with pytest.raises(ValueError, match="REDUMBRELLA_MASTER_KEY"):
        decode_master_key(encoded)
