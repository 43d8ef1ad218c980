"""Cover at an instant against naive models that walk through the days one by one."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.kernel.clock import SHANGHAI, add_months, business_day, day_start
from app.plans.terms import PlanTerms, Span
from app.policies.calendar import day_of_cover, term_period
from app.policies.cover import (
    Change,
    Layer,
    PolicyCover,
    layers_at,
    paying_layers,
    plan_covers,
    reason_at,
    waits_until,
)
from tests.plans.engine import benefit, plan, uid

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


@settings(max_examples=150, deadline=None)
@given(first=STARTS, months=st.integers(0, 60))
@example(first=date(2024, 2, 29), months=48)
@example(first=date(2024, 2, 29), months=12)
@example(first=date(2023, 10, 31), months=4)
def test_months_are_counted_like_walking(first: date, months: int) -> None:
    assert add_months(first, months) == walked(first, months)


class Term(NamedTuple):
    """A term, and its covered days by counting."""

    span: Span
    chosen: int | None
    days: set[date]


def days_from(first: date, count: int) -> set[date]:
    return {first + timedelta(days=nth) for nth in range(count)}


@st.composite
def terms(draw: st.DrawFn, first: date) -> Term:
    kind = draw(st.sampled_from(["months", "days", "choice", "fixed"]))
    count = draw(st.integers(1, 30))
    if kind == "months":
        end = walked(first, count)
        return Term(Span(months=count), None, days_from(first, (end - first).days))
    if kind == "days":
        return Term(Span(days=count), None, days_from(first, count))
    if kind == "choice":
        chosen = draw(st.none() | st.integers(3, 30))
        return Term(Span(days_from=3, days_to=30), chosen, days_from(first, chosen or 3))
    opens = first + timedelta(days=draw(st.integers(-20, 20)))
    closes = opens + timedelta(days=draw(st.integers(0, 200)))
    span = Span(first_day=opens, last_day=closes)
    covered = {day for day in days_from(opens, (closes - opens).days + 1) if day >= first}
    return Term(span, None, covered or {first})


@settings(max_examples=120, deadline=None)
@given(data=st.data(), first=STARTS)
def test_a_term_covers_exactly_its_days(data: st.DataObject, first: date) -> None:
    term = data.draw(terms(first))
    period = term_period(term.span, first, term.chosen)
    assert period.lower is not None
    assert period.upper is not None
    issued = Change("in_force", 1, period.lower, period.upper, period.lower)
    last = max(term.days)
    near = {min(term.days) - ONE, min(term.days), last - ONE, last, last + ONE}
    near.add(data.draw(st.sampled_from(sorted(term.days))))
    for day in near:
        for instant in edges_of(day):
            zone = data.draw(st.sampled_from(ZONES))
            reason, _ = reason_at([issued], instant.astimezone(zone))
            assert (reason == "covered") == (instant.astimezone(SHANGHAI).date() in term.days)


# The life of one policy, painted on half days.

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
    starts, length = midnight(first), draw(st.integers(1, 120))
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


def grouped(layers: tuple[Layer, ...]) -> Counter[date]:
    return Counter(layer.since_on for layer in layers for _ in range(layer.shares))


@settings(max_examples=120, deadline=None)
@given(changes=lives(), zone=st.sampled_from(ZONES))
def test_a_life_of_changes_agrees_with_painting_the_days(changes: list[Change], zone: Any) -> None:
    first = min(business_day(change.effective_at) for change in changes) - 2 * ONE
    last = max(business_day(change.ends_at) for change in changes) + 2 * ONE
    painted = paint(changes, halves(first, last))
    for half, state in painted.items():
        start = midnight(half[0]) + (NOON if half[1] else timedelta())
        for instant in (start, start + NOON - TICK):
            moment = instant.astimezone(zone)
            reason, change = reason_at(changes, moment)
            assert (reason, change) == (said(state, half), state.change)
            layers = layers_at(changes, moment)
            assert grouped(layers) == Counter(state.shares)
            assert sum(layer.shares for layer in layers) == change.shares
            assert all(layer.shares > 0 for layer in layers)


@settings(max_examples=60, deadline=None)
@given(changes=lives())
def test_before_anything_is_effective_the_newest_record_speaks(changes: list[Change]) -> None:
    early = min(change.effective_at for change in changes) - TICK
    reason, change = reason_at(changes, early)
    assert change == changes[-1]
    assert reason != "covered" or change.starts_at <= early
    assert sum(layer.shares for layer in layers_at(changes, early)) > 0


def test_fewer_shares_keep_the_days_of_those_that_stay() -> None:
    starts = midnight(date(2026, 3, 1))
    held = [
        Change("in_force", shares, starts, starts + 365 * ONE, starts + days * ONE)
        for shares, days in ((2, 0), (5, 10), (4, 20), (1, 30))
    ]
    layers = [layers_at(held[:count], starts + 40 * ONE) for count in (1, 2, 3, 4)]
    first, second = date(2026, 3, 1), date(2026, 3, 11)
    assert layers == [
        (Layer(2, first),),
        (Layer(2, first), Layer(3, second)),
        (Layer(2, first), Layer(2, second)),
        (Layer(1, first),),
    ]


def test_before_a_moved_start_the_layers_count_from_the_new_one() -> None:
    planned, moved = midnight(date(2026, 3, 15)), midnight(date(2026, 4, 2))
    changes = [
        Change("pending", 2, planned, planned + 365 * ONE, planned),
        Change("in_force", 2, moved, moved + 365 * ONE, moved),
    ]
    for instant in (planned - ONE, moved):
        assert layers_at(changes, instant) == (Layer(2, date(2026, 4, 2)),)


# Waiting days.


def waiting(accident: int, illness: int, own: int | None = None) -> PlanTerms:
    more = {} if own is None else {"waiting_days": own}
    return plan(
        benefit("PAY", {"yuan": 1}, **more),
        waiting={"accident_days": accident, "illness_days": illness},
    )


def cover_of(changes: list[Change], instant: datetime) -> PolicyCover:
    reason, change = reason_at(changes, instant)
    return PolicyCover(
        "PLAN-A",
        reason,
        change.shares,
        change.starts_at,
        change.ends_at,
        layers=layers_at(changes, instant),
    )


def shares_paying(
    terms_: PlanTerms, changes: list[Change], instant: datetime, cause: Any = "illness"
) -> int:
    cover = cover_of(changes, instant)
    return sum(layer.shares for layer in paying_layers(terms_, cover, "PAY", cause, instant))


@pytest.mark.parametrize("days", [0, 1, 30, 31, 90, 91])
@pytest.mark.parametrize("first", [date(2026, 1, 1), date(2024, 2, 29), date(2024, 1, 30)])
def test_day_zero_is_the_first_covered_day_and_day_n_pays(days: int, first: date) -> None:
    starts = midnight(first)
    changes = [Change("in_force", 2, starts, midnight(add_months(first, 12)), starts)]
    pays_from = midnight(first + timedelta(days=days))
    of_causes: list[tuple[PlanTerms, Any]] = [
        (waiting(0, days), "illness"),
        (waiting(days, 7), "accident"),
        (waiting(0, 400, own=days), "illness"),
    ]
    for own, cause in of_causes:
        assert waits_until(own, cover_of(changes, starts), "PAY", cause) == pays_from
        assert shares_paying(own, changes, pays_from, cause) == 2
        assert shares_paying(own, changes, pays_from - TICK, cause) == 0
        assert day_of_cover(starts, pays_from) == days
        assert day_of_cover(starts, pays_from - TICK) == days - 1


@settings(max_examples=120, deadline=None)
@given(
    changes=lives(),
    days=st.sampled_from([0, 1, 30, 31, 90, 91]),
    offset=st.integers(-2, 130),
    zone=st.sampled_from(ZONES),
)
def test_shares_wait_each_from_its_own_day(
    changes: list[Change], days: int, offset: int, zone: Any
) -> None:
    """By counting: a share pays in a half day if `days` midnights passed since its day 0."""
    own = waiting(0, days)
    first = business_day(changes[0].starts_at)
    day = first + timedelta(days=offset)
    painted = paint(changes, halves(day, day))
    if not painted:
        return
    for half, state in painted.items():
        start = midnight(half[0]) + (NOON if half[1] else timedelta())
        for instant in (start, start + NOON - TICK):
            passed = [day in days_from(since + days * ONE, 2_000) for since in state.shares]
            moment = instant.astimezone(zone)
            assert shares_paying(own, changes, moment) == sum(passed)
            assert shares_paying(own, changes, moment, "accident") == sum(
                day in days_from(since, 2_000) for since in state.shares
            )
            cover = cover_of(changes, moment)
            until = waits_until(own, cover, "PAY", "illness")
            if cover.covered:
                assert (until <= moment) == any(passed)


# Renewals and upgrades.


@settings(max_examples=60, deadline=None)
@given(
    first=STARTS,
    months=st.sampled_from([1, 6, 12, 36]),
    shares=st.integers(1, 3),
    more=st.integers(0, 2),
    days=st.sampled_from([0, 30, 90]),
)
def test_a_renewal_without_a_gap_goes_on_and_only_more_shares_wait(
    first: date, months: int, shares: int, more: int, days: int
) -> None:
    own = waiting(0, days)
    ends = add_months(first, months)
    after = add_months(ends, months)
    old = [Change("in_force", shares, midnight(first), midnight(ends), midnight(first))]
    [layer] = layers_at(old, old[0].starts_at)
    new = [
        Change(
            "in_force", shares, midnight(ends), midnight(after), midnight(ends),
            counted_from=day_start(layer.since_on),
        ),
        Change("in_force", shares + more, midnight(ends), midnight(after), midnight(ends)),
    ]  # fmt: skip
    for day in {first, ends - ONE, ends, ends + ONE, after - ONE}:
        for instant in edges_of(day)[:3]:
            reasons = [reason_at(changes, instant)[0] for changes in (old, new)]
            assert reasons.count("covered") == 1, (day, reasons)
            assert reasons in (["covered", "not_started"], ["ended", "covered"])
    kept = shares if (ends - first).days >= days else 0
    assert shares_paying(own, new, midnight(ends)) == kept + (more if days == 0 else 0)
    waited = midnight(ends + timedelta(days=days))
    assert shares_paying(own, new, waited) == shares + more
    if more and days:
        assert shares_paying(own, new, waited - TICK) == shares
    assert reason_at(new, midnight(after))[0] == "ended"
    assert reason_at(old, midnight(first) - TICK)[0] == "not_started"


@settings(max_examples=60, deadline=None)
@given(first=STARTS, after=st.integers(1, 300), days=st.sampled_from([30, 31, 90, 91]))
def test_an_upgrade_waits_while_the_old_shares_pay(first: date, after: int, days: int) -> None:
    own = waiting(0, days)
    starts, ends = midnight(first), midnight(add_months(first, 24))
    upgraded = midnight(first + timedelta(days=after))
    changes = [
        Change("in_force", 1, starts, ends, starts),
        Change("in_force", 3, starts, ends, upgraded),
    ]
    assert cover_of(changes, upgraded - TICK).shares == 1
    assert cover_of(changes, upgraded).shares == 3
    both = midnight(first + timedelta(days=after + days))
    for instant in (both - TICK, both):
        assert shares_paying(own, changes, instant) == (3 if instant == both else 1)
    old = 1 if after >= days else 0
    assert shares_paying(own, changes, upgraded) == old
    assert layers_at(changes, both) == (
        Layer(1, first),
        Layer(2, first + timedelta(days=after)),
    )


# Everything that a person has, folded from rows.


def rows_of(
    plan_code: str, policy: int | None, changes: list[Change], holder: int
) -> list[dict[str, Any]]:
    return [
        {
            "plan_code": plan_code,
            "holder_id": uid(holder),
            "policy_id": None if policy is None else uid(policy),
            "number": f"P{policy}",
            "plan_version_id": uid(9),
            "option_code": "A",
            "term_number": 1,
            **{name: getattr(change, name) for name in Change.__dataclass_fields__},
        }
        for change in changes
    ]


@settings(max_examples=40, deadline=None)
@given(plans=st.lists(st.lists(lives(), min_size=1, max_size=3), max_size=3), data=st.data())
def test_a_persons_plans_are_the_sum_of_their_policies(
    plans: list[list[list[Change]]], data: st.DataObject
) -> None:
    rows, known = [], []
    for at, policies in enumerate(plans):
        code = f"PLAN-{at}"
        for nth, changes in enumerate(policies):
            rows += rows_of(code, 10 * at + nth, changes, 10 * at + nth)
            known += [change.effective_at for change in changes]
    instant = data.draw(st.sampled_from(known)) if known else midnight(date(2026, 1, 1))
    found = plan_covers(rows, instant + data.draw(st.sampled_from([timedelta(), -TICK, ONE])))
    assert [cover.plan_code for cover in found] == [f"PLAN-{at}" for at in range(len(plans))]
    for cover, policies in zip(found, plans, strict=True):
        assert len(cover.policies) == len(policies)
        assert cover.covered == any(policy.reason == "covered" for policy in cover.policies)
        assert cover.shares == sum(each.shares for each in cover.policies if each.covered)
        if cover.covered:
            assert cover.best.covered


def test_an_unpaid_order_reserves_and_covers_nothing() -> None:
    starts = midnight(date(2026, 3, 1))
    reserved = Change("open", 1, starts, starts + 365 * ONE, starts)
    [cover] = plan_covers(rows_of("PLAN-A", None, [reserved] * 3, 1), starts + ONE)
    assert (cover.best.reason, cover.covered, cover.shares) == ("unpaid", False, 0)
    assert cover.best.shares == 3


def test_the_last_day_of_a_leap_term_and_the_day_after() -> None:
    """Four years from 29 February: each year ends where the next begins."""
    first = date(2024, 2, 29)
    ends = [add_months(first, 12 * year) for year in range(5)]
    assert ends[1:] == [date(2025, 2, 28), date(2026, 2, 28), date(2027, 2, 28), date(2028, 2, 29)]
    for one, next_ in pairwise(ends):
        change = Change("in_force", 1, midnight(one), midnight(next_), midnight(one))
        assert reason_at([change], midnight(next_) - TICK)[0] == "covered"
        assert reason_at([change], midnight(next_))[0] == "ended"
