"""Engines, sessions and the one place where transactions end.

A request has one session: BEGIN with its first statement, COMMIT after the handler
and before the response is sent. Reads that need no transaction go through
`Database.reads`, a plain asyncpg pool.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, ClassVar, cast
from uuid import UUID

import asyncpg
from fastapi import Depends, Request
from sqlalchemy import DateTime, MetaData, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase

from app.settings import Settings

NAMING = {
    "ix": "ix_%(table_name)s__%(column_0_N_name)s",
    "uq": "uq_%(table_name)s__%(column_0_N_name)s",
    "ck": "ck_%(table_name)s__%(constraint_name)s",
    "fk": "fk_%(table_name)s__%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """All tables; instants are timestamptz, ids are UUIDs, documents are jsonb."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        UUID: Uuid(),
        str: Text(),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }


def _connect_args(settings: Settings, command_timeout: float) -> dict[str, Any]:
    milliseconds = int(command_timeout * 1000)
    return {
        "timeout": settings.database_connect_timeout,
        "command_timeout": command_timeout,
        "server_settings": {
            "role": settings.database_role,
            "application_name": "redumbrella",
            "statement_timeout": str(milliseconds),
            "lock_timeout": str(milliseconds),
            "idle_in_transaction_session_timeout": str(max(15_000, 2 * milliseconds)),
            "jit": "off",
        },
    }


def _without_caches(settings: Settings, prefix: str) -> dict[str, int]:
    """A transaction pooler gives each transaction another server process."""
    if not settings.database_transaction_pooler:
        return {}
    return {"statement_cache_size": 0, f"{prefix}statement_cache_size": 0}


def asyncpg_dsn(database_url: str) -> str:
    """The same address for asyncpg itself, without SQLAlchemy's driver name."""
    scheme, _, rest = database_url.partition("://")
    return f"{scheme.partition('+')[0]}://{rest}"


def sqlalchemy_url(database_url: str) -> str:
    """The same address for alembic, whichever driver it names."""
    return f"postgresql+asyncpg://{database_url.partition('://')[2]}"


# A commit of its own that changes nothing: it waits for the log up to here, like every other.
_SETTLE = "select pg_logical_emit_message(true, 'redumbrella', '')"


# How a database that is slow, away or refusing makes itself known; another try may mend it.
DATABASE_FAILURES = (
    DBAPIError,
    PoolTimeoutError,
    TimeoutError,
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # What a connection says whose server went away while it lay in the pool.
    asyncpg.InternalClientError,
)


class _Reads(asyncpg.Pool):  # type: ignore[misc]
    """A pool in which nobody queues for longer than `patience` seconds (P7)."""

    def __init__(self, dsn: str, *, patience: float, **options: Any) -> None:
        super().__init__(dsn, **options)
        self._patience = patience

    def acquire(self, *, timeout: float | None = None) -> Any:
        # A time limit costs a task, and counting idle connections a tenth of a hot read:
        # the pool's own queue says whether anybody would wait.
        if timeout is None and self._queue.empty():
            timeout = self._patience
        return super().acquire(timeout=timeout)


