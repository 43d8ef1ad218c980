"""Around the expression: conditions, endings, exclusions, rounding, counters."""

from fractions import Fraction

import pytest

from app.plans.assessment import EXCLUDED, ONCE, assess
from app.plans.errors import BenefitNotFound
from app.plans.history import Past
from tests.plans.engine import (
    CATALOGUE,
    WORDS,
    Diary,
    assessed,
    benefit,
    codes,
    condition,
    here,
    plan,
    use,
)

RIDER = CATALOGUE["RIDER-ACC"]


def test_every_condition_that_fails_is_named_and_nothing_is_paid() -> None:
    terms = plan(
        benefit(
            "PAY",
            {"yuan": 100},
            conditions=[
                condition("not-first", "first_diagnosis"),
                condition("grade-too-low", {"reaches": ["hospital_grade", 2]}),
                condition("not-inpatient", "inpatient"),
            ],
            counters={"cost": {"of": "loss_fen", "within": "term", "words": WORDS}},
        )
    )
    facts = {"first_diagnosis": False, "hospital_grade": 1, "inpatient": True, "loss_fen": 5}
    found = assessed(terms, facts)
    assert codes(found) == ["not-first", "grade-too-low"]
    assert (found.amount_fen, found.missing, dict(found.counters)) == (0, (), {})
    assert [step.value for _, step in found.conditions] == [False, False, True]
    paid = assessed(terms, {**facts, "first_diagnosis": True, "hospital_grade": 2})
    assert (codes(paid), paid.amount_fen, dict(paid.counters)) == (
        [],
        10_000,
        {"cost": Fraction(5)},
    )


def test_a_failed_condition_asks_for_nothing_more() -> None:
    terms = plan(benefit("PAY", "loss_fen", conditions=[condition("not-inpatient", "inpatient")]))
    refused = assessed(terms, {"inpatient": False})
    assert (codes(refused), refused.missing) == (["not-inpatient"], ())
    asked = assessed(terms, {})
    assert (codes(asked), asked.missing, asked.amount_fen) == ([], ("inpatient", "loss_fen"), 0)


def test_a_condition_whose_choice_has_no_such_case_does_not_hold() -> None:
    require = {"choose": {"by": "severity", "cases": {"severe": "inpatient"}}}
    terms = plan(benefit("PAY", {"yuan": 1}, conditions=[condition("too-mild", require)]))
    assert codes(assessed(terms, {"severity": "mild", "inpatient": True})) == ["too-mild"]
    assert assessed(terms, {"severity": "severe", "inpatient": True}).amount_fen == 100


def test_facts_of_a_step_that_does_not_matter_are_not_asked_for() -> None:
    costly = {"name": "costly", "words": WORDS, "value": "loss_fen"}
    pays = {"when": {"if": "surgery", "then": "costly", "otherwise": {"yuan": 5}}}
    terms = plan(benefit("PAY", pays, steps=[costly]))
    assert assessed(terms, {"surgery": False}).amount_fen == 500
    assert assessed(terms, {"surgery": True}).missing == ("loss_fen",)
    assert assessed(terms, {}).missing == ("surgery",)


def test_once_in_the_term_and_once_in_a_lifetime() -> None:
    for within, next_policy in (("term", 100), ("lifetime", 0)):
        terms = plan(benefit("PAY", {"yuan": 1}, once={"within": within}))
        assert assessed(terms, {}).amount_fen == 100
        again = assessed(terms, {}, [use(100, claim=2)])
        assert (again.failed, again.amount_fen) == ((ONCE,), 0)
        assert assessed(terms, {}, [use(100, policy=9)]).amount_fen == next_policy
        assert assessed(terms, {}, [use(0, claim=2)]).amount_fen == 100


def test_a_payment_ends_the_benefits_that_it_names() -> None:
    for within, next_policy in (("term", []), ("lifetime", ["paid-once"])):
        terms = plan(
            benefit("MAIN", {"yuan": 9}, once={"within": within, "benefits": ["PAY"]}),
            benefit("PAY", {"yuan": 1}),
        )
        assert codes(assessed(terms, {}, [use(900, "MAIN")])) == ["paid-once"]
        assert codes(assessed(terms, {}, [use(900, "MAIN", policy=9)])) == next_policy
        assert codes(assessed(terms, {}, [use(100)])) == []
        assert codes(assessed(terms, {}, [use(100)], code="MAIN")) == []
        assert codes(assessed(terms, {}, [use(900, "MAIN")], code="MAIN")) == ["paid-once"]


@pytest.mark.parametrize(("first", "second"), [("DISAB", "DEATH"), ("DEATH", "DISAB")])
def test_exclusion_works_in_both_directions_for_one_incident(first: str, second: str) -> None:
    terms = plan(
        benefit("DISAB", {"yuan": 1}, excludes=["DEATH"]),
        benefit("DEATH", {"yuan": 2}),
        benefit("MED", {"yuan": 3}),
    )
    paid = [use(100, first, incident=1)]
    beside = assessed(terms, {}, paid, second, incident=1)
    assert (beside.failed, beside.amount_fen) == ((EXCLUDED,), 0)
    assert codes(assessed(terms, {}, paid, second, incident=2)) == []
    assert codes(assessed(terms, {}, paid, first, incident=1)) == []
    assert codes(assessed(terms, {}, paid, "MED", incident=1)) == []


