"""The two clocks, and calendar days in Asia/Shanghai.

The *system* clock rules tokens, signatures, leases and time-outs. The *business*
clock rules cover, deadlines and renewals; it is the system clock plus an offset that
only a sandbox may move (architecture.md, "Time is an argument").
"""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from math import ceil
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base

SHANGHAI = ZoneInfo("Asia/Shanghai")


class BusinessClock(Base):
    """The one row that says how far a sandbox's business clock is ahead."""

    __tablename__ = "business_clock"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    offset_seconds: Mapped[int]


def system_now() -> datetime:
    """The system clock: an aware instant in UTC."""
    return datetime.now(UTC)


def business_day(instant: datetime) -> date:
    """The calendar day in Asia/Shanghai on which `instant` falls."""
    return instant.astimezone(SHANGHAI).date()


@lru_cache(maxsize=4_096)
def day_start(day: date) -> datetime:
    """00:00 Asia/Shanghai of `day`, as an instant in UTC."""
    return datetime.combine(day, time.min, SHANGHAI).astimezone(UTC)


def add_months(day: date, months: int) -> date:
    """The same day of the month `months` later, or that month's last day (domain.md)."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def years_before(now: datetime, years: int) -> datetime:
    """00:00 Asia/Shanghai of the same day that many years ago."""
    return day_start(add_months(business_day(now), -12 * years))


async def business_offset(session: AsyncSession) -> timedelta:
    """How far the business clock is ahead of the system clock."""
    return timedelta(seconds=await session.scalar(select(BusinessClock.offset_seconds)) or 0)


async def business_now(session: AsyncSession, *, sandbox: bool) -> datetime:
    """The business clock; production never reads the offset."""
    return system_now() + (await business_offset(session) if sandbox else timedelta())


async def move_business_clock(session: AsyncSession, offset: timedelta) -> None:
    """Set the sandbox's offset; the caller has checked that this is a sandbox.

    To the next whole second, so that whoever sets midnight is past it.
    """
    await session.execute(update(BusinessClock).values(offset_seconds=ceil(offset.total_seconds())))


async def refuse_moved_clock(session: AsyncSession) -> None:
    """Outside a sandbox the business clock is the system clock, whoever reads the offset.

    Raises RuntimeError for a database whose clock a sandbox has moved.
    """
    if await business_offset(session):
        raise RuntimeError("this database is a sandbox's: its business clock was moved")
