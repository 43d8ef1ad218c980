"""Waiting days of each share, through upgrades and renewals, against counting days."""

from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.kernel.clock import add_months, business_day, day_start
from app.plans.terms import PlanTerms
from app.policies.cover import PolicyCover, paying_layers, reason_at, waits_until
from app.policies.layers import Change, Layer, layers_at
from tests.plans.engine import benefit, plan
from tests.policies.days import (
    NOON,
    ONE,
    STARTS,
    TICK,
    ZONES,
    days_from,
    edges_of,
    halves,
    lives,
    midnight,
    paint,
)


@cache
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


@settings(max_examples=80, deadline=None)
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
            passed = [day in days_from(since + days * ONE, 600) for since in state.shares]
            moment = instant.astimezone(zone)
            assert shares_paying(own, changes, moment) == sum(passed)
            assert shares_paying(own, changes, moment, "accident") == sum(
                day in days_from(since, 600) for since in state.shares
            )
            cover = cover_of(changes, moment)
            until = waits_until(own, cover, "PAY", "illness")
            if cover.covered:
                assert (until <= moment) == any(passed)


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
