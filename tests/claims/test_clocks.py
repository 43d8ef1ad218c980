"""Promised dates on the calendar and in working days, beyond the library's last year too."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.claims.clocks import Unit, due_at, resumed
from app.claims.ranking import rank
from app.kernel.workdays import is_working_day

SHANGHAI = ZoneInfo("Asia/Shanghai")
FIRST, LAST = datetime.fromisoformat("2024-01-01"), datetime.fromisoformat("2027-12-01")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("start", "length", "unit", "end"),
    [
        ("2026-03-02T10:00", 5, "calendar_days", "2026-03-08T00:00"),
        ("2026-03-02T23:59", 5, "calendar_days", "2026-03-08T00:00"),
        ("2026-03-06T10:00", 1, "working_days", "2026-03-10T00:00"),
        ("2026-02-27T10:00", 1, "working_days", "2026-03-01T00:00"),
        ("2025-09-30T10:00", 1, "working_days", "2025-10-10T00:00"),
        ("2028-02-28T10:00", 1, "calendar_days", "2028-03-01T00:00"),
        ("2028-12-29T10:00", 1, "working_days", "2029-01-03T00:00"),
    ],
)
def test_due(start: str, length: int, unit: Unit, end: str) -> None:
    assert due_at(at(start), length, unit) == at(end)


def test_make_up_workdays_and_overrides() -> None:
    assert is_working_day(date(2025, 9, 28))
    assert not is_working_day(date(2025, 10, 1))
    assert is_working_day(date(2025, 10, 1), {date(2025, 10, 1): True})


def test_a_year_that_the_calendar_does_not_know_yet() -> None:
    assert is_working_day(date(2040, 6, 4))
    assert not is_working_day(date(2040, 6, 2))
    assert not is_working_day(date(2040, 10, 1))


@given(
    start=st.datetimes(FIRST, LAST),
    length=st.integers(1, 30),
    stopped_after=st.integers(0, 40),
    waited=st.integers(0, 60),
    unit=st.sampled_from(["calendar_days", "working_days"]),
)
def test_waiting_never_shortens_and_keeps_what_was_left(
    start: datetime, length: int, stopped_after: int, waited: int, unit: Unit
) -> None:
    began = start.replace(tzinfo=UTC)
    due = due_at(began, length, unit)
    stopped = began + timedelta(days=stopped_after)
    again = resumed(due, stopped, stopped + timedelta(days=waited), unit)
    if stopped < due:
        assert again >= due
    if waited == 0 and stopped < due:
        assert again == due


@given(st.integers(0, 10**10), st.integers(0, 10**10))
def test_larger_sums_come_first_by_two_days_at_most(less: int, more: int) -> None:
    due = at("2026-03-08T00:00")
    low, high = sorted((less, more))
    assert rank(due, high) <= rank(due, low) <= due
    assert due - rank(due, high) <= timedelta(hours=48)
