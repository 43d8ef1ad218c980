"""Runs the revisions against the address that `app.kernel.migrate` hands over."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.kernel.database import sqlalchemy_url
from app.models import metadata


def include_object(_thing: object, _name: str | None, kind: str, *_rest: object) -> bool:
    """Expression and partial indexes are written by hand in the revisions."""
    return True


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def online() -> None:
    url = context.config.attributes.get("database_url") or sqlalchemy_url(
        os.environ["DATABASE_URL"]
    )
    # For the connection, not for a transaction: every revision has one of its own.
    arguments = {"server_settings": {"lock_timeout": "5s"}}
    engine = create_async_engine(url, poolclass=NullPool, connect_args=arguments)
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()


if context.is_offline_mode():
    context.configure(dialect_name="postgresql", target_metadata=metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    asyncio.run(online())
