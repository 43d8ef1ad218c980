"""Limits: periods, shares, several benefits, the plan, all policies, other plans."""

from typing import Any

import pytest

from app.plans.terms import PlanTerms
from tests.plans.engine import assessed, benefit, plan, use


def limited(own: list[dict[str, Any]], **more: Any) -> PlanTerms:
    return plan(benefit("PAY", "loss_fen", limits=own), benefit("OTHER", "loss_fen"), **more)


def test_a_limit_per_share_grows_with_the_shares() -> None:
    terms = limited([{"max": {"times": [{"yuan": 100}, "shares"]}, "per": "term"}])
    for shares in (1, 2, 3):
        found = assessed(terms, {"loss_fen": 10**9, "shares": shares}, [use(2_500)])
        assert found.amount_fen == 10_000 * shares - 2_500
    assert assessed(terms, {"loss_fen": 5, "shares": 0}).amount_fen == 0


@pytest.mark.parametrize(
    ("per", "paid"),
    [("claim", 900), ("incident", 800), ("year", 600), ("term", 600), ("lifetime", 200)],
)
def test_what_is_left_of_a_limit_in_each_period(per: str, paid: int) -> None:
    terms = limited([{"max": {"fen": 1_000}, "per": per}])
    uses = [
        use(100, claim=1_000, incident=1),
        use(100, claim=2, incident=1),
        use(200, claim=3, incident=2),
        use(400, claim=4, incident=3, policy=2),
        use(777, "OTHER", claim=5),
    ]
    found = assessed(terms, {"loss_fen": 5_000}, uses)
    assert found.amount_fen == paid
    [step] = found.limits
    assert (step.used_fen, step.bit) == (1_000 - paid, True)
    assert [step.before, step.after] == [5_000, paid]


def test_a_limit_that_is_used_up_leaves_nothing_and_never_less() -> None:
    terms = limited([{"max": {"fen": 1_000}, "per": "term"}])
    for used in (999, 1_000, 1_001, 10**9):
        found = assessed(terms, {"loss_fen": 50}, [use(used)])
        assert found.amount_fen == max(0, 1_000 - used)


def test_a_limit_shared_by_benefits_counts_what_both_were_paid() -> None:
    terms = limited([{"max": {"fen": 1_000}, "per": "term", "benefits": ["PAY", "OTHER"]}])
    uses = [use(300), use(600, "OTHER", claim=2)]
    assert assessed(terms, {"loss_fen": 500}, uses).amount_fen == 100
    # The other benefit has no such limit of its own.
    assert assessed(terms, {"loss_fen": 500}, uses, "OTHER").amount_fen == 500


def test_a_plans_limit_binds_its_benefits_and_only_those_named() -> None:
    uses = [use(300), use(600, "OTHER", claim=2)]
    everything = limited([], limits=[{"max": {"fen": 1_000}, "per": "term"}])
    assert assessed(everything, {"loss_fen": 500}, uses).amount_fen == 100
    assert assessed(everything, {"loss_fen": 500}, uses, "OTHER").amount_fen == 100
    named = limited([], limits=[{"max": {"fen": 1_000}, "per": "term", "benefits": ["PAY"]}])
    assert assessed(named, {"loss_fen": 900}, uses).amount_fen == 700
    assert assessed(named, {"loss_fen": 900}, uses, "OTHER").amount_fen == 900


def test_a_limit_over_the_members_policies_and_over_plans() -> None:
    uses = [use(100), use(200, policy=2, claim=2), use(400, policy=3, claim=3, plan_code="PLAN-B")]
    for limit, paid in (
        ({"across": "policy"}, 900),
        ({"across": "member"}, 700),
        ({"across": "member", "plans": ["PLAN-B"]}, 300),
        ({"plans": ["PLAN-B"]}, 300),
    ):
        terms = limited([{"max": {"fen": 1_000}, "per": "term", **limit}])
        assert assessed(terms, {"loss_fen": 5_000}, uses).amount_fen == paid, limit


def test_the_narrowest_of_several_limits_decides() -> None:
    terms = limited(
        [{"max": {"fen": 900}, "per": "claim"}, {"max": {"fen": 1_000}, "per": "term"}],
        limits=[{"max": {"fen": 1_200}, "per": "term"}],
    )
    assert assessed(terms, {"loss_fen": 5_000}).amount_fen == 900
    assert assessed(terms, {"loss_fen": 5_000}, [use(300)]).amount_fen == 700
    found = assessed(terms, {"loss_fen": 5_000}, [use(100), use(900, "OTHER", claim=2)])
    assert found.amount_fen == 200
    assert [step.bit for step in found.limits] == [True, False, True]


def test_a_limit_that_is_not_known_asks_for_its_facts() -> None:
    terms = limited([{"max": {"times": [{"yuan": 1}, "family_members"]}, "per": "term"}])
    found = assessed(terms, {"loss_fen": 5_000})
    assert (found.amount_fen, found.missing) == (0, ("family_members",))
