"""Calendar and rounding rules against brute force."""

from datetime import date, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from app.kernel.clock import add_months, business_day, day_start
from app.kernel.ids import new_number, valid_number
from app.kernel.money import round_half_up, yuan

DAYS = st.dates(date(2000, 1, 1), date(2090, 12, 31))


@given(DAYS, st.integers(1, 240))
def test_a_month_later_is_the_same_day_or_the_last(day: date, months: int) -> None:
    later = add_months(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later + timedelta(days=1)).day == 1


def test_leap_day_a_year_later() -> None:
    assert add_months(date(2024, 2, 29), 12) == date(2025, 2, 28)


@given(DAYS)
def test_a_day_starts_on_itself_and_the_instant_before_is_the_day_before(day: date) -> None:
    start = day_start(day)
    assert business_day(start) == day
    assert business_day(start - timedelta(microseconds=1)) == day - timedelta(days=1)


@given(st.fractions())
def test_rounding_is_half_away_from_zero(amount: Fraction) -> None:
    rounded = round_half_up(amount)
    assert abs(rounded - amount) <= Fraction(1, 2)
    if abs(rounded - amount) == Fraction(1, 2):
        assert abs(rounded) > abs(amount)


def test_yuan_for_people() -> None:
    assert [yuan(123456), yuan(-5), yuan(0)] == ["1,234.56", "-0.05", "0.00"]


@given(st.integers(0, 10), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_one_wrong_character_is_noticed(place: int, other: str) -> None:
    number = new_number("P")
    altered = number[:place] + other + number[place + 1 :]
    assert valid_number(number.lower(), "P")
    assert valid_number(altered, "P") == (altered == number)