class Database:
    """One process's connections: an engine for transactions, a pool for single reads.

    `subscriptions` (event name → job names) travels in `session.info`, so that a
    service can publish without knowing who listens.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        subscriptions: Mapping[str, tuple[str, ...]] | None = None,
        command_timeout: float | None = None,
    ) -> None:
        self.settings = settings
        self._subscriptions = dict(subscriptions or {})
        timeout = command_timeout or settings.database_command_timeout
        self._arguments = _connect_args(settings, timeout)
        # asyncpg reads the address itself, so that several hosts and target_session_attrs work.
        self.engine: AsyncEngine = create_async_engine(
            "postgresql+asyncpg://",
            connect_args={
                "dsn": asyncpg_dsn(settings.database_url),
                **self._arguments,
                **_without_caches(settings, "prepared_"),
            },
            pool_size=settings.database_pool_size,
            max_overflow=0,
            pool_timeout=settings.database_pool_timeout,
            pool_reset_on_return="rollback",
            # Few connections stay warm, as in the read pool: taken in turn, each of them would
            # parse and plan every statement anew.
            pool_use_lifo=True,
        )
        self._sessions = async_sessionmaker(
            self.engine,
            expire_on_commit=False,
            autoflush=False,
            info={"subscriptions": self._subscriptions},
        )
        self._reads: asyncpg.Pool | None = None

    async def open(self) -> None:
        """Make the read pool; connections are opened on first use."""
        self._reads = await _Reads(
            asyncpg_dsn(self.settings.database_url),
            patience=self.settings.database_pool_timeout,
            min_size=0,
            max_size=self.settings.database_pool_size,
            max_queries=50_000,
            max_inactive_connection_lifetime=300.0,
            loop=None,
            connection_class=asyncpg.Connection,
            record_class=asyncpg.Record,
            reset=_keep_session_state,
            **self._arguments | _without_caches(self.settings, ""),
        )

    async def close(self) -> None:
        if self._reads is not None:
            await self._reads.close()
        await self.engine.dispose()

    @property
    def subscriptions(self) -> Mapping[str, tuple[str, ...]]:
        """Event name → job names, for hot paths that publish without a session."""
        return self._subscriptions

    async def once(self, statement: str, *arguments: Any) -> asyncpg.Record | None:
        """Run one hot statement that is a transaction of its own; its first row.

        Raises what asyncpg raises; constraints are mapped as everywhere.
        """
        return await self.reads.fetchrow(statement, *arguments)

    async def settle(self) -> None:
        """Wait until all that is visible now is as safe as a commit makes it.

        A commit whose wait for the standby was cut short by our time-out is visible, and
        the standby may lack it. Who acknowledges it without writing anything asks here first.
        Raises as any statement does.
        """
        await self.reads.execute(_SETTLE)

    @property
    def reads(self) -> asyncpg.Pool:
        """For hot reads of one statement each: `fetch`, `fetchrow`, `fetchval`."""
        if self._reads is None:
            raise RuntimeError("Database.open() has not run")
        return self._reads

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session committed at the end, rolled back on any exception."""
        async with self._sessions() as session, session.begin():
            yield session


async def _keep_session_state(_connection: asyncpg.Connection) -> None:
    """Reads change no session state, so the pool's reset round trip is not needed."""


async def raw_connection(session: AsyncSession) -> asyncpg.Connection:
    """The asyncpg connection of this session, inside its transaction.

    SQLAlchemy's BEGIN is lazy: without the start below a raw INSERT would run outside
    the transaction and survive a rollback.
    """
    transaction = session.sync_session.get_transaction()
    # Kept for this very transaction: looking it up again costs as much as a statement.
    known = session.info.get("raw_connection")
    if known is not None and transaction is not None and known[0] is transaction:
        return known[1]
    connection = await session.connection()
    raw = await connection.get_raw_connection()
    driver = cast(asyncpg.Connection, raw.driver_connection)
    if not driver.is_in_transaction():
        # What SQLAlchemy itself awaits before the first statement of a cursor.
        await cast(Any, raw.dbapi_connection)._start_transaction()
    session.info["raw_connection"] = (session.sync_session.get_transaction(), driver)
    return driver


async def _request_session(request: Request) -> AsyncIterator[AsyncSession]:
    database: Database = request.app.state.database
    async with database.transaction() as session:
        yield session


# scope="function": the commit happens before the response leaves; FastAPI's default
# scope would answer 201 and then fail to commit.
SessionDep = Annotated[AsyncSession, Depends(_request_session, scope="function")]


async def _request_database(request: Request) -> Database:
    return cast(Database, request.app.state.database)


DatabaseDep = Annotated[Database, Depends(_request_database)]
