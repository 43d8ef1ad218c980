"""What an expression comes to without a fact, and which facts are asked for."""

from typing import Any

import pytest

from app.plans.literals import Within
from app.plans.steps import Step, missing_of
from tests.plans.engine import KNOWN, RATES, evaluated, parsed, value

Counters = dict[str, tuple[object, Within]]

BANDS = [{"to": 3, "gives": 1}, {"above": 3, "gives": 3}]
SLICES = [{"to": {"fen": 5}, "rate": "0.3"}]


def without(name: str) -> dict[str, Any]:
    return {key: known for key, known in KNOWN.items() if key != name}


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("cost_fen", "cost_fen"),
        ({"sum": ["cost_fen", {"yuan": 1}]}, "cost_fen"),
        ({"minus": [{"yuan": 1}, "cost_fen"]}, "cost_fen"),
        ({"times": [0, "cost_fen"]}, "cost_fen"),
        ({"percent": {"of": "cost_fen", "rate": "0.5"}}, "cost_fen"),
        ({"at_most": {"of": "cost_fen", "limit": 0}}, "cost_fen"),
        ({"at_least": {"of": 1, "floor": "cost_fen"}}, "cost_fen"),
        ({"pro_rata": {"of": "cost_fen", "part": 1, "whole": 0}}, "cost_fen"),
        ({"pro_rata": {"of": 7, "part": "cost_fen", "whole": 5}}, "cost_fen"),
        ({"pro_rata": {"of": 7, "part": 5, "whole": "cost_fen"}}, "cost_fen"),
        ({"full": {"of": "cost_fen", "per": 7}}, "cost_fen"),
        ({"band": {"of": "cost_fen", "bands": BANDS}}, "cost_fen"),
        ({"band": {"of": 1, "bands": [{"to": 1, "gives": "cost_fen"}]}}, "cost_fen"),
        ({"slices": {"of": "cost_fen", "slices": SLICES}}, "cost_fen"),
        ({"look_up": {"table": "RATES", "of": "disease"}}, "disease"),
        ({"listed": {"table": "LIST", "of": "disease"}}, "disease"),
        ({"choose": {"by": "disease", "cases": {"C50": 1}}}, "disease"),
        ({"choose": {"by": "grade", "cases": {"2": "disease"}}}, "disease"),
        ({"when": {"if": "ill", "then": 1, "otherwise": 1}}, "ill"),
        ({"when": {"if": {"not": "ill"}, "then": 1, "otherwise": 1}}, "ill"),
        ({"each": {"of": "stays", "gives": 1}}, "stays"),
        ({"count": "stays"}, "stays"),
        ({"days_between": {"first": "first", "last": "last"}}, "first"),
        ({"days_between": {"first": "last", "last": "first"}}, "first"),
        ({"equals": ["disease", "disease"]}, "disease"),
        ({"reaches": ["cost_fen", 0]}, "cost_fen"),
        ({"one_of": {"of": "disease", "words": ["C50"]}}, "disease"),
        ({"all": ["ill", {"equals": [1, 1]}]}, "ill"),
        ({"any": ["ill", "well"]}, "ill"),
        ({"not": "ill"}, "ill"),
    ],
)
def test_a_missing_fact_is_asked_for_and_never_guessed(written: object, asked: str) -> None:
    found = evaluated(written, without(asked), tables=RATES)
    assert found.value is None
    assert missing_of([found], {}) == (asked,)
    known = evaluated(written, KNOWN, tables=RATES)
    assert known.value is not None
    assert missing_of([known], {}) == ()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"all": ["nobody", "well"]}, False),
        ({"any": ["nobody", "ill"]}, True),
        ({"when": {"if": "ill", "then": 1, "otherwise": "nobody"}}, 1),
        ({"when": {"if": "well", "then": "nobody", "otherwise": 2}}, 2),
        ({"choose": {"by": "disease", "cases": {"C50": 1, "C51": "nobody"}}}, 1),
        ({"band": {"of": 5, "bands": [{"to": 4, "gives": "nobody"}, {"above": 4, "gives": 1}]}}, 1),
    ],
)
def test_what_does_not_matter_is_not_asked_for(written: object, expected: object) -> None:
    found = evaluated(written, KNOWN)
    assert found.value == expected
    assert missing_of([found], {}) == ()


def test_all_missing_facts_are_collected_once_and_in_order() -> None:
    both = {"sum": ["b_fen", "a_fen", "b_fen", {"count": "stays"}]}
    assert missing_of([evaluated(both)], {}) == ("b_fen", "a_fen", "stays")


def test_a_missing_field_of_an_item_is_named_with_its_list() -> None:
    stays: dict[str, Any] = {"stays": ({"days": 1}, {}, {"days": 3})}
    found = evaluated({"each": {"of": "stays", "gives": "stays.days"}}, stays)
    assert found.value is None
    assert [part.value for part in found.parts] == [1, None, 3]
    assert missing_of([found], {}) == ("stays.days",)


def test_a_step_is_named_and_what_it_lacks_is_found_through_it() -> None:
    known = Step(70, parsed({"fen": 70}))
    assert value({"minus": ["due", 20]}, steps={"due": known}) == 50
    lacking = evaluated({"sum": ["a_fen", 1]})
    steps = {"due": lacking, "again": Step(None, "due")}
    found = evaluated({"sum": ["again", "due"]}, steps=steps)
    assert found.value is None
    assert missing_of([found], steps) == ("a_fen",)


def test_an_empty_list_adds_up_to_nothing() -> None:
    assert value({"each": {"of": "stays", "gives": "stays.days"}}, {"stays": ()}) == 0
    assert value({"count": "stays"}, {"stays": ()}) == 0


def test_a_counter_that_cannot_be_known_has_no_total() -> None:
    days = {"each": {"of": "stays", "gives": "stays.days"}}
    found = evaluated({"total": "days"}, counters={"days": (days, "term")})
    assert (found.value, missing_of([found], {})) == (None, ("stays",))
