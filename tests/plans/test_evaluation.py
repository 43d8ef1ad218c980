"""Every operator: its value, its edges, and what it does without a fact."""

from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from app.plans.evaluation import Step, missing_of
from app.plans.expressions import Within
from app.plans.history import Past
from tests.plans.engine import evaluated, here, parsed, use, value

Counters = dict[str, tuple[object, Within]]

DAY = date(2026, 3, 1)
KNOWN: dict[str, Any] = {
    "cost_fen": 12_345,
    "shares": 3,
    "grade": 2,
    "ill": True,
    "well": False,
    "disease": "C50",
    "first": DAY,
    "last": date(2026, 3, 31),
    "stays": (
        {"days": 4, "cost_fen": 100_00},
        {"days": 10, "cost_fen": 250_00},
        {"days": 1, "cost_fen": 0},
    ),
}
RATES: dict[str, dict[str, object]] = {
    "RATES": {"1": "1", "2": "0.35", "C50": "0.5"},
    "LIST": {"C50": None, "7": None},
}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (3, 3),
        ("0.35", Fraction(35, 100)),
        ("2.0", 2),
        ({"yuan": 12}, 1_200),
        ({"yuan": "62.50"}, 6_250),
        ({"fen": 7}, 7),
        ("cost_fen", 12_345),
        ({"sum": ["shares", 1, 2]}, 6),
        ({"sum": ["cost_fen", {"yuan": 1}]}, 12_445),
        ({"minus": [{"yuan": 5}, {"yuan": 3}]}, 200),
        ({"minus": [{"yuan": 3}, {"yuan": 3}]}, 0),
        ({"minus": [{"yuan": 3}, {"yuan": 2}, {"yuan": 2}]}, 0),
        ({"minus": [{"yuan": 3}, {"fen": 301}]}, 0),
        ({"times": [{"yuan": 50}, "shares"]}, 15_000),
        ({"times": ["0.5", 2, "shares"]}, 3),
        ({"percent": {"of": "cost_fen", "rate": "0.35"}}, Fraction(432_075, 100)),
        ({"percent": {"of": {"fen": 1}, "rate": "0.000000001"}}, Fraction(1, 10**9)),
        ({"at_most": {"of": 4, "limit": 3}}, 3),
        ({"at_most": {"of": 3, "limit": 3}}, 3),
        ({"at_most": {"of": 2, "limit": 3}}, 2),
        ({"at_least": {"of": 2, "floor": 3}}, 3),
        ({"at_least": {"of": 4, "floor": 3}}, 4),
        ({"pro_rata": {"of": {"yuan": 25}, "part": 100, "whole": 365}}, Fraction(50_000, 73)),
        ({"pro_rata": {"of": {"yuan": 25}, "part": 400, "whole": 365}}, 2_500),
        ({"pro_rata": {"of": {"yuan": 25}, "part": 0, "whole": 365}}, 0),
        ({"pro_rata": {"of": {"yuan": 25}, "part": 5, "whole": 0}}, 0),
        ({"full": {"of": 20, "per": 7}}, 2),
        ({"full": {"of": 21, "per": 7}}, 3),
        ({"full": {"of": 6, "per": 7}}, 0),
        ({"full": {"of": 5, "per": "2.5"}}, 2),
        ({"full": {"of": {"fen": 299_999}, "per": {"yuan": 1000}}}, 2),
        ({"full": {"of": 5, "per": 0}}, 0),
        ({"look_up": {"table": "RATES", "of": "grade"}}, Fraction(35, 100)),
        ({"look_up": {"table": "RATES", "of": "disease"}}, Fraction(1, 2)),
        ({"look_up": {"table": "RATES", "of": {"sum": ["0.5", "0.5"]}}}, 1),
        ({"look_up": {"table": "RATES", "of": 9}}, 0),
        ({"look_up": {"table": "LIST", "of": "disease"}}, 0),
        ({"when": {"if": "ill", "then": 1, "otherwise": 2}}, 1),
        ({"when": {"if": "well", "then": 1, "otherwise": 2}}, 2),
        ({"choose": {"by": "disease", "cases": {"C50": 1, "C51": 2}}}, 1),
        ({"choose": {"by": "grade", "cases": {"1": 10, "2": 20}}}, 20),
        ({"choose": {"by": "disease", "cases": {"C51": 2}, "otherwise": 9}}, 9),
        ({"choose": {"by": "disease", "cases": {"C51": 2}}}, 0),
        ({"each": {"of": "stays", "gives": "stays.days"}}, 15),
        ({"each": {"of": "stays", "gives": {"minus": ["stays.days", 3]}}}, 8),
        ({"each": {"of": "stays", "gives": {"times": ["stays.cost_fen", "shares"]}}}, 105_000),
        ({"count": "stays"}, 3),
        ({"days_between": {"first": "first", "last": "last"}}, 30),
        ({"days_between": {"first": "last", "last": "first"}}, 0),
        ({"equals": ["grade", 2]}, True),
        ({"equals": ["grade", "2.0"]}, True),
        ({"equals": ["disease", "disease"]}, True),
        ({"equals": ["first", "last"]}, False),
        ({"one_of": {"of": "disease", "words": ["C51", "C50"]}}, True),
        ({"one_of": {"of": "disease", "words": ["c50"]}}, False),
        ({"listed": {"table": "LIST", "of": "disease"}}, True),
        ({"listed": {"table": "LIST", "of": "grade"}}, False),
        ({"listed": {"table": "LIST", "of": 7}}, True),
        ({"holds": "OTHER-PLAN"}, True),
        ({"holds": "THIRD-PLAN"}, False),
        ({"all": ["ill", {"not": "well"}]}, True),
        ({"all": ["ill", "well"]}, False),
        ({"any": ["well", "ill"]}, True),
        ({"any": ["well", "well"]}, False),
        ({"not": "ill"}, False),
        ({"not": "well"}, True),
    ],
)
def test_what_an_operator_comes_to(written: object, expected: object) -> None:
    found = value(written, KNOWN, tables=RATES, holds=frozenset({"OTHER-PLAN"}))
    assert found == expected
    assert isinstance(found, bool) == isinstance(expected, bool)
    assert not isinstance(found, float)


