"""Working days of mainland China, make-up workdays included.

They come from the published holiday calendar; for years that it does not know yet,
weekends and the holidays with fixed dates are left out.
"""

from collections.abc import Mapping
from datetime import date, timedelta

import chinese_calendar
import structlog

log = structlog.get_logger("workdays")

_ONE = timedelta(days=1)
_FIXED_HOLIDAYS = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})
_unknown_years: set[int] = set()


def is_working_day(day: date, overrides: Mapping[date, bool] | None = None) -> bool:
    """Whether banks and offices work on `day`; `overrides` (day → works) win over the calendar."""
    if overrides is not None and day in overrides:
        return overrides[day]
    if is_known(day):
        return bool(chinese_calendar.is_workday(day))
    if day.year not in _unknown_years:
        _unknown_years.add(day.year)
        log.warning("holiday calendar ends before this year", year=day.year)
    return day.weekday() < 5 and (day.month, day.day) not in _FIXED_HOLIDAYS


def is_known(day: date) -> bool:
    """Whether the holiday calendar reaches this day."""
    try:
        chinese_calendar.is_workday(day)
    except NotImplementedError:
        return False
    return True


def workdays_after(day: date, count: int) -> date:
    """The `count`-th working day after `day`."""
    while count:
        day += _ONE
        count -= is_working_day(day)
    return day
