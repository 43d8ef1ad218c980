"""Bounds are sound: whatever was hidden, the exact value lies within."""

from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from app.plans.assessment import assess
from app.plans.bounds import bounds
from app.plans.declarations import Table
from app.plans.estimates import estimate_range
from app.plans.facts import claim_inputs
from app.plans.history import Past
from app.plans.inputs import CLAIM_CONTEXT
from app.plans.intervals import Bound, Days, Interval, Truth, WordSet
from app.plans.table_values import table_values
from app.plans.view import View
from tests.plans.engine import benefit, condition, evaluated, here, parsed, plan, use
from tests.plans.published import plans
from tests.plans.strategies import COUNTERS, TABLES, Kind, all_facts, benefits, expressions

INPUTS = claim_inputs({})
VALUES = table_values({name: Table.model_validate(table) for name, table in TABLES.items()})
PAST = Past(
    [
        use(12_345, claim=1, counters={"visits": 2, "costs": Fraction(7, 2), "#items": 3}),
        use(700, "OTHER", claim=2, policy=2, counters={"costs": 100}),
        use(50_000, claim=3, on=date(2025, 5, 1), counters={"visits": 1}),
    ],
    here(),
)


def contains(bound: Bound, value: Any) -> bool:
    match bound:
        case Truth():
            return bound.can_hold if value else bound.can_fail
        case Interval():
            inside = bound.low <= value and (bound.high is None or value <= bound.high)
            return inside and (not bound.whole or Fraction(value).denominator == 1)
        case WordSet():
            return bound.words is None or value in bound.words
        case Days():
            early = bound.low is not None and value < bound.low
            return not early and not (bound.high is not None and value > bound.high)


@st.composite
def hidden(draw: st.DrawFn, facts: dict[str, Any]) -> dict[str, Any]:
    """A part of the facts, some list items without some of their fields."""
    known = {}
    for name, value in facts.items():
        if draw(st.booleans()):
            continue
        known[name] = (
            value
            if not isinstance(value, tuple)
            else tuple(
                {field: each for field, each in item.items() if draw(st.booleans())}
                for item in value
            )
        )
    return known


KINDS: list[Kind] = ["money", "number", "truth"]


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_the_exact_value_is_within_the_bound(kind: Kind, data: st.DataObject) -> None:
    written = data.draw(expressions(kind))
    facts = data.draw(all_facts())
    known = data.draw(hidden(facts))
    holds = frozenset(data.draw(st.sets(st.just("PLAN-B"))))
    counters = {name: (each["of"], each["within"]) for name, each in COUNTERS.items()}
    found = evaluated(
        written, facts, past=PAST, tables=VALUES, counters=counters, holds=holds
    ).value
    assume(found is not None)
    for history, other in ((PAST, holds), (None, None)):
        view = View(
            inputs=INPUTS,
            tables=VALUES,
            known=known,
            counters=plan(benefit("PAY", 0, counters=COUNTERS)).benefits[0].counters,
            history=history,
            holds=other,
        )
        assert contains(bounds(parsed(written), view), found)


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_an_estimate_contains_what_is_paid_in_the_end(data: st.DataObject) -> None:
    terms = plan(data.draw(benefits()), tables=TABLES)
    facts = data.draw(all_facts())
    known = data.draw(hidden(facts))
    paid = assess(terms, "PAY", facts, PAST)
    assume(not paid.missing)
    low, high = estimate_range(terms, "PAY", known, PAST)
    assert 0 <= low <= paid.amount_fen
    assert high is None or paid.amount_fen <= high


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_estimates_of_published_plans_close_in_on_the_amount(data: st.DataObject) -> None:
    terms = plans()[data.draw(st.sampled_from(sorted(plans())))]
    code = data.draw(st.sampled_from([each.code for each in terms.benefits]))
    facts = data.draw(all_facts(claim_inputs(terms.facts)))
    past = Past([], here(code, plan_code=terms.code))
    paid = assess(terms, code, facts, past)
    assume(not paid.missing)
    low, high = estimate_range(terms, code, data.draw(hidden(facts)), past)
    assert low <= paid.amount_fen
    assert high is None or paid.amount_fen <= high
    assert estimate_range(terms, code, facts, past) == (paid.amount_fen, paid.amount_fen)


