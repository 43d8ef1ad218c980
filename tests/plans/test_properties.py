"""What holds of every amount: bounds, monotony, order, splitting, slices, missing facts."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from importlib.resources import files
from itertools import pairwise, permutations
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.kernel.money import round_half_up
from app.plans.assessment import Assessment, assess
from app.plans.benefits import Limit
from app.plans.expressions import Fen, Yuan
from app.plans.facts import facts_of
from app.plans.history import Past
from app.plans.inputs import CLAIM_CONTEXT, Input
from app.plans.tables import expand_tables, standard_tables
from app.plans.terms import PlanTerms
from tests.plans import strategies as some
from tests.plans.engine import CATALOGUE, WORDS, Diary, benefit, here, plan, value

Facts = dict[str, Any]


def library() -> dict[str, PlanTerms]:
    """Every plan that comes with the service, and every printed one beside them."""
    found = dict(CATALOGUE)
    for entry in files("app.plans").joinpath("library").iterdir():
        if entry.name.endswith(".yaml"):
            document = yaml.safe_load(entry.read_text("utf-8"))["document"]
            terms = PlanTerms.model_validate(expand_tables(document, standard_tables()))
            found[terms.code] = terms
    return found


LIBRARY = library()
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


@settings(max_examples=80, deadline=None)
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


@settings(max_examples=80, deadline=None)
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


@pytest.mark.parametrize(("plan_code", "benefit_code"), PAID)
@settings(max_examples=12, deadline=None)
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


Edges = list[int]
EDGES = st.sets(st.integers(1, 60), min_size=1, max_size=5).map(sorted)
PERMILLE = st.lists(st.integers(0, 1_000), min_size=6, max_size=6)


def slices_of(edges: Edges, permille: Sequence[int], *, open_: bool, scale: int = 1) -> list[Facts]:
    rows: list[Facts] = []
    for at, edge in enumerate(edges):
        row: Facts = {"to": {"fen": edge * scale}, "rate": f"{permille[at] / 1000:.3f}"}
        rows.append({"above": {"fen": edges[at - 1] * scale}, **row} if at else row)
    if open_:
        last = {"above": {"fen": edges[-1] * scale}, "rate": f"{permille[len(edges)] / 1000:.3f}"}
        rows.append(last)
    return rows


@settings(max_examples=120, deadline=None)
@given(fen=st.integers(0, 75), edges=EDGES, permille=PERMILLE, open_=st.booleans())
@example(fen=60, edges=[60], permille=[1_000] * 6, open_=False)
def test_slices_equal_adding_up_each_fen(
    fen: int, edges: Edges, permille: list[int], open_: bool
) -> None:
    """Brute force: every fen looks for its own slice."""
    added = 0
    for nth in range(1, fen + 1):
        at = sum(edge < nth for edge in edges)
        if at < len(edges) or open_:
            added += permille[at]
    written = {"of": {"fen": fen}, "slices": slices_of(edges, permille, open_=open_)}
    assert value({"slices": written}) == Fraction(added, 1_000)


@settings(max_examples=120, deadline=None)
@given(fen=st.integers(0, 10**10), edges=EDGES, permille=PERMILLE)
def test_large_slices_equal_the_sum_over_changes_of_the_rate(
    fen: int, edges: Edges, permille: list[int]
) -> None:
    """Another formula: what lies above each edge, times by how much the rate changes there."""
    scale = 98_765_432
    lows, expected, before = [0, *(edge * scale for edge in edges)], Fraction(), 0
    for low, rate in zip(lows, permille, strict=False):
        expected += Fraction(rate - before, 1_000) * max(0, fen - low)
        before = rate
    rows = slices_of(edges, permille, open_=True, scale=scale)
    assert value({"slices": {"of": {"fen": fen}, "slices": rows}}) == expected


def totals(make: Callable[[], Diary], claims: Sequence[tuple[str, Facts]]) -> set[int]:
    """What all claims together were paid, for each order of them."""
    found = set()
    for order in permutations(claims):
        diary = make()
        found.add(sum(diary.claim(code, facts).amount_fen for code, facts in order))
    return found


COSTS = st.lists(st.integers(0, 1_500_000), min_size=2, max_size=4)


@settings(max_examples=25, deadline=None)
@given(costs=COSTS)
def test_the_total_does_not_depend_on_the_order_of_claims(costs: list[int]) -> None:
    """Where what a claim comes to depends on its own facts alone (no history in `pays`),
    and everything it counts against is per term with a maximum that all claims share: the
    term is then paid min(maximum, sum of the rounded amounts)."""
    med = [("MED", {"self_pay_fen": fen, "hospital_grade": 2, "shares": 1}) for fen in costs]
    alone = sum(min(max(0, fen - 10_000), 1_000_000) for fen in costs)
    assert totals(lambda: Diary(RIDER), med) == {min(1_000_000, alone)}
    stays = [("IP", {"stays": ({"self_pay_fen": 7 * fen},)}) for fen in costs]
    [total] = totals(lambda: Diary(STAYS), stays)
    paid_alone = [Diary(STAYS).claim("IP", facts).amount_fen for _, facts in stays]
    assert total == min(5_000_000, sum(paid_alone))
    days = [("HOSP_DAY", {"stays": ({"days": fen % 150},), "hospital_grade": 3}) for fen in costs]
    assert totals(lambda: Diary(DAYS), days) == {
        min(900_000, 5_000 * sum(fen % 150 for fen in costs))
    }


@settings(max_examples=25, deadline=None)
@given(claims=st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 900)), max_size=5))
def test_nested_limits_do_not_depend_on_the_order_either(claims: list[tuple[str, int]]) -> None:
    """Each benefit's own maximum inside the plan's maximum over both."""
    terms = plan(
        benefit("AA", "loss_fen", limits=[{"max": {"fen": 700}, "per": "term"}]),
        benefit("BB", "loss_fen", limits=[{"max": {"fen": 500}, "per": "term"}]),
        limits=[{"max": {"fen": 1_000}, "per": "term"}],
    )
    filed = [(code * 2, {"loss_fen": fen}) for code, fen in claims]
    of_a, of_b = (sum(fen for code, fen in claims if code == one) for one in "AB")
    assert totals(lambda: Diary(terms), filed) == {min(1_000, min(700, of_a) + min(500, of_b))}


def test_the_order_matters_where_a_plan_looks_at_the_past() -> None:
    """The first and the second stay of a year are paid differently: no such promise there."""
    terms = LIBRARY["SN-XA-TRAFFIC-2014"]
    filed = [("IP", {"hospital_stays": ({"personal_share_fen": fen},)}) for fen in (10, 100_000)]
    assert len(totals(lambda: Diary(terms), filed)) == 2


def days_claim(days: Sequence[int]) -> Facts:
    return {"stays": tuple({"days": each} for each in days)}


@settings(max_examples=60, deadline=None)
@given(stays=st.lists(st.integers(0, 20), min_size=2, max_size=6), data=st.data())
def test_splitting_a_claim_for_days_of_a_term_changes_nothing(
    stays: list[int], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(1, len(stays) - 1))
    together = Diary(CUMULATIVE).all_paid("IP_DAYS", [days_claim(stays)])
    halves = [days_claim(stays[:cut]), days_claim(stays[cut:])]
    singles = [days_claim([days]) for days in stays]
    total = sum(stays)
    due = 0 if total == 0 else 30_000 if total <= 6 else 5_000 * min(40, total)
    for parts in (halves, halves[::-1], singles, sorted(singles, key=str)):
        assert sum(Diary(CUMULATIVE).all_paid("IP_DAYS", parts)) == sum(together) == due


@settings(max_examples=60, deadline=None)
@given(costs=st.lists(st.integers(0, 40), min_size=1, max_size=5), edges=EDGES, permille=PERMILLE)
def test_splitting_slices_over_a_term_changes_nothing_even_by_rounding(
    costs: list[int], edges: Edges, permille: list[int]
) -> None:
    due = {"slices": {"of": {"total": "cost"}, "slices": slices_of(edges, permille, open_=True)}}
    terms = plan(
        benefit(
            "PAY",
            {"minus": [due, {"paid_before": {"within": "term"}}]},
            counters={"cost": {"of": "self_pay_fen", "within": "term", "words": WORDS}},
        )
    )
    parts = Diary(terms).all_paid("PAY", [{"self_pay_fen": fen} for fen in costs])
    [together] = Diary(terms).all_paid("PAY", [{"self_pay_fen": sum(costs)}])
    assert sum(parts) == together


@settings(max_examples=60, deadline=None)
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
