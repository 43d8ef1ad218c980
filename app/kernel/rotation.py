"""Renewing the vault's keys: what is sealed or indexed is found from the tables themselves.

A sealed column is any binary column called `sealed…` of a table with an `id`; it is
bound to the table's name and that id. A blind index column says how its value is made:
`mapped_column(info=indexed("phone", "phone"))`.

A rotation publishes a new keyset, lets every process learn of it, rewrites the rows in
batches while everybody works on, and retires the old keysets when nothing needs them.
It can be stopped and started again at any point.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Column as TableColumn
from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    MetaData,
    Row,
    Table,
    bindparam,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import system_now
from app.kernel.database import Database
from app.kernel.vault import ACTIVATION_DELAY, REFRESH_EVERY, Keyset, KeysetKind, Vault, VaultError

log = structlog.get_logger("rotation")

BATCH = 500
# After a key became active: the last choice of a key by any process, and its transaction.
SETTLING = REFRESH_EVERY + timedelta(seconds=60)

Record = Mapping[str, Any]
Column = TableColumn[Any]
Rewrite = Callable[[Record], bytes]


@dataclass(frozen=True, slots=True)
class BlindIndexed:
    """How a blind index is made again: the vault's purpose, and the value in the record."""

    purpose: str
    value: Callable[[Record], str | None]


def indexed(purpose: str, value: str | Callable[[Record], str | None]) -> dict[str, Any]:
    """The `info` of a blind index column; `value` is the record's key, or makes the value.

    A callable is given the opened record together with the row's plain columns.
    """

    def of_key(record: Record) -> str | None:
        found = record.get(str(value))
        return None if found is None else str(found)

    return {"blind_index": BlindIndexed(purpose, value if callable(value) else of_key)}


def sealed_columns(metadata: MetaData) -> Iterator[tuple[Table, Column]]:
    """Every column of sealed records, by table name."""
    for table in metadata.sorted_tables:
        if "id" in table.columns:
            for column in table.columns:
                if column.name.startswith("sealed") and isinstance(column.type, LargeBinary):
                    yield table, column


def index_columns(metadata: MetaData) -> Iterator[tuple[Table, Column, BlindIndexed]]:
    """Every column of blind indexes of a table that has the record beside it."""
    for table in metadata.sorted_tables:
        for column in table.columns:
            if (how := column.info.get("blind_index")) is not None:
                yield table, column, how


@dataclass(slots=True)
class Tally:
    """How far a rotation came: rows rewritten, and rows whose record does not open."""

    rewritten: int = 0
    failed: int = 0


async def begin_rotation(session: AsyncSession, vault: Vault, kind: KeysetKind) -> Keyset:
    """The keyset to move to: the newest one while older ones live, else a new one.

    A new keyset becomes active only after every process had time to load it; the caller
    waits until `active_at`, then some.
    """
    living = await _living(session, kind)
    if len(living) > 1:
        return living[-1]
    version = await vault.add_keyset(session, kind, active_at=system_now() + ACTIVATION_DELAY)
    return await session.get_one(Keyset, (kind, version))


async def reseal(database: Database, vault: Vault, metadata: MetaData) -> Tally:
    """Seal every record under the newest keyset; rows that do not open are left and counted."""
    tally, version = Tally(), vault.sealing_version
    for table, column in sealed_columns(metadata):

        def rewrite(row: Record, table: Table = table, column: Column = column) -> bytes:
            opened = vault.open_bytes(table.name, row["id"], row[column.name])
            return vault.seal_bytes(table.name, row["id"], opened)

        other = func.get_byte(column, 0) * 256 + func.get_byte(column, 1) != version
        await _rewrite(database, table, column, column.is_not(None) & other, rewrite, tally)
    return tally


async def reindex(database: Database, vault: Vault, metadata: MetaData) -> Tally:
    """Make every blind index again under the newest key; the records tell the values."""
    tally, version = Tally(), vault.index_version
    for table, column, how in index_columns(metadata):

        def rewrite(
            row: Record, table: Table = table, column: Column = column, how: BlindIndexed = how
        ) -> bytes:
            record = vault.open(table.name, row["id"], row["sealed"])
            value = how.value({**row, **record})
            if value is None:
                raise VaultError("the record does not hold the indexed value")
            return vault.blind_index(how.purpose, value)

        other = func.get_byte(column, 0) != version
        await _rewrite(database, table, column, column.is_not(None) & other, rewrite, tally)
    return tally


async def retire_older(session: AsyncSession, newest: Keyset) -> int:
    """Retire every keyset of the kind before the newest; returns how many."""
    older = [row for row in await _living(session, newest.kind) if row.version < newest.version]
    for row in older:
        row.retired_at = system_now()
    await session.flush()
    return len(older)


async def _living(session: AsyncSession, kind: str) -> Sequence[Keyset]:
    rows = await session.scalars(
        select(Keyset)
        .where(Keyset.kind == kind, Keyset.retired_at.is_(None))
        .order_by(Keyset.version)
    )
    return rows.all()


async def _rewrite(
    database: Database,
    table: Table,
    column: Column,
    condition: ColumnElement[bool],
    rewrite: Rewrite,
    tally: Tally,
) -> None:
    """Batch by batch in the order of the primary key, each in a short transaction.

    A row is written only if its column is still what was read: whoever changed it
    meanwhile used the new key already.
    """
    keys = list(table.primary_key)
    last: tuple[Any, ...] | None = None
    while True:
        query = select(table).where(condition).order_by(*keys).limit(BATCH)
        if last is not None:
            query = query.where(tuple_(*keys) > last)
        async with database.transaction() as session:
            rows = (await session.execute(query)).all()
            changes = [
                change for row in rows if (change := _change(table, column, row, rewrite, tally))
            ]
            if changes:
                await _write(session, table, column, changes)
        if not rows:
            return
        last = tuple(rows[-1]._mapping[key.name] for key in keys)


def _change(
    table: Table, column: Column, row: Row[Any], rewrite: Rewrite, tally: Tally
) -> dict[str, Any] | None:
    """The parameters of one row's update, or None where the record does not open."""
    values = {str(name): value for name, value in row._mapping.items()}
    try:
        rewritten = rewrite(values)
    except VaultError:
        tally.failed += 1
        log.warning("a record does not open", table=table.name, column=column.name)
        return None
    tally.rewritten += 1
    keys = {f"key_{key.name}": values[key.name] for key in table.primary_key}
    return {**keys, "read": values[column.name], "rewritten": rewritten}


async def _write(
    session: AsyncSession, table: Table, column: Column, changes: list[dict[str, Any]]
) -> None:
    statement = (
        update(table)
        .where(
            *(key == bindparam(f"key_{key.name}") for key in table.primary_key),
            column == bindparam("read"),
        )
        .values({column.name: bindparam("rewritten")})
    )
    await (await session.connection()).execute(statement, changes)