@pytest.mark.parametrize(
    ("operator", "below", "same", "above"),
    [
        ("reaches", False, True, True),
        ("exceeds", False, False, True),
        ("up_to", True, True, False),
        ("below", True, False, False),
    ],
)
def test_comparisons_at_the_very_edge(operator: str, below: bool, same: bool, above: bool) -> None:
    def said(fen: int) -> Any:
        return value({operator: [{"fen": fen}, {"yuan": 1}]})

    assert (said(99), said(100), said(101)) == (below, same, above)


INCLUSIVE = [
    {"to": 3, "gives": 1},
    {"above": 3, "to": 6, "gives": 2},
    {"above": 6, "gives": 3},
]
EXCLUSIVE = [
    {"below": 3, "gives": 1},
    {"from": 3, "below": 6, "gives": 2},
    {"from": 6, "to": 9, "gives": 3},
]


@pytest.mark.parametrize(
    ("bands", "size", "given"),
    [
        (INCLUSIVE, 0, 1),
        (INCLUSIVE, 3, 1),
        (INCLUSIVE, "3.000000001", 2),
        (INCLUSIVE, 6, 2),
        (INCLUSIVE, 7, 3),
        (INCLUSIVE, 10**12, 3),
        (EXCLUSIVE, "2.999999999", 1),
        (EXCLUSIVE, 3, 2),
        (EXCLUSIVE, "5.999999999", 2),
        (EXCLUSIVE, 6, 3),
        (EXCLUSIVE, 9, 3),
        (EXCLUSIVE, "9.1", 0),
    ],
)
def test_bands_belong_to_their_inclusive_edges(
    bands: list[dict[str, Any]], size: object, given: int
) -> None:
    found = evaluated({"band": {"of": size, "bands": bands}})
    assert found.value == given
    if given:
        assert found.note.gives == given


