"""What holds of every amount: within limits, monotone, exact, never guessed."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.kernel.money import round_half_up
from app.plans.assessment import Assessment, assess
from app.plans.benefits import Limit
from app.plans.facts import facts_of
from app.plans.history import Past
from app.plans.inputs import CLAIM_CONTEXT, Input
from app.plans.literals import Fen, Yuan
from app.plans.terms import PlanTerms
from tests.plans import strategies as some
from tests.plans.engine import (
    LIBRARY,
    Diary,
    benefit,
    here,
    plan,
)

Facts = dict[str, Any]
# Large documents take their time on a busy machine.
SLOW = [HealthCheck.too_slow]


PAID = [(code, each.code) for code, terms in sorted(LIBRARY.items()) for each in terms.benefits]


RIDER, DAYS, STAYS = (LIBRARY[code] for code in ("RIDER-ACC", "CQ-2015-HA", "HN-YY-2014"))


CUMULATIVE = LIBRARY["ZJ-PROV-2022"]


def claims_for(terms: PlanTerms, code: str) -> st.SearchStrategy[Facts]:
    """Complete facts of claims for a benefit, with what the service knows."""
    asked = {fact.name: fact for fact in facts_of(terms, terms.benefit(code))}
    known = {name: CLAIM_CONTEXT[name] for name in CLAIM_CONTEXT if name != "layers"}
    lists = {name: fact for name, fact in asked.items() if fact.kind == "list"}
    lists["layers"] = CLAIM_CONTEXT["layers"]
    plain = {name: fact for name, fact in {**known, **asked}.items() if name not in lists}
    members = {name: _items(fact) for name, fact in lists.items()}
    return st.tuples(some.all_facts(plain), st.fixed_dictionaries(members)).map(
        lambda both: {**both[0], **both[1]}
    )


def _items(listed: Input) -> st.SearchStrategy[tuple[Facts, ...]]:
    return st.lists(some.all_facts(listed.fields), min_size=1, max_size=3).map(tuple)


def within_limits(found: Assessment) -> bool:
    """Nothing is below zero or above what a limit left; a limit is rounded like an amount."""
    return found.amount_fen >= 0 and all(
        found.amount_fen <= max(0, round_half_up(Fraction(step.max.value)) - step.used_fen)  # type: ignore[arg-type]
        for step in found.limits
        if step.max.value is not None
    )


@settings(max_examples=80, deadline=None, suppress_health_check=SLOW)
@given(some.benefits(), st.lists(some.facts(), min_size=1, max_size=3))
def test_random_documents_never_raise_and_never_pay_above_a_limit(
    document: Facts, claims: list[Facts]
) -> None:
    diary = Diary(plan(document, tables=some.TABLES))
    for facts in claims:
        found = diary.claim("PAY", facts)
        assert within_limits(found)
        if found.missing or found.failed:
            assert found.amount_fen == 0
        assert all(count >= 0 for count in found.counters.values())


@settings(max_examples=80, deadline=None, suppress_health_check=SLOW)
@given(some.benefits(), some.all_facts(), st.data())
def test_an_answer_without_missing_facts_does_not_change_when_more_is_known(
    document: Facts, known: Facts, data: st.DataObject
) -> None:
    terms = plan(document, tables=some.TABLES)
    given_names = data.draw(st.sets(st.sampled_from(sorted(known))))
    part = {name: known[name] for name in given_names}
    early = assess(terms, "PAY", part, Past([], here()))
    late = assess(terms, "PAY", known, Past([], here()))
    assert {name.partition(".")[0] for name in early.missing} <= (
        (known.keys() - part.keys()) | {name.partition(".")[0] for name in late.missing}
    )
    if early.failed:
        assert {each.code for each in early.failed} <= {each.code for each in late.failed}
    elif not early.missing:
        assert (late.failed, late.missing) == ((), ())
        assert (late.amount_fen, late.counters) == (early.amount_fen, early.counters)


def literal_fen(limit: Limit) -> int | None:
    return limit.max.fen if isinstance(limit.max, Yuan | Fen) else None


@pytest.mark.long
@pytest.mark.parametrize(("plan_code", "benefit_code"), PAID)
@settings(max_examples=12, deadline=None, suppress_health_check=SLOW)
@given(data=st.data())
def test_published_plans_stay_within_their_printed_maxima(
    plan_code: str, benefit_code: str, data: st.DataObject
) -> None:
    """Over whole sequences of claims, mixed with the plan's other benefits."""
    terms = LIBRARY[plan_code]
    diary = Diary(terms)
    for nth in range(data.draw(st.integers(1, 4))):
        others = data.draw(st.sampled_from([benefit_code, *terms.by_code]))
        code = benefit_code if nth == 0 else others
        found = diary.claim(code, data.draw(claims_for(terms, code)))
        assert within_limits(found)
        assert found.missing == ()
    assert all(used <= most for most, used in maxima(terms, diary))