CONTEXT: dict[str, Any] = {"shares": 2, "day_of_cover": 100, "cause": "accident"}


def estimate(written: object, known: dict[str, Any], **more: Any) -> tuple[int, int | None]:
    terms = plan(benefit("PAY", written, **more), tables=TABLES)
    return estimate_range(terms, "PAY", CONTEXT | known, Past([], here()))


@pytest.mark.parametrize(
    ("written", "known", "expected"),
    [
        ({"times": [{"yuan": 10}, "shares"]}, {}, (2_000, 2_000)),
        ({"minus": ["self_pay_fen", {"yuan": 1}]}, {}, (0, None)),
        ({"at_most": {"of": "self_pay_fen", "limit": {"yuan": 50}}}, {}, (0, 5_000)),
        (
            {
                "percent": {
                    "of": {"yuan": 100},
                    "rate": {"look_up": {"table": "RATES", "of": "disability_grade"}},
                }
            },
            {},
            (100, 1_000),
        ),
        (
            {"choose": {"by": "severity", "cases": {"mild": {"fen": 3}, "severe": {"fen": 9}}}},
            {},
            (3, 9),
        ),
        ({"each": {"of": "stays", "gives": {"times": [{"fen": 5}, "stays.days"]}}}, {}, (0, None)),
        (
            {"each": {"of": "stays", "gives": {"times": [{"fen": 5}, "stays.days"]}}},
            {"stays": ({"days": 3}, {})},
            (15, 15 + 5 * 3_650),
        ),
        (
            {
                "band": {
                    "of": "age",
                    "bands": [{"to": 30, "gives": {"fen": 7}}, {"from": 31, "gives": {"fen": 8}}],
                }
            },
            {"age": 40},
            (8, 8),
        ),
        ({"paid_before": {"within": "term"}}, {}, (0, 0)),
        (
            {
                "slices": {
                    "of": "self_pay_fen",
                    "slices": [{"to": {"fen": 100}, "rate": "0.5"}],
                }
            },
            {},
            (0, 50),
        ),
    ],
)
def test_estimates_are_as_narrow_as_the_facts_allow(
    written: object, known: dict[str, Any], expected: tuple[int, int | None]
) -> None:
    found = estimate(written, known)
    if expected == (0, None) and "each" in str(written):
        expected = (0, 5 * 3_650 * 200)
    assert found == expected


def test_conditions_and_limits_narrow_an_estimate() -> None:
    limits = [{"max": {"yuan": 30}, "per": "term"}]
    test = [condition("inpatient", "inpatient")]
    assert estimate({"yuan": 50}, {}, limits=limits) == (3_000, 3_000)
    assert estimate({"yuan": 50}, {}, conditions=test) == (0, 5_000)
    assert estimate({"yuan": 50}, {"inpatient": False}, conditions=test) == (0, 0)
    assert estimate({"yuan": 50}, {"inpatient": True}, conditions=test) == (5_000, 5_000)


def test_what_was_paid_before_is_taken_off_a_limit() -> None:
    terms = plan(benefit("PAY", "self_pay_fen", limits=[{"max": {"yuan": 30}, "per": "term"}]))
    past = Past([use(2_000)], here())
    assert estimate_range(terms, "PAY", CONTEXT, past) == (0, 1_000)
    once = plan(benefit("PAY", "self_pay_fen", once={"within": "term"}))
    assert estimate_range(once, "PAY", CONTEXT, past) == (0, 0)


def test_every_input_of_the_context_can_be_bounded() -> None:
    view = View(inputs=INPUTS)
    for name, known in CLAIM_CONTEXT.items():
        if known.kind != "list":
            assert bounds(name, view) is not None
