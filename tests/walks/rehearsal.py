"""Requests whose every effect is looked at, and then taken back: the next one finds all as it was.

While it lasts, each transaction of the requests made in it is a savepoint of one transaction,
which is rolled back at the end. What only the reads' own pool sees, or a single hot statement
writes, is outside of it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker

from app.kernel.database import Database

Sessions = async_sessionmaker[AsyncSession]

# Tasks that run beside the requests keep their own transactions.
_SESSIONS: ContextVar[Sessions | None] = ContextVar("rehearsed", default=None)
# Looking at something is audited, and changes nothing.
_LOOKS = r"\.(read|view|list|look)[a-z_]*$"
_WRITTEN = text(f"""
with mine as (select pg_current_xact_id()::text::bigint as xid)
select 'history ' || coalesce(from_status, '-') || '>' || to_status from status_history, mine
    where status_history.xmin::text::bigint >= xid
union all select 'audit ' || action from audit_entry, mine
    where audit_entry.xmin::text::bigint >= xid and action !~ '{_LOOKS}'
union all select 'event ' || name from event_log, mine where event_log.xmin::text::bigint >= xid
union all select 'booking ' || kind from ledger_transaction, mine
    where ledger_transaction.xmin::text::bigint >= xid
union all select 'job ' || entrypoint from pgqueuer.pgqueuer, mine
    where pgqueuer.xmin::text::bigint >= xid
union all select 'due ' || job from due_thing, mine where due_thing.xmin::text::bigint >= xid
""")


@asynccontextmanager
async def rehearsed(database: Database) -> AsyncIterator[AsyncConnection]:
    """A connection on which what happened meanwhile can be seen."""
    async with database.engine.connect() as connection:
        whole = await connection.begin()
        token = _SESSIONS.set(
            async_sessionmaker(
                connection,
                expire_on_commit=False,
                autoflush=False,
                info={"subscriptions": dict(database.subscriptions)},
                join_transaction_mode="create_savepoint",
            )
        )
        try:
            yield connection
        finally:
            _SESSIONS.reset(token)
            await whole.rollback()


async def written(connection: AsyncConnection) -> list[str]:
    """Moves, audit rows, events, bookings and jobs that the rehearsal has written."""
    # What a commit would have refused is refused here.
    await connection.execute(text("set constraints all immediate"))
    return sorted((await connection.scalars(_WRITTEN)).all())


@asynccontextmanager
async def on_stage(database: Database) -> AsyncIterator[None]:
    """Have the database's transactions take part in rehearsals; ends with the context."""
    ordinary = database.transaction

    @asynccontextmanager
    async def transaction() -> AsyncIterator[AsyncSession]:
        sessions = _SESSIONS.get()
        if sessions is None:
            async with ordinary() as session:
                yield session
        else:
            async with sessions() as session, session.begin():
                yield session

    patched: Any = database
    patched.transaction = transaction
    try:
        yield
    finally:
        del patched.transaction
