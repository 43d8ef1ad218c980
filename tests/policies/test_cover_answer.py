"""The answer about cover: what is kept for all members tells each of them their own shares."""

from datetime import date, timedelta
from typing import Any
from unittest.mock import Mock
from uuid import UUID, uuid4

import pytest

from app.plans.terms import FROZEN_TERMS
from app.policies.cover_answer import cover_view
from tests.plans.engine import benefit, plan
from tests.policies.days import midnight

pytestmark = pytest.mark.anyio
FIRST = date(2026, 1, 1)


def row(version_id: UUID, shares: int, since: date = FIRST) -> dict[str, Any]:
    policy_id = uuid4()
    return {
        "plan_code": "PLAN-A",
        "holder_id": policy_id,
        "policy_id": policy_id,
        "number": "P1",
        "plan_version_id": version_id,
        "status": "in_force",
        "shares": shares,
        "starts_at": midnight(since),
        "ends_at": midnight(since + timedelta(days=365)),
        "effective_at": midnight(since),
        "recorded_at": midnight(since),
        "position": 1,
        "counted_from": None,
        "option_code": None,
        "term_number": 1,
        "follows_id": None,
        "bound_at": None,
        "kind": "issue",
        "raised_to": None,
        "clock_offset": 0,
    }


async def told(rows: list[dict[str, Any]], day: date) -> dict[str, Any]:
    """What is said of the one benefit; a connection is not needed for terms that are known."""
    view = await cover_view(Mock(), rows, midnight(day))
    [benefit_told] = view["plans"][0]["benefits"]
    return dict(benefit_told)


async def test_each_is_told_their_own_shares_before_and_after_the_waiting_days() -> None:
    versions = [uuid4(), uuid4()]
    for version_id, days in zip(versions, (30, 90), strict=True):
        terms = plan(benefit("PAY", {"yuan": 1}), waiting={"illness_days": days})
        FROZEN_TERMS.read(version_id, terms.document())
    month, quarter = (FIRST + timedelta(days=days) for days in (30, 90))
    for _ in range(2):
        for shares in (1, 3):
            [short, long] = [[row(version_id, shares)] for version_id in versions]
            early = await told(short, month - timedelta(days=1))
            assert early["shares_paying"] == {"accident": shares}
            assert early["waits_until"] == {"illness": midnight(month)}
            both = {"accident": shares, "illness": shares}
            assert (await told(short, month))["shares_paying"] == both
            assert (await told(long, month))["shares_paying"] == {"accident": shares}
            assert (await told(long, quarter))["shares_paying"] == both


async def test_two_policies_at_once_are_told_together() -> None:
    version_id = uuid4()
    terms = plan(benefit("PAY", {"yuan": 1}), waiting={"illness_days": 30})
    FROZEN_TERMS.read(version_id, terms.document())
    later = FIRST + timedelta(days=20)
    both = [row(version_id, 1), row(version_id, 2, since=later)]
    both.sort(key=lambda each: str(each["holder_id"]))
    one = await told(both, FIRST + timedelta(days=30))
    assert one["shares_paying"] == {"accident": 3, "illness": 1}
    assert [each["shares"] for each in one["waiting"]] == [2]
    all_over = await told(both, later + timedelta(days=30))
    assert all_over["shares_paying"] == {"accident": 3, "illness": 3}
