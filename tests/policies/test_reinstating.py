"""Reinstating: without a gap on the day itself, later from the next day; never with money gone."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from app.kernel.clock import business_day, day_start, system_now
from app.kernel.database import Database
from app.policies.cover import cover_at
from tests.access_fixtures import SignedIn
from tests.cover_fixtures import Gateway, Rider, order, scalar
from tests.policies.changing import (
    balance_of,
    bought,
    broken_invariants,
    business_time,
    cancellable,
    colleague_rider,
    fetch,
    given,
    office,
    publish,
)
from tests.queued_jobs import run

pytestmark = pytest.mark.anyio
BODY = {"reason": "cancelled_by_mistake"}
RULES: dict[str, Any] = {"before_start": "paid_fen", "after_start": {"fen": 0}}


def path_of(policy_id: Any) -> str:
    return f"/v1/staff/policies/{policy_id}/reinstatement"


async def cancel(client: httpx.AsyncClient, rider: Rider, policy_id: Any) -> dict[str, Any]:
    answer = await client.post(f"/v1/me/policies/{policy_id}/cancellation", headers=rider.keyed)
    assert answer.status_code == 201, answer.text
    view: dict[str, Any] = answer.json()
    return view


async def cover_of(database: Database, rider: Rider, instant: datetime, **known: Any) -> Any:
    async with database.transaction() as session:
        [plan] = await cover_at(session, rider.person.id, instant, **known)
    [policy] = plan.policies
    return policy


async def reinstate(
    client: httpx.AsyncClient, reviewer: SignedIn, policy_id: Any
) -> httpx.Response:
    return await client.post(path_of(policy_id), headers=reviewer.keyed, json=BODY)


async def test_on_the_same_day_there_is_no_gap(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    code = await publish(app, cancellable(**RULES))
    organisation, reviewer = await office(app, "reviewer")
    rider = await colleague_rider(app, organisation)
    policy = await given(app, rider, code, starts_in=-50)
    ends = datetime.fromisoformat((await cancel(client, rider, policy.id))["ends_at"])
    between = system_now()
    assert (await cover_of(database, rider, ends)).reason == "cancelled"
    done = await reinstate(client, reviewer, policy.id)
    assert done.status_code == 201, done.text
    assert datetime.fromisoformat(done.json()["effective_at"]) == ends
    for days in (0, 1, 200):
        cover = await cover_of(database, rider, ends + timedelta(days=days))
        assert (cover.reason, cover.layers[0].since_on) == (
            "covered",
            business_day(policy.starts_at),
        )
    assert (await cover_of(database, rider, ends, known_at=between)).reason == "cancelled"
    kinds = await fetch(
        database,
        "select kind from policy_transaction where policy_id = :id order by recorded_at",
        id=policy.id,
    )
    assert [row.kind for row in kinds] == ["issue", "cancel", "reinstate"]
    assert [f for f in await broken_invariants(database) if str(policy.id) in f] == []


async def test_later_it_goes_on_from_the_next_day_and_waits_anew(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    code = await publish(app, cancellable(**RULES))
    organisation, reviewer = await office(app, "reviewer")
    rider = await colleague_rider(app, organisation)
    policy = await given(app, rider, code, starts_in=-50, shares=2)
    ends = datetime.fromisoformat((await cancel(client, rider, policy.id))["ends_at"])
    later = ends + timedelta(days=3, hours=10)
    async with business_time(database, later):
        done = await reinstate(client, reviewer, policy.id)
    assert done.status_code == 201, done.text
    resumes = day_start(business_day(later) + timedelta(days=1))
    assert datetime.fromisoformat(done.json()["effective_at"]) == resumes
    for instant, reason in (
        (ends - timedelta(seconds=1), "covered"),
        (ends, "cancelled"),
        (resumes - timedelta(seconds=1), "cancelled"),
        (resumes, "covered"),
        (policy.ends_at - timedelta(seconds=1), "covered"),
        (policy.ends_at, "in_grace"),
    ):
        assert (await cover_of(database, rider, instant)).reason == reason
    cover = await cover_of(database, rider, resumes)
    assert [(layer.shares, layer.since_on) for layer in cover.layers] == [
        (2, business_day(resumes))
    ]
    assert [f for f in await broken_invariants(database) if str(policy.id) in f] == []


async def test_a_refund_that_nobody_sent_is_taken_back(
    app: FastAPI, client: httpx.AsyncClient, database: Database, gateway: Gateway
) -> None:
    code = await publish(app, cancellable(**RULES))
    organisation, reviewer = await office(app, "reviewer")
    rider = await colleague_rider(app, organisation)
    paid = await bought(client, gateway, rider, code)
    policy_id = paid["policy"]["id"]
    await cancel(client, rider, policy_id)
    done = await reinstate(client, reviewer, policy_id)
    assert done.status_code == 201, done.text
    [refund] = await fetch(
        database, "select id, status from refund where order_id = :id", id=UUID(paid["id"])
    )
    assert refund.status == "withdrawn"
    status = "select status from contribution_order where id = :id"
    assert await scalar(database, status, id=UUID(paid["id"])) == "paid"
    assert await balance_of(database, "refunds-payable", [refund.id]) == 0
    assert await balance_of(database, f"contributions:{code}", [refund.id]) == 0
    # The job that was to send it finds nothing to do, and it may be cancelled again.
    await run(app, "billing.request_refund")
    assert await scalar(database, "select sent_at from refund where id = :id", id=refund.id) is None
    assert (await cancel(client, rider, policy_id))["refund_fen"] == 2500
    assert [f for f in await broken_invariants(database) if str(policy_id) in f] == []


async def test_money_that_went_back_and_places_that_are_gone(
    app: FastAPI, client: httpx.AsyncClient, database: Database, gateway: Gateway
) -> None:
    code = await publish(app, cancellable(**RULES))
    organisation, reviewer = await office(app, "reviewer")
    rider = await colleague_rider(app, organisation)
    paid = await bought(client, gateway, rider, code, shares=2)
    policy_id = paid["policy"]["id"]
    await cancel(client, rider, policy_id)
    await order(client, rider, code, shares=2)
    taken = await reinstate(client, reviewer, policy_id)
    assert (taken.status_code, taken.json()["code"]) == (409, "shares-over-limit")
    await run(app, "billing.request_refund")
    sent = await reinstate(client, reviewer, policy_id)
    assert (sent.status_code, sent.json()["code"]) == (409, "refund-under-way")
    status = await scalar(database, "select status from policy where id = :id", id=policy_id)
    assert status == "cancelled"


async def test_only_cancelled_cover_before_its_old_end(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    code = await publish(app, cancellable(**RULES))
    organisation, reviewer = await office(app, "reviewer")
    _, stranger = await office(app, "supervisor")
    _, caseworker = await office(app, "caseworker")
    rider = await colleague_rider(app, organisation)
    policy = await given(app, rider, code, starts_in=-50)
    running = await reinstate(client, reviewer, policy.id)
    assert (running.status_code, running.json()["code"]) == (409, "policy-not-cancelled")
    await cancel(client, rider, policy.id)
    assert (await reinstate(client, stranger, policy.id)).status_code == 404
    assert (await reinstate(client, caseworker, policy.id)).status_code == 403
    async with business_time(database, policy.ends_at - timedelta(hours=1)):
        late = await reinstate(client, reviewer, policy.id)
    assert (late.status_code, late.json()["code"]) == (409, "cover-has-ended")
