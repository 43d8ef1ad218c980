"""Promised dates: days counted on the calendar or in working days of mainland China.

Knows nothing of claims and imports nothing of ours. Working days come from the
published holiday calendar, make-up workdays included; for years that it does not know
yet, weekends and the holidays with fixed dates are left out.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import chinese_calendar
import structlog

log = structlog.get_logger("clocks")

Unit = Literal["calendar_days", "working_days"]

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_ONE = timedelta(days=1)
_FIXED_HOLIDAYS = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})
_unknown_years: set[int] = set()


def is_working_day(day: date, overrides: Mapping[date, bool] | None = None) -> bool:
    """Whether offices work on `day`; `overrides` (day → works) win over the calendar."""
    if overrides is not None and day in overrides:
        return overrides[day]
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        if day.year not in _unknown_years:
            _unknown_years.add(day.year)
            log.warning("holiday calendar ends before this year", year=day.year)
        return day.weekday() < 5 and (day.month, day.day) not in _FIXED_HOLIDAYS


def calendar_known(until: datetime) -> bool:
    """Whether the holiday calendar reaches the day on which `until` ends."""
    try:
        chinese_calendar.is_workday(_day(until - timedelta(microseconds=1)))
    except NotImplementedError:
        return False
    return True


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
