"""Locks that last until the transaction ends."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def lock_person(session: AsyncSession, person_id: UUID) -> None:
    """One decision at a time for one person, so that limits cannot be used twice."""
    await session.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"),
        {"key": f"claims-of-person:{person_id}"},
    )


async def lock_file(session: AsyncSession, fingerprint: bytes) -> None:
    """One use of the same file at a time."""
    await session.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"),
        {"key": f"claim-file:{fingerprint.hex()}"},
    )
