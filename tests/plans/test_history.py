"""What counts of the past: periods, policies, plans, leap days."""

from datetime import date
from fractions import Fraction

import pytest

from app.plans.history import Past
from app.plans.literals import Within
from tests.plans.engine import here, uid, use

LAST_YEAR = date(2025, 5, 1)
# Powers of two: a sum tells which uses were counted.
USES = [
    use(1, claim=1_000, incident=1),
    use(2, claim=2, incident=1),
    use(4, claim=3, incident=2),
    use(8, claim=4, incident=3, policy=2, on=LAST_YEAR),
    use(16, "OTHER", claim=5, incident=1),
    use(32, claim=6, incident=4, policy=3, plan_code="PLAN-B"),
    use(64, "OTHER", claim=7, incident=4, policy=3, plan_code="PLAN-B"),
    use(128, claim=8, incident=5, policy=4, plan_code="PLAN-C", on=LAST_YEAR),
    use(256, claim=9, incident=1, policy=5),
]
PAST = Past(USES, here())


@pytest.mark.parametrize(
    ("within", "paid", "times"),
    [
        ("claim", 1, 1),
        ("incident", 1 + 2, 2),
        ("year", 1 + 2 + 4, 3),
        ("term", 1 + 2 + 4, 3),
        ("lifetime", 1 + 2 + 4 + 8 + 256, 5),
    ],
)
def test_periods_of_this_policy_and_of_a_lifetime(within: Within, paid: int, times: int) -> None:
    assert PAST.paid(within, ()) == paid
    assert PAST.times(within) == times
    assert PAST.paid(within, ("PAY",)) == paid


def test_named_benefits_count_instead_of_this_one() -> None:
    assert PAST.paid("term", ("OTHER",)) == 16
    assert PAST.paid("term", ("OTHER", "PAY")) == 1 + 2 + 4 + 16


def test_named_plans_count_instead_of_this_one() -> None:
    assert PAST.paid("lifetime", (), ("PLAN-B",)) == 32 + 64
    assert PAST.paid("term", (), ("PLAN-B", "PLAN-C")) == 32 + 64
    assert PAST.paid("incident", (), ("PLAN-B",)) == 0


@pytest.mark.parametrize(
    ("within", "benefits", "plans", "member", "used"),
    [
        ("term", ("PAY",), (), False, 1 + 2 + 4),
        ("term", (), (), False, 1 + 2 + 4 + 16),
        ("term", ("PAY",), (), True, 1 + 2 + 4 + 256),
        ("year", ("PAY",), (), True, 1 + 2 + 4 + 256),
        ("lifetime", ("PAY",), (), True, 1 + 2 + 4 + 8 + 256),
        ("lifetime", ("PAY",), (), False, 1 + 2 + 4 + 8 + 256),
        ("incident", (), (), True, 1 + 2 + 16 + 256),
        ("incident", (), (), False, 1 + 2 + 16),
        ("claim", (), (), True, 1),
        ("term", ("PAY",), ("PLAN-B",), False, 1 + 2 + 4 + 32 + 256),
        ("term", (), ("PLAN-B", "PLAN-C"), False, 1 + 2 + 4 + 16 + 32 + 64 + 256),
        ("lifetime", ("PAY",), ("PLAN-B", "PLAN-C"), True, 1 + 2 + 4 + 8 + 32 + 128 + 256),
        ("lifetime", (), ("PLAN-C",), False, 1 + 2 + 4 + 8 + 16 + 128 + 256),
    ],
)
def test_what_counts_against_a_limit(
    within: Within, benefits: tuple[str, ...], plans: tuple[str, ...], member: bool, used: int
) -> None:
    found = PAST.of_limit(within, benefits=benefits, plans=plans, across_member=member)
    assert found == used


def test_a_claim_that_is_not_yet_filed_has_used_nothing() -> None:
    past = Past(USES, here(claim=None))
    assert past.paid("claim", ()) == 0
    assert past.paid("incident", ()) == 3


def test_counters_are_shared_by_the_benefits_that_name_them() -> None:
    uses = [
        use(0, claim=1, counters={"days": 3}),
        use(5, "OTHER", claim=2, counters={"days": Fraction(1, 2), "cost": 9}),
        use(5, claim=3, policy=2, counters={"days": 100}),
        use(5, claim=4, policy=3, plan_code="PLAN-B", counters={"days": 1_000}),
    ]
    past = Past(uses, here())
    assert past.counted("days", "term") == Fraction(7, 2)
    assert past.counted("days", "lifetime") == Fraction(207, 2)
    assert past.counted("cost", "term") == 9
    assert past.counted("stays", "term") == 0


def test_a_claim_of_several_uses_is_one_time() -> None:
    assert Past([use(1, claim=7), use(2, claim=7), use(0, claim=8)], here()).times("term") == 1


@pytest.mark.parametrize(
    ("starts", "on", "year"),
    [
        ("2026-01-01", "2026-01-01", ("2026-01-01", "2027-01-01")),
        ("2026-01-01", "2026-12-31", ("2026-01-01", "2027-01-01")),
        ("2026-01-01", "2027-01-01", ("2027-01-01", "2028-01-01")),
        ("2024-02-29", "2025-02-27", ("2024-02-29", "2025-02-28")),
        ("2024-02-29", "2025-02-28", ("2025-02-28", "2026-02-28")),
        ("2024-02-29", "2028-02-28", ("2027-02-28", "2028-02-29")),
        ("2024-02-29", "2028-02-29", ("2028-02-29", "2029-02-28")),
        ("2023-03-01", "2024-02-29", ("2023-03-01", "2024-03-01")),
    ],
)
def test_the_years_of_a_policy(starts: str, on: str, year: tuple[str, str]) -> None:
    spot = here(starts=date.fromisoformat(starts), on=date.fromisoformat(on), months=60)
    assert tuple(day.isoformat() for day in spot.year()) == year


def test_each_year_of_a_long_policy_begins_anew() -> None:
    starts = date(2024, 2, 29)
    paid_on = [date(2025, 2, 27), date(2025, 2, 28), date(2026, 2, 27), date(2026, 2, 28)]
    uses = [use(10**at, claim=at, on=day) for at, day in enumerate(paid_on)]

    def in_year_of(day: date) -> int:
        return Past(uses, here(on=day, starts=starts, months=36)).paid("year", ())

    assert in_year_of(date(2024, 12, 1)) == 1
    assert in_year_of(date(2025, 2, 28)) == 110
    assert in_year_of(date(2026, 3, 1)) == 1_000
    assert Past(uses, here(starts=starts, months=36)).paid("term", ()) == 1_111


def test_over_policies_a_term_is_this_policys_days() -> None:
    edges = [date(2025, 12, 31), date(2026, 1, 1), date(2026, 12, 31), date(2027, 1, 1)]
    uses = [use(10**at, claim=at, policy=9, on=day) for at, day in enumerate(edges)]
    past = Past(uses, here())
    assert past.of_limit("term", benefits=(), plans=(), across_member=True) == 110
    assert past.of_limit("term", benefits=(), plans=(), across_member=False) == 0
    assert past.here.policy_id == uid(1)
