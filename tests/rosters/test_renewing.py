"""A roster that names a rider whose cover ended goes on where it ended, within the grace days."""

from datetime import timedelta

import pytest

from app.kernel.clock import system_now
from app.members.models import Person
from tests.billing.buying import (
    DAY,
    TICK,
    buy,
    cover,
    document,
    end_day,
    instant,
    on_day,
    publish,
)
from tests.billing.test_raised_options import tiered, to
from tests.cover_fixtures import Gateway, Rider, at_business_time, log_in
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


async def proven(platform: Platform) -> Rider:
    """The one rider of the platform, who has proven who they are and logs in."""
    [row] = await fetch(
        platform.app,
        "update person set verified_at = now(), verified_by = 'vendor' where id ="
        " (select person_id from rider where partner_id = :id) returning id",
        id=platform.caller.account_id,
    )
    async with platform.app.state.database.transaction() as session:
        person = await session.get_one(Person, row.id)
    return await log_in(platform.app, person)


_TIERS = """
select t.kind, t.option_code, t.effective_at, t.counted_from, p.option_code as of_policy
from policy p join policy_transaction t on t.policy_id = p.id
where p.sponsor_id = :id and p.term_number = 2 order by t.effective_at, t.recorded_at, t.id
"""
_OWED = """
select sum(e.amount_fen) as fen from ledger_transaction t
join ledger_entry e on e.transaction_id = t.id and e.account_code = 'sponsor-receivables'
join policy p on p.id = t.reference_id where p.sponsor_id = :id and p.term_number = :term
"""


async def test_what_a_member_raised_ends_with_the_term_that_it_was_paid_for(
    platform: Platform, gateway: Gateway
) -> None:
    """The sponsor goes on with what it agreed to, and owes no more than that."""
    app, client, database = platform.app, platform.client, platform.app.state.database
    plan = await publish(app, tiered())
    await platform.agree(plan, without_identity=True)
    one = rider(plan=plan)
    await platform.push([one])
    member = await proven(platform)
    [policy] = (await client.get("/v1/me/policies", headers=member.headers)).json()["items"]
    ends = instant(policy["ends_at"])
    async with on_day(database, end_day(policy) - 11 * DAY):
        await buy(client, gateway, member, plan, **to(policy, "B"))
    async with on_day(database, end_day(policy) - DAY):
        assert (await platform.push([one]))["answers"]["refused"] == 0
    [only] = await fetch(app, _TIERS, id=platform.caller.account_id)
    assert (only.kind, only.option_code, only.effective_at) == ("renew", None, ends)
    for moment, option in ((ends - TICK, "B"), (ends, None)):
        said = await cover(client, member, plan, moment)
        held = [each["option_code"] for each in said["policies"] if each["covered"]]
        assert held == [option], moment
    owed = [
        (await fetch(app, _OWED, id=platform.caller.account_id, term=term))[0].fen
        for term in (1, 2)
    ]
    assert owed == [3_000, 3_000]


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
