"""Counters in PostgreSQL for limits that must survive restarts and hold across processes."""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.clock import system_now
from app.kernel.database import Base, Database
from app.kernel.problems import TooManyRequests


class RateCounter(Base):
    """How often a bucket was hit in its present window; a bucket holds no personal data."""

    __tablename__ = "rate_counter"

    bucket: Mapped[bytes] = mapped_column(primary_key=True)
    hits: Mapped[int]
    window_ends_at: Mapped[datetime] = mapped_column(index=True)


_HIT = text(
    "insert into rate_counter (bucket, hits, window_ends_at) values (:bucket, 1, :ends)"
    " on conflict (bucket) do update set"
    "  hits = case when rate_counter.window_ends_at <= :now then 1 else rate_counter.hits + 1 end,"
    "  window_ends_at = case when rate_counter.window_ends_at <= :now then :ends"
    "   else rate_counter.window_ends_at end"
    " returning hits, window_ends_at"
)


async def forget(session: AsyncSession, bucket: bytes) -> None:
    """Start counting anew, after a proof that the caller is no guesser."""
    await session.execute(text("delete from rate_counter where bucket = :b"), {"b": bucket})


async def limit(database: Database, bucket: bytes, *, at_most: int, per: timedelta) -> None:
    """Count one hit in a transaction of its own; raises TooManyRequests (429) beyond the limit.

    `bucket` is a keyed hash of what is limited (a phone, an address), made by the vault.
    """
    now = system_now()
    async with database.transaction() as session:
        row = (await session.execute(_HIT, {"bucket": bucket, "now": now, "ends": now + per})).one()
    if row.hits > at_most:
        raise TooManyRequests(max(1, int((row.window_ends_at - now).total_seconds()) + 1))
