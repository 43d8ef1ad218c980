"""Promised dates: days counted on the calendar or in working days of mainland China."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from app.kernel.workdays import is_known, is_working_day

Unit = Literal["calendar_days", "working_days"]

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_ONE = timedelta(days=1)


def calendar_known(until: datetime) -> bool:
    """Whether the holiday calendar reaches the day on which `until` ends."""
    return is_known(_day(until - timedelta(microseconds=1)))


def due_at(
    start: datetime, length: int, unit: Unit, overrides: Mapping[date, bool] | None = None
) -> datetime:
    """The end (24:00 Asia/Shanghai) of the `length`-th day after the day of `start`."""
    day = _day(start)
    left = length
    while left:
        day += _ONE
        if unit == "calendar_days" or is_working_day(day, overrides):
            left -= 1
    return _end(day)


def resumed(
    due: datetime,
    stopped: datetime,
    now: datetime,
    unit: Unit,
    overrides: Mapping[date, bool] | None = None,
) -> datetime:
    """The due date moved by the time that the clock stood still.

    The days that were left when it stopped are left again; at least the rest of today.
    """
    left, day, last = 0, _day(stopped), _day(due - timedelta(microseconds=1))
    while day < last:
        day += _ONE
        left += unit == "calendar_days" or is_working_day(day, overrides)
    return due_at(now, left, unit, overrides)


def _day(instant: datetime) -> date:
    return instant.astimezone(_SHANGHAI).date()


def _end(day: date) -> datetime:
    return datetime.combine(day + _ONE, time.min, _SHANGHAI).astimezone(UTC)
