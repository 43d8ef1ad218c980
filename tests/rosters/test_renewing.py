"""A roster that names a rider whose cover ended goes on where it ended, within the grace days."""

from datetime import timedelta

import pytest

from app.kernel.clock import system_now
from tests.billing.buying import document, publish
from tests.cover_fixtures import at_business_time
from tests.rosters.factories import Platform, fetch, rider

pytestmark = pytest.mark.anyio

_POLICIES = """
select p.id, p.follows_id, p.term_number, lower(p.period) as starts_at,
       upper(p.period) as ends_at, t.kind, t.counted_from
from policy p join policy_transaction t on t.policy_id = p.id
where p.sponsor_id = :id order by p.id, t.recorded_at, t.id
"""


@pytest.mark.parametrize(("days_late", "goes_on"), [(-1, True), (29, True), (30, False)])
async def test_cover_goes_on_where_it_ended(
    platform: Platform, days_late: int, goes_on: bool
) -> None:
    await platform.agree("RIDER-ACC", without_identity=True)
    one = rider(plan="RIDER-ACC")
    await platform.push([one])
    database = platform.app.state.database
    [first] = await fetch(platform.app, _POLICIES, id=platform.caller.account_id)
    await at_business_time(database, first.ends_at + timedelta(days=days_late, hours=9))
    try:
        pushed = await platform.push([one])
    finally:
        await at_business_time(database, system_now())
    assert pushed["answers"]["refused"] == 0
    _, second = await fetch(platform.app, _POLICIES, id=platform.caller.account_id)
    if goes_on:
        assert (second.follows_id, second.term_number, second.kind) == (first.id, 2, "renew")
        assert (second.starts_at, second.counted_from) == (first.ends_at, first.starts_at)
        told = await fetch(
            platform.app,
            "select content from event_log where name = 'policy.renewed' and subject_id = :id",
            id=first.id,
        )
        assert [row.content["follower_id"] for row in told] == [str(second.id)]
    else:
        assert (second.follows_id, second.term_number, second.kind) == (None, 1, "issue")
        assert second.starts_at > first.ends_at


async def test_a_row_is_refused_for_a_plan_that_excludes_another(platform: Platform) -> None:
    first = await publish(platform.app, document())
    excluding = await publish(platform.app, document(relations={"excludes": [first]}))
    one = rider(plan=first)
    await platform.agree(first, without_identity=True)
    await platform.push([one])
    await platform.agree(excluding, without_identity=True)
    pushed = await platform.push([{**one, "plan": excluding}])
    assert pushed["answers"]["refused"] == 1
    [row] = await platform.rows()
    assert [error["code"] for error in row["errors"]] == ["plan-excluded"]