SLICES = [
    {"to": {"fen": 5}, "rate": "0.3"},
    {"above": {"fen": 5}, "to": {"fen": 9}, "rate": "0.35"},
    {"above": {"fen": 9}, "to": {"fen": 12}, "rate": "0"},
    {"above": {"fen": 12}, "to": {"fen": 20}, "rate": "1"},
]


def rate_of_fen(nth: int) -> Fraction:
    """The rate of the n-th fen, counted from 1."""
    if nth <= 5:
        return Fraction(3, 10)
    if nth <= 9:
        return Fraction(35, 100)
    return Fraction(1) if 12 < nth <= 20 else Fraction(0)


@pytest.mark.parametrize("fen", range(26))
def test_slices_are_the_sum_of_each_fen(fen: int) -> None:
    found = evaluated({"slices": {"of": {"fen": fen}, "slices": SLICES}})
    assert found.value == sum((rate_of_fen(nth) for nth in range(1, fen + 1)), Fraction())
    assert sum(part for _, part, _ in found.note) == min(fen, 20)


def test_slices_of_a_fraction_of_a_fen() -> None:
    half = {"percent": {"of": {"fen": 11}, "rate": "0.5"}}
    assert value({"slices": {"of": half, "slices": SLICES}}) == Fraction(15 * 10 + 35 // 2, 100) + (
        Fraction(1, 200)
    )


def test_the_occurrence_of_a_claim_counts_paid_claims() -> None:
    paid = [use(100, claim=1), use(0, claim=2), use(100, "OTHER", claim=3), use(5, claim=1)]
    past = Past(paid, here())
    assert value({"occurrence": {"within": "term"}}, past=past) == 2
    assert value({"occurrence": {"within": "term"}}) == 1


def test_the_occurrence_of_an_item_goes_on_over_claims() -> None:
    by_number = {
        "each": {
            "of": "stays",
            "gives": {
                "times": [
                    "stays.days",
                    {
                        "band": {
                            "of": {"occurrence": {"within": "term"}},
                            "bands": [
                                {"to": 1, "gives": 100},
                                {"above": 1, "to": 3, "gives": 10},
                                {"above": 3, "gives": 1},
                            ],
                        }
                    },
                ]
            },
        }
    }
    assert value(by_number, KNOWN) == 4 * 100 + 10 * 10 + 1 * 10
    earlier = Past([use(1, counters={"#items": 2})], here())
    assert value(by_number, KNOWN, past=earlier) == 4 * 10 + 10 + 1
    others = Past([use(1, "OTHER", counters={"#items": 2})], here())
    assert value(by_number, KNOWN, past=others) == value(by_number, KNOWN)


def test_counters_before_this_claim_and_with_it() -> None:
    past = Past([use(100, counters={"days": 4}), use(0, claim=2, counters={"days": 1})], here())
    days = {"each": {"of": "stays", "gives": "stays.days"}}
    counters: Counters = {"days": (days, "term")}
    assert value({"before": "days"}, KNOWN, past=past, counters=counters) == 5
    with_this = evaluated({"total": "days"}, KNOWN, past=past, counters=counters)
    assert (with_this.value, with_this.note) == (20, 5)
    assert value({"paid_before": {"within": "term"}}, past=past) == 100
    named = {"paid_before": {"within": "term", "benefits": ["OTHER"]}}
    assert value(named, past=past) == 0


def test_a_counter_over_the_same_list_inside_each_leaves_the_item_alone() -> None:
    days = {"each": {"of": "stays", "gives": "stays.days"}}
    written = {
        "each": {
            "of": "stays",
            "gives": {
                "sum": [
                    {"times": [0, {"total": "days"}]},
                    {"times": ["stays.days", {"occurrence": {"within": "term"}}]},
                ]
            },
        }
    }
    assert value(written, KNOWN, counters={"days": (days, "term")}) == 4 + 20 + 3


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
        ({"band": {"of": "cost_fen", "bands": INCLUSIVE}}, "cost_fen"),
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
