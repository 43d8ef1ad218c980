"""Naive models of cover: days walked through one by one, and a life painted on half days."""

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from app.kernel.clock import SHANGHAI
from app.policies.layers import Change

ONE = timedelta(days=1)


TICK = timedelta(microseconds=1)


NOON = timedelta(hours=12)


ZONES = (
    UTC,
    SHANGHAI,
    *(ZoneInfo(name) for name in ("America/Los_Angeles", "Pacific/Kiritimati", "Asia/Kathmandu")),
)


STARTS = st.one_of(
    st.dates(date(2023, 1, 1), date(2029, 12, 31)),
    st.sampled_from([date(2024, 2, 29), date(2028, 2, 29), date(2025, 2, 28)]),
    st.sampled_from([date(2026, 1, 31), date(2023, 12, 31), date(2027, 3, 1)]),
)


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)


def edges_of(day: date) -> tuple[datetime, ...]:
    """00:00, noon, the last instant of the day, and the next 00:00."""
    start, end = midnight(day), midnight(day + ONE)
    return start, start + NOON, end - TICK, end


def walked(first: date, months: int) -> date:
    """The day `months` later, found by walking: the same day of the month, or its last."""
    day, turned = first, 0
    while turned < months:
        day += ONE
        turned += day.day == 1
    while day.day < first.day and (day + ONE).day != 1:
        day += ONE
    return day


def days_from(first: date, count: int) -> set[date]:
    return {first + timedelta(days=nth) for nth in range(count)}


Half = tuple[date, bool]


def halves(first: date, last: date) -> list[Half]:
    return [
        (first + timedelta(days=nth), later)
        for nth in range((last - first).days + 1)
        for later in (False, True)
    ]


class Painted(NamedTuple):
    """What is so in one half day: the change that says so, and each share's day 0."""

    change: Change
    shares: list[date]


def paint(changes: list[Change], calendar: list[Half]) -> dict[Half, Painted]:
    """Paint the calendar with one change after another, each from its half day on."""
    painted: dict[Half, Painted] = {}
    for change in changes:
        effective = change.effective_at.astimezone(SHANGHAI)
        begins = (effective.date(), effective.hour >= 12)
        for half in calendar:
            if half < begins:
                continue
            before = painted.get(half)
            shares = [] if before is None else list(before.shares)
            if before is not None and before.change.starts_at != change.starts_at:
                shares.clear()
            del shares[change.shares :]
            since = change.counted_from or max(change.effective_at, change.starts_at)
            day = since.astimezone(SHANGHAI).date()
            shares += [day] * (change.shares - len(shares))
            painted[half] = Painted(change, shares)
    return painted


def said(painted: Painted, half: Half) -> str:
    """Why, by looking for the half day among the covered days of the change."""
    change = painted.change
    if change.status in ("cancelled", "void"):
        return change.status
    first, after = (at.astimezone(SHANGHAI).date() for at in (change.starts_at, change.ends_at))
    covered = set(days_from(first, (after - first).days))
    if half[0] >= after:
        return "ended"
    if change.status == "pending":
        return "pending_identity"
    return "covered" if half[0] in covered else "not_started"


@st.composite
def lives(draw: st.DrawFn) -> list[Change]:
    """Issue, then upgrades, reductions, cancellation, reinstatement, extension, a moved start."""
    first = draw(STARTS)
    starts, length = midnight(first), draw(st.integers(1, 70))
    ends = midnight(first + timedelta(days=length))
    shares, status = draw(st.integers(1, 4)), draw(st.sampled_from(["in_force", "pending"]))
    counted = draw(st.none() | st.integers(1, 400).map(lambda days: starts - days * ONE))
    effective = draw(st.sampled_from([starts, starts - 3 * ONE, starts - 3 * ONE + NOON]))
    changes = [Change(status, shares, starts, ends, effective, counted)]
    for _ in range(draw(st.integers(0, 5))):
        kind = draw(
            st.sampled_from(["upgrade", "reduce", "cancel", "reinstate", "extend", "activate"])
        )
        day = first + timedelta(days=draw(st.integers(-5, length + 5)))
        at = midnight(day) + draw(st.sampled_from([timedelta(), NOON]))
        if kind == "upgrade":
            shares, at = shares + draw(st.integers(1, 3)), midnight(day)
        elif kind == "reduce":
            shares = draw(st.integers(1, shares))
        elif kind == "cancel":
            status = "cancelled"
        elif kind == "extend":
            ends += draw(st.integers(1, 30)) * ONE
        elif status == "pending" and kind == "activate":
            moved = draw(st.integers(0, 20)) * ONE
            starts, ends, status, at = starts + moved, ends + moved, "in_force", starts + moved
        else:
            status = "in_force"
        changes.append(Change(status, shares, starts, ends, at))
    return changes
