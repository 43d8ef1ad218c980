"""What benefits pay: the worked cases these plans cover, and properties of the amounts."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.plans.assessment import benefit_amount
from app.plans.benefits import PerDiem
from app.plans.catalogue import documents
from app.plans.errors import BenefitNotFound, FactsMissing
from app.plans.terms import PlanTerms

PLANS = {
    document["code"]: PlanTerms.model_validate(document) for _effective, document in documents()
}
RIDER = PLANS["RIDER-ACC"]


@pytest.mark.parametrize(
    ("case", "self_pay", "paid"),
    [
        ("D24", 80, 0),
        ("D25", 100, 0),
        ("D26", 1_500, 1_400),
        ("D27", 10_100, 10_000),
        ("D28", 12_000, 10_000),
    ],
)
def test_published_medical_cases(case: str, self_pay: int, paid: int) -> None:
    found = benefit_amount(RIDER, "MED", {"self_pay_fen": self_pay * 100}, 1)
    assert found.amount_fen == paid * 100, case


@pytest.mark.parametrize(
    ("case", "grade", "paid"), [("D33", 1, 40_000), ("D34", 5, 24_000), ("D35", 10, 4_000)]
)
def test_published_disability_cases(case: str, grade: int, paid: int) -> None:
    found = benefit_amount(RIDER, "DISAB", {"disability_grade": grade}, 1)
    assert found.amount_fen == paid * 100, case


def beijing_allowance() -> PlanTerms:
    """BJ-HA-2011: 40 yuan a day from day 4 of each stay, at most 7,200 yuan."""
    published = PLANS["CQ-2015-HA"]
    [benefit] = published.benefits
    assert isinstance(benefit, PerDiem)
    changed = benefit.model_copy(
        update={"daily_fen": 4_000, "unpaid_days_per_stay": 3, "max_fen": 720_000}
    )
    return published.model_copy(update={"benefits": (changed,)})


@pytest.mark.parametrize(
    ("case", "stays", "paid"),
    [("D29", [3], 0), ("D30", [4], 40), ("D31", [10], 280), ("D32", [21, 22], 1_480)],
)
def test_published_hospital_cases(case: str, stays: list[int], paid: int) -> None:
    found = benefit_amount(beijing_allowance(), "HOSP_DAY", {"stay_days": stays}, 1)
    assert found.amount_fen == paid * 100, case


def test_shares_multiply_fixed_sums_and_raise_the_limit_of_losses() -> None:
    assert benefit_amount(RIDER, "DEATH", {}, 3).amount_fen == 12_000_000
    assert benefit_amount(RIDER, "DISAB", {"disability_grade": 10}, 2).amount_fen == 800_000
    cost = {"self_pay_fen": 2_510_000}
    assert [benefit_amount(RIDER, "MED", cost, n).amount_fen for n in (1, 2, 3)] == [
        1_000_000,
        2_000_000,
        2_500_000,
    ]


def test_what_was_paid_in_the_term_counts_against_its_cap() -> None:
    found = benefit_amount(RIDER, "MED", {"self_pay_fen": 800_000}, 1, paid_before_fen=600_000)
    assert found.amount_fen == 400_000
    assert "cap-per-term" in [step.code for step in found.steps]
    spent = benefit_amount(RIDER, "MED", {"self_pay_fen": 800_000}, 1, paid_before_fen=1_000_000)
    assert spent.amount_fen == 0


def test_every_step_is_explained_in_both_languages() -> None:
    steps = benefit_amount(RIDER, "MED", {"self_pay_fen": 150_000}, 1).steps
    assert [step.code for step in steps] == ["self-pay", "deductible", "rate", "result"]
    assert steps[-1].text.zh == "应付互助金 1,400.00 元"
    assert steps[-1].text.en == "Payable: 1,400.00 yuan"


@pytest.mark.parametrize(
    ("benefit", "facts", "code"),
    [
        ("MED", {}, "fact-missing"),
        ("MED", {"self_pay_fen": -1}, "fact-out-of-range"),
        ("MED", {"self_pay_fen": 1.5}, "fact-out-of-range"),
        ("MED", {"self_pay_fen": True}, "fact-out-of-range"),
        ("DISAB", {"disability_grade": 11}, "fact-out-of-range"),
    ],
)
def test_facts_are_named_not_guessed(benefit: str, facts: dict[str, Any], code: str) -> None:
    with pytest.raises(FactsMissing) as refused:
        benefit_amount(RIDER, benefit, facts, 1)
    assert [error.code for error in refused.value.errors] == [code]


def test_an_unknown_benefit_is_refused() -> None:
    with pytest.raises(BenefitNotFound):
        benefit_amount(RIDER, "NONE", {}, 1)


@settings(max_examples=80, deadline=None)
@given(
    cost=st.integers(0, 10**9),
    more=st.integers(0, 10**7),
    shares=st.integers(1, 3),
    before=st.integers(0, 5_000_000),
)
def test_medical_amounts_are_monotone_and_within_every_cap(
    cost: int, more: int, shares: int, before: int
) -> None:
    def paid(self_pay: int) -> int:
        facts = {"self_pay_fen": self_pay}
        return benefit_amount(RIDER, "MED", facts, shares, paid_before_fen=before).amount_fen

    lower, higher = paid(cost), paid(cost + more)
    assert 0 <= lower <= higher
    assert higher <= max(0, 1_000_000 * shares - before)
    assert lower <= max(0, cost - 10_000)


@settings(max_examples=60, deadline=None)
@given(stays=st.lists(st.integers(0, 400), min_size=1, max_size=12))
def test_hospital_days_do_not_depend_on_the_order_of_stays(stays: list[int]) -> None:
    terms = PLANS["CQ-2015-HA"]
    forward = benefit_amount(terms, "HOSP_DAY", {"stay_days": stays}, 1).amount_fen
    backward = benefit_amount(terms, "HOSP_DAY", {"stay_days": stays[::-1]}, 1).amount_fen
    assert forward == backward == min(900_000, 5_000 * sum(stays))