def maxima(terms: PlanTerms, diary: Diary) -> list[tuple[int, int]]:
    """Each printed maximum of all claims of a policy, and what was paid, added up naively."""

    def paid(codes: Sequence[str]) -> int:
        return sum(use.amount_fen for use in diary.uses if not codes or use.benefit_code in codes)

    found = [(limit, limit.benefits) for limit in terms.limits]
    for each in terms.benefits:
        found += [(limit, limit.benefits or (each.code,)) for limit in each.limits]
    printed = [(literal_fen(limit), limit.per, codes) for limit, codes in found]
    return [
        (most, paid(codes))
        for most, per, codes in printed
        if most is not None and per in ("year", "term", "lifetime")
    ]


Growing = Callable[[int], Assessment]


def growing(terms: PlanTerms, code: str, facts: Callable[[int], Facts]) -> Growing:
    return lambda size: assess(terms, code, facts(size), Past([], here(code, plan_code=terms.code)))


MONOTONE: Mapping[str, Growing] = {
    "a deductible, by cost": growing(
        RIDER, "MED", lambda fen: {"self_pay_fen": fen, "hospital_grade": 2, "shares": 2}
    ),
    "a deductible, by shares": growing(
        RIDER, "MED", lambda n: {"self_pay_fen": 2_500_000, "hospital_grade": 2, "shares": n}
    ),
    "slices with a minimum, by cost of a stay": growing(
        STAYS, "IP", lambda fen: {"stays": ({"self_pay_fen": fen}, {"self_pay_fen": 123_456})}
    ),
    "slices, by number of stays": growing(
        STAYS, "IP", lambda n: {"stays": ({"self_pay_fen": 10_000},) * (n % 300 + n // 10**9)}
    ),
    "days of stays": growing(
        DAYS, "HOSP_DAY", lambda days: {"stays": ({"days": days},), "hospital_grade": 2}
    ),
    "days above the third": growing(
        LIBRARY["BJ-HA-2011"], "HOSP_DAY", lambda days: {"stays": ({"days": 2}, {"days": days})}
    ),
    "days of a term with a floor": growing(
        CUMULATIVE, "IP_DAYS", lambda days: {"stays": ({"days": days},)}
    ),
}


@pytest.mark.parametrize("name", [name for name in MONOTONE if "number" not in name])
@settings(max_examples=40, deadline=None)
@given(size=st.integers(0, 5_000_000), more=st.integers(0, 100_000))
def test_more_cost_more_days_or_more_shares_never_pay_less(name: str, size: int, more: int) -> None:
    paid = MONOTONE[name]
    assert paid(size).amount_fen <= paid(size + more).amount_fen


def test_small_steps_up_never_pay_less() -> None:
    for paid in MONOTONE.values():
        amounts = [paid(size).amount_fen for size in range(60)]
        assert all(one <= next_ for one, next_ in pairwise(amounts))


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(document=some.benefits(), facts=some.all_facts())
def test_the_same_question_has_the_same_answer(document: Facts, facts: Facts) -> None:
    terms, again = plan(document, tables=some.TABLES), plan(document, tables=some.TABLES)
    before = repr(facts)
    first, second = (assess(each, "PAY", facts, Past([], here())) for each in (terms, terms))
    assert first == second
    assert first.amount_fen == assess(again, "PAY", facts, Past([], here())).amount_fen
    assert repr(facts) == before


@settings(max_examples=60, deadline=None)
@given(rate=st.integers(0, 10**9 - 1), fen=st.integers(0, 10**12))
def test_amounts_are_exact_before_they_are_rounded(rate: int, fen: int) -> None:
    terms = plan(benefit("PAY", {"percent": {"of": "loss_fen", "rate": f"0.{rate:09d}"}}))
    found = assess(terms, "PAY", {"loss_fen": fen}, Past([], here()))
    assert found.amount_fen == (2 * fen * rate + 10**9) // (2 * 10**9)
