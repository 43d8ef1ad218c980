"""Working days of mainland China, make-up workdays included."""

from datetime import date, timedelta

import chinese_calendar

_ONE = timedelta(days=1)


def is_workday(day: date) -> bool:
    """Whether banks and offices work; years that are not published yet have only weekends."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


def workdays_after(day: date, count: int) -> date:
    """The `count`-th working day after `day`."""
    while count:
        day += _ONE
        count -= is_workday(day)
    return day
