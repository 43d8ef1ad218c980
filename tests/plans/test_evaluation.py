"""Every operator: its value and its edges."""

from fractions import Fraction
from typing import Any

import pytest

from app.plans.history import Past
from app.plans.literals import Within
from tests.plans.engine import KNOWN, RATES, evaluated, here, use, value

Counters = dict[str, tuple[object, Within]]


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
