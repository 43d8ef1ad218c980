"""Cover at an instant against naive models that walk through the days one by one."""

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.kernel.clock import SHANGHAI, add_months, business_day
from app.plans.prices import Span
from app.policies.calendar import term_period
from app.policies.cover import plan_covers, reason_at
from app.policies.layers import Change, Layer, layers_at
from tests.plans.engine import uid
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
    said,
    walked,
)


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


def grouped(layers: tuple[Layer, ...]) -> Counter[date]:
    return Counter(layer.since_on for layer in layers for _ in range(layer.shares))


@settings(max_examples=80, deadline=None)
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
            **change._asdict(),
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
