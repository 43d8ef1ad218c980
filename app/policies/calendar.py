"""When cover starts and ends: calendar days in Asia/Shanghai as half-open instants."""

from datetime import date, datetime, timedelta

from sqlalchemy.dialects.postgresql import Range

from app.kernel.clock import add_months, business_day, day_start
from app.plans.prices import Span


def first_covered_day(*conditions_met_at: datetime) -> date:
    """The day after the last of payment, identity and consents (domain.md, default start)."""
    return business_day(max(conditions_met_at)) + timedelta(days=1)


def cover_period(first_day: date, *, months: int | None, days: int | None) -> Range[datetime]:
    """[00:00 of the first day, 24:00 of the last day).

    A term of n months ends on the same day of the month, or the month's last, which is
    the first day that is no longer covered; a term of n days covers n days.
    """
    if months is not None:
        end = add_months(first_day, months)
    elif days is not None:
        end = first_day + timedelta(days=days)
    else:
        raise ValueError("a term has months or days")
    return Range(day_start(first_day), day_start(end), bounds="[)")


def term_period(term: Span, first_day: date, chosen_days: int | None = None) -> Range[datetime]:
    """The period of a contribution option that begins on `first_day`.

    A fixed term begins on its own first day, or on `first_day` if that is later, and ends
    with its last day. `chosen_days` are the buyer's where the option leaves a choice,
    the fewest if nobody chose.
    """
    if term.first_day is not None and term.last_day is not None:
        start = max(first_day, term.first_day)
        end = max(start, term.last_day) + timedelta(days=1)
        return Range(day_start(start), day_start(end), bounds="[)")
    days = term.days if term.days_from is None else chosen_days or term.days_from
    return cover_period(first_day, months=term.months, days=days)


def period_days(period: Range[datetime]) -> int:
    """How many calendar days a period covers."""
    assert period.lower is not None and period.upper is not None  # noqa: S101, PT018
    return (business_day(period.upper) - business_day(period.lower)).days


def whole_months(first_day: date, end: date) -> int:
    """Full months from `first_day` until `end`, the first day that is not covered."""
    months = (end.year - first_day.year) * 12 + end.month - first_day.month
    return max(0, months if add_months(first_day, months) <= end else months - 1)


def age_on(birth_on: date, day: date) -> int:
    """Completed years of life on `day`; who is born on 29 February has 1 March otherwise."""
    return day.year - birth_on.year - ((day.month, day.day) < (birth_on.month, birth_on.day))