def test_the_catalogue_says_so_of_disability_and_death() -> None:
    inputs = {"disability_grade": 3, "shares": 1}
    paid = [use(100, "DEATH", plan_code="RIDER-ACC")]
    found = assessed(RIDER, inputs, paid, "DISAB", plan_code="RIDER-ACC")
    assert found.failed == (EXCLUDED,)


@pytest.mark.parametrize(
    ("rate", "loss", "paid"),
    [("0.5", 1, 1), ("0.5", 3, 2), ("0.499999999", 1, 0), ("0.005", 99, 0), ("0.005", 100, 1)],
)
def test_half_a_fen_is_rounded_up(rate: str, loss: int, paid: int) -> None:
    terms = plan(benefit("PAY", {"percent": {"of": "loss_fen", "rate": rate}}))
    assert assessed(terms, {"loss_fen": loss}).amount_fen == paid


def test_rounding_happens_once_and_after_the_limits() -> None:
    half = {"percent": {"of": "stays.self_pay_fen", "rate": "0.5"}}
    limit = {"max": {"percent": {"of": {"fen": 5}, "rate": "0.5"}}, "per": "term"}
    three = {"stays": tuple({"self_pay_fen": 1} for _ in range(3))}
    each = benefit("PAY", {"each": {"of": "stays", "gives": half}})
    found = assessed(plan(each), three)
    assert (found.pays.value, found.amount_fen) == (Fraction(3, 2), 2)
    capped = assessed(plan({**each, "limits": [limit]}), {"stays": three["stays"] * 3})
    assert (capped.limits[0].after, capped.amount_fen) == (Fraction(5, 2), 3)


def test_counters_are_returned_to_be_remembered() -> None:
    terms = plan(
        benefit(
            "PAY",
            {"times": [{"yuan": 1}, {"total": "days"}]},
            counters={
                "days": {
                    "of": {"each": {"of": "stays", "gives": "stays.days"}},
                    "within": "term",
                    "words": WORDS,
                },
                "half": {
                    "of": {"times": ["0.5", "family_members"]},
                    "within": "year",
                    "words": WORDS,
                },
            },
        )
    )
    stays = {"stays": ({"days": 2}, {"days": 5}), "family_members": 3}
    found = assessed(terms, stays, [use(1, counters={"days": 10})])
    assert found.amount_fen == 1_700
    assert found.counters == {"days": Fraction(7), "half": Fraction(3, 2)}
    # What could not be remembered would be forgotten: it is asked for.
    asked = assessed(terms, {"stays": ({"days": 2},)})
    assert (asked.missing, asked.counters) == (("family_members",), {"days": Fraction(2)})


def test_items_that_are_numbered_over_claims_are_counted_without_being_declared() -> None:
    nth = {"occurrence": {"within": "term"}}
    terms = plan(
        benefit("PAY", {"each": {"of": "stays", "gives": {"times": [{"yuan": 1}, nth]}}}),
        benefit("OTHER", {"each": {"of": "stays", "gives": {"yuan": 1}}}),
    )
    diary = Diary(terms)
    stay = {"days": 1}
    assert diary.claim("PAY", {"stays": (stay, stay)}).counters == {"#items": 2}
    assert diary.claim("OTHER", {"stays": (stay,)}).counters == {}
    assert diary.claim("PAY", {"stays": (stay,)}).amount_fen == 300


def test_another_plan_held_at_the_event() -> None:
    terms = plan(benefit("PAY", {"when": {"if": {"holds": "PLAN-B"}, "then": 1, "otherwise": 2}}))
    past = Past([], here())
    assert assess(terms, "PAY", {}, past, frozenset({"PLAN-B"})).amount_fen == 1
    assert assess(terms, "PAY", {}, past).amount_fen == 2


def test_an_unknown_benefit_is_refused() -> None:
    with pytest.raises(BenefitNotFound):
        assessed(RIDER, {}, code="NONE")


@pytest.mark.parametrize(
    ("self_pay", "shares", "used", "paid"),
    [
        (8_000, 1, 0, 0),
        (10_000, 1, 0, 0),
        (10_001, 1, 0, 1),
        (150_000, 1, 0, 140_000),
        (1_010_000, 1, 0, 1_000_000),
        (1_010_001, 1, 0, 1_000_000),
        (2_510_000, 3, 0, 2_500_000),
        (800_000, 1, 600_000, 400_000),
        (800_000, 1, 1_000_000, 0),
    ],
)
def test_self_paid_treatment_after_an_accident(
    self_pay: int, shares: int, used: int, paid: int
) -> None:
    inputs = {"self_pay_fen": self_pay, "hospital_grade": 2, "shares": shares}
    uses = [use(used, "MED", plan_code="RIDER-ACC")]
    found = assessed(RIDER, inputs, uses, "MED", plan_code="RIDER-ACC")
    assert (codes(found), found.amount_fen) == ([], paid)
