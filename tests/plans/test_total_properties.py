"""What holds of slices and of sums: fen by fen, in any order, however claims are split."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import permutations
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.plans.engine import LIBRARY, WORDS, Diary, benefit, plan, value

Facts = dict[str, Any]


RIDER, DAYS, STAYS = (LIBRARY[code] for code in ("RIDER-ACC", "CQ-2015-HA", "HN-YY-2014"))


CUMULATIVE = LIBRARY["ZJ-PROV-2022"]


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
