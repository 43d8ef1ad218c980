"""The chain: every entry sealed once, one edited or missing row is found, the role cannot edit."""

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app.kernel import audit
from app.kernel.database import Database, asyncpg_dsn
from app.kernel.ids import new_id
from app.kernel.migrate import upgrade  # noqa: F401  the template was built by it
from app.kernel.principal import SYSTEM
from app.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture
async def fresh(settings: Settings, fresh_database_url: str):  # type: ignore[no-untyped-def]
    database = Database(settings.model_copy(update={"database_url": fresh_database_url}))
    yield database
    await database.close()


async def write(database: Database, entries: int) -> None:
    async with database.transaction() as session:
        for number in range(entries):
            await audit.record(
                session,
                SYSTEM,
                "person.read",
                subject="person",
                subject_ids=[new_id()],
                details={"shown": number},
            )


async def seal(database: Database) -> int:
    async with database.transaction() as session:
        return await audit.seal_batch(session)


async def faults(database: Database) -> tuple[int, list[audit.AuditFault]]:
    async with database.transaction() as session:
        return await audit.verify(session)


async def test_entries_are_sealed_once_and_verify(fresh: Database) -> None:
    await write(fresh, 3)
    assert [await seal(fresh), await seal(fresh)] == [3, 0]
    await write(fresh, 2)
    assert await seal(fresh) == 2
    assert await faults(fresh) == (5, [])


async def test_a_late_commit_is_sealed_when_it_appears(fresh: Database) -> None:
    async with fresh.transaction() as slow:
        await audit.record(slow, SYSTEM, "a.b", subject="person", subject_ids=[])
        await write(fresh, 1)
        assert await seal(fresh) == 1
    assert await seal(fresh) == 1
    assert await faults(fresh) == (2, [])


@pytest.mark.parametrize(
    ("tamper", "kind"),
    [
        ("update audit_entry set action = 'x.y' where position = 2", "edited"),
        ("delete from audit_entry where position = 2", "missing"),
        ("delete from audit_leaf where position = 2", "broken-link"),
        ("delete from audit_seal where number = 1", "broken-link"),
    ],
)
async def test_tampering_by_the_owner_is_found(
    fresh: Database, fresh_database_url: str, tamper: str, kind: str
) -> None:
    await write(fresh, 3)
    await seal(fresh)
    await write(fresh, 1)
    await seal(fresh)
    owner = await asyncpg.connect(asyncpg_dsn(fresh_database_url))
    await owner.execute(tamper)
    await owner.close()
    _, found = await faults(fresh)
    assert kind in {fault.kind for fault in found}


@pytest.mark.parametrize("table", ["audit_entry", "audit_leaf", "audit_seal", "event_log"])
@pytest.mark.parametrize("statement", ["delete from {}", "truncate {}"])
async def test_the_application_cannot_rewrite(fresh: Database, table: str, statement: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with fresh.transaction() as session:
            await session.execute(text(statement.format(table)))
