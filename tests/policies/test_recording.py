"""The order in which changes are recorded: nobody writes over what another has just done."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from fastapi import FastAPI

from app.kernel.clock import business_day, day_start, system_now
from app.kernel.database import Database
from app.kernel.ids import new_id
from app.kernel.principal import SYSTEM
from app.policies import queries
from app.policies.cancelling import end_cover, judge_cancellation
from app.policies.changes import activate_pending, cancel_before_start
from app.policies.models import Policy, PolicyTransaction
from app.policies.recording import Change, locked_policy, record_change
from tests.cover_fixtures import Rider, make_person, make_rider
from tests.policies.changing import cancellable, fetch, given, publish

pytestmark = pytest.mark.anyio


async def last_change(database: Database, policy_id: UUID) -> str:
    """The newest change beside the policy itself: whether they say the same, and its kind."""
    [row] = await fetch(
        database,
        "select t.kind, (t.status, t.period, t.shares) = (p.status, p.period, p.shares) as same"
        " from policy p join policy_transaction t on t.policy_id = p.id where p.id = :id"
        " order by t.recorded_at desc, t.id desc limit 1",
        id=policy_id,
    )
    return f"{row.kind}, {'the same' if row.same else 'another'}"


@pytest.fixture
async def pending(app: FastAPI, plans: None) -> Policy:
    """Planned cover whose start has passed while its person was not proven."""
    person = await make_person(app, verified=False)
    rider = Rider(person, (await make_rider(app)).caller)
    return await given(app, rider, "SH-GIG-C", starts_in=-5)


async def test_who_waited_for_an_activation_cancels_what_it_left(
    app: FastAPI, database: Database, pending: Policy
) -> None:
    """Cover is looked at, activated from another day by somebody else, and then cancelled."""
    now = system_now()
    async with database.transaction() as session:
        seen = await session.get_one(Policy, pending.id)
        assert seen.status == "pending"
        async with database.transaction() as other:
            await activate_pending(other, pending.person_id, verified_at=now, actor=SYSTEM, now=now)
            cancel = asyncio.create_task(
                cancel_before_start(session, pending.id, reason_code="test", actor=SYSTEM, now=now)
            )
            await asyncio.sleep(0.2)
            assert not cancel.done()
        await cancel
        starts_at = day_start(business_day(now) + timedelta(days=1))
        assert (seen.status, seen.starts_at) == ("cancelled", starts_at)
    assert await last_change(database, pending.id) == "cancel, the same"


async def test_an_activation_leaves_what_was_cancelled_meanwhile(
    app: FastAPI, database: Database, pending: Policy
) -> None:
    now = system_now()
    async with database.transaction() as session:
        await session.get_one(Policy, pending.id)
        async with database.transaction() as other:
            await cancel_before_start(other, pending.id, reason_code="test", actor=SYSTEM, now=now)
        activated = await activate_pending(
            session, pending.person_id, verified_at=now, actor=SYSTEM, now=now
        )
        assert activated == 0
    assert await last_change(database, pending.id) == "cancel, the same"


async def test_activations_and_corrections_wait_for_one_another(
    app: FastAPI, database: Database, pending: Policy
) -> None:
    """Both take the person's places before the policy: neither can hold what the other needs."""
    now = system_now()

    async def correct() -> None:
        async with database.transaction() as session:
            policy = await locked_policy(session, pending.id)
            change = Change("endorse", "occupation", "policy.endorse", "policy.endorsed")
            await record_change(session, policy, change, effective_at=now, actor=SYSTEM, now=now)

    async def activate() -> None:
        async with database.transaction() as session:
            await activate_pending(
                session, pending.person_id, verified_at=now, actor=SYSTEM, now=now
            )

    await asyncio.gather(*(each() for _ in range(8) for each in (correct, activate)))
    [row] = await fetch(
        database,
        "select count(*) filter (where kind = 'endorse' and reason_code = 'identity') as activated,"
        " count(*) filter (where reason_code = 'occupation') as corrected"
        " from policy_transaction where policy_id = :id",
        id=pending.id,
    )
    assert (row.activated, row.corrected) == (1, 8)
    assert (await last_change(database, pending.id)).endswith("the same")


async def test_a_clock_that_was_set_back_does_not_turn_changes_around(
    app: FastAPI, database: Database, rider: Rider
) -> None:
    """What was recorded by a clock ahead of ours stays before what is recorded now."""
    code = await publish(app, cancellable(after_start={"fen": 0}))
    policy = await given(app, rider, code, starts_in=-5)
    now = system_now()
    async with database.transaction() as session:
        session.add(
            PolicyTransaction(
                id=new_id(),
                policy_id=policy.id,
                kind="endorse",
                effective_at=now,
                recorded_at=now + timedelta(hours=1),
                shares=policy.shares,
                period=policy.period,
                status=policy.status,
                actor_kind="system",
                actor_id=SYSTEM.id,
            )
        )
    async with database.transaction() as session:
        row = await locked_policy(session, policy.id)
        ending = await judge_cancellation(session, row, system_now())
        await end_cover(session, ending, reason_code="test", actor=SYSTEM, now=system_now())
    assert await last_change(database, policy.id) == "cancel, the same"
    async with database.transaction() as session:
        kinds = [each.kind for each in await queries.transactions(session, policy.id)]
        assert kinds == ["issue", "endorse", "cancel"]
