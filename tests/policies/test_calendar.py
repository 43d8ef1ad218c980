"""Cover in days: midnight, leap days, ends of months, ages; against a day-by-day model."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.kernel.clock import SHANGHAI, business_day
from app.policies.calendar import age_on, cover_period, first_covered_day
from app.policies.cover import reason_at
from app.policies.layers import Change


def shanghai(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=SHANGHAI)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("first", "months", "last"),
    [
        (date(2026, 3, 15), 12, date(2027, 3, 14)),
        (date(2026, 1, 1), 12, date(2026, 12, 31)),
        (date(2020, 1, 19), 6, date(2020, 7, 18)),
        (date(2026, 1, 31), 1, date(2026, 2, 27)),
        (date(2024, 2, 29), 12, date(2025, 2, 27)),
        (date(2024, 2, 28), 12, date(2025, 2, 27)),
        (date(2023, 3, 1), 12, date(2024, 2, 29)),
    ],
)
def test_a_term_of_months(first: date, months: int, last: date) -> None:
    period = cover_period(first, months=months, days=None)
    assert period.lower == shanghai(first.year, first.month, first.day)
    assert period.upper == shanghai(last.year, last.month, last.day) + timedelta(days=1)


def test_a_term_of_days_covers_that_many() -> None:
    period = cover_period(date(2026, 2, 27), months=None, days=3)
    assert period.upper == shanghai(2026, 3, 2)


def test_cover_starts_the_day_after_the_last_condition() -> None:
    paid, proven = shanghai(2026, 5, 1, 23, 59, 59), shanghai(2026, 5, 3, 0, 0)
    assert first_covered_day(paid) == date(2026, 5, 2)
    assert first_covered_day(paid, proven) == date(2026, 5, 4)
    assert first_covered_day(datetime(2026, 5, 1, 16, 0, tzinfo=UTC)) == date(2026, 5, 3)


@pytest.mark.parametrize(
    ("instant", "reason"),
    [
        (shanghai(2026, 3, 14, 23, 59, 59, 999_999), "not_started"),
        (shanghai(2026, 3, 15), "covered"),
        (shanghai(2027, 3, 14, 23, 59, 59, 999_999), "covered"),
        (shanghai(2027, 3, 15), "ended"),
        (datetime(2026, 3, 14, 16, 0, tzinfo=UTC), "covered"),
    ],
)
def test_the_edges_of_cover(instant: datetime, reason: str) -> None:
    period = cover_period(date(2026, 3, 15), months=12, days=None)
    assert period.lower is not None
    assert period.upper is not None
    issued = Change("in_force", 1, period.lower, period.upper, period.lower)
    assert reason_at([issued], instant)[0] == reason


def test_a_cancellation_before_the_start_and_a_pending_policy() -> None:
    start, end = shanghai(2026, 3, 15), shanghai(2027, 3, 15)
    issued = Change("in_force", 1, start, end, start)
    cancelled = Change("cancelled", 1, start, end, shanghai(2026, 3, 14, 12))
    assert reason_at([issued, cancelled], start)[0] == "cancelled"
    pending = Change("pending", 1, start, end, start)
    assert reason_at([pending], start)[0] == "pending_identity"
    later = Change("in_force", 1, shanghai(2026, 4, 1), shanghai(2027, 4, 1), shanghai(2026, 4, 1))
    assert reason_at([pending, later], shanghai(2026, 3, 20))[0] == "pending_identity"
    assert reason_at([pending, later], shanghai(2026, 4, 1))[0] == "covered"
    assert reason_at([pending, later], shanghai(2027, 3, 31))[0] == "covered"
    assert reason_at([pending], end)[0] == "ended"


@pytest.mark.parametrize(
    ("birth", "day", "age"),
    [
        (date(2010, 11, 23), date(2026, 11, 22), 15),
        (date(2010, 11, 23), date(2026, 11, 23), 16),
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
    ],
)
def test_ages_in_whole_years(birth: date, day: date, age: int) -> None:
    assert age_on(birth, day) == age


days = st.dates(date(2020, 1, 1), date(2040, 12, 31))


@settings(max_examples=100, deadline=None)
@given(
    first=days, months=st.integers(1, 36), offset=st.integers(-40, 1_200), hour=st.integers(0, 23)
)
def test_cover_agrees_with_counting_days(first: date, months: int, offset: int, hour: int) -> None:
    period = cover_period(first, months=months, days=None)
    assert period.lower is not None
    assert period.upper is not None
    issued = Change("in_force", 1, period.lower, period.upper, period.lower)
    instant = period.lower + timedelta(days=offset, hours=hour)
    target = first.year * 12 + first.month - 1 + months
    covered_days = set()
    day = first
    while (day.year * 12 + day.month - 1, day.day) < (target, first.day) and not (
        day.year * 12 + day.month - 1 == target and _is_last_of_month(day)
    ):
        covered_days.add(day)
        day += timedelta(days=1)
    expected = business_day(instant) in covered_days
    assert (reason_at([issued], instant)[0] == "covered") == expected


def _is_last_of_month(day: date) -> bool:
    return (day + timedelta(days=1)).month != day.month


@settings(max_examples=100, deadline=None)
@given(first=days, months=st.integers(1, 24))
def test_a_renewal_follows_without_a_gap(first: date, months: int) -> None:
    period = cover_period(first, months=months, days=None)
    assert period.upper is not None
    following = cover_period(business_day(period.upper), months=months, days=None)
    assert following.lower == period.upper
