"""Moratoriums: which cover they reach, to which day it lasts, and who may declare them."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from app.kernel.clock import business_day, day_start, system_now
from app.kernel.database import Database
from app.organisations.models import Kind, Organisation
from app.policies.cover import cover_at
from app.policies.extending import extend_ending
from app.policies.models import Policy
from app.policies.recording import locked_policy
from tests.access_fixtures import SignedIn, make_organisation, staff_token
from tests.cover_fixtures import Gateway, Rider, context_of, make_rider, order
from tests.policies.changing import (
    broken_invariants,
    business_time,
    cancellable,
    colleague_rider,
    fetch,
    given,
    lasting,
    office,
    publish,
)
from tests.queued_jobs import run

pytestmark = pytest.mark.anyio
PATH = "/v1/staff/moratoriums"


async def declare(
    client: httpx.AsyncClient,
    supervisor: SignedIn,
    organisation: Organisation,
    first: date,
    last: date,
) -> dict[str, Any]:
    answer = await client.post(
        PATH, headers=supervisor.keyed, json=declaration(organisation, first, last)
    )
    assert answer.status_code == 201, answer.text
    view: dict[str, Any] = answer.json()
    return view


def declaration(organisation: Organisation, first: date, last: date) -> dict[str, Any]:
    return {
        "organisation_id": str(organisation.id),
        "first_day": first.isoformat(),
        "last_day": last.isoformat(),
        "reason": "防汛一级响应",
    }


async def ends_of(database: Database, policy: Policy) -> date:
    """The first day that is not covered any more; the places last exactly as long."""
    rows = await fetch(
        database,
        "select upper(p.period) as ends, array_agg(upper(s.period)) as held from policy p"
        " left join share_slot s on s.policy_id = p.id and s.released_at is null"
        " where p.id = :id group by p.id",
        id=policy.id,
    )
    assert set(rows[0].held) == {rows[0].ends}
    return business_day(rows[0].ends)


async def test_what_would_end_inside_lasts_to_the_end_of_the_last_day(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    """Over 29 February: who ends on the day before the first, or with the last, is not inside."""
    code = await publish(app, lasting(days=30))
    organisation, supervisor = await office(app, "supervisor")
    first, last = date(2028, 2, 20), date(2028, 2, 29)
    ends = [
        date(2028, 2, 20),
        date(2028, 2, 21),
        date(2028, 2, 29),
        date(2028, 3, 1),
        date(2028, 3, 2),
    ]
    policies = []
    for end in ends:
        rider = await colleague_rider(app, organisation)
        start = end - timedelta(days=30)
        policies.append((rider, await given(app, rider, code, start_on=start)))
    known_at = system_now()
    await declare(client, supervisor, organisation, first, last)
    await run(app, "policies.extend")
    found = [await ends_of(database, policy) for _, policy in policies]
    assert found == [ends[0], date(2028, 3, 1), date(2028, 3, 1), ends[3], ends[4]]
    rider, policy = policies[1]
    async with database.transaction() as session:
        for instant, known, reason, extended in (
            (datetime(2028, 2, 29, 15, 59, 59, tzinfo=UTC), None, "covered", True),
            (datetime(2028, 2, 29, 16, tzinfo=UTC), None, "in_grace", False),
            (datetime(2028, 2, 20, 15, 59, tzinfo=UTC), None, "covered", False),
            (datetime(2028, 2, 29, 12, tzinfo=UTC), known_at, "ended", False),
        ):
            [plan] = await cover_at(session, rider.person.id, instant, known)
            [cover] = plan.policies
            assert (cover.reason, cover.extended) == (reason, extended), instant
    at = "2028-02-29T12:00:00Z"
    shown = (await client.get(f"/v1/me/cover?at={at}", headers=rider.headers)).json()["plans"][0]
    assert (shown["covered"], shown["reason"]) == (True, "covered")
    assert "moratorium" in shown["explanation"]["en"]
    kinds = await fetch(
        database,
        "select kind, effective_at from policy_transaction where policy_id = :id"
        " order by recorded_at",
        id=policy.id,
    )
    assert [tuple(row) for row in kinds][1:] == [("extend", policy.ends_at)]


async def test_it_reaches_its_subtree_and_nothing_else(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    code = await publish(app, lasting(days=30))
    agency, supervisor = await office(app, "supervisor")
    unit = await make_organisation(app, Kind.UNIT, agency)
    site = await make_organisation(app, Kind.SITE, unit)
    sibling = await make_organisation(app, Kind.AGENCY, await parent_of(app, agency))
    today = business_day(system_now())
    reached = [
        await given(app, await make_rider(app), code, starts_in=-20, organisation_id=site.id),
        await given(app, await make_rider(app), code, starts_in=-20, organisation_id=agency.id),
        await given(app, await make_rider(app, organisation_id=unit.id), code, starts_in=-20),
    ]
    others = [
        await given(app, await make_rider(app), code, starts_in=-20),
        await given(app, await make_rider(app), code, starts_in=-20, organisation_id=sibling.id),
        await given(
            app,
            await make_rider(app, organisation_id=unit.id),
            code,
            starts_in=-20,
            organisation_id=sibling.id,
        ),
    ]
    await declare(client, supervisor, agency, today, today + timedelta(days=60))
    await run(app, "policies.extend")
    for policy in reached:
        assert await ends_of(database, policy) == today + timedelta(days=61)
    for policy in others:
        assert await ends_of(database, policy) == today + timedelta(days=10)


async def parent_of(app: FastAPI, organisation: Organisation) -> Organisation:
    async with app.state.database.transaction() as session:
        found: Organisation = await session.get_one(Organisation, organisation.parent_id)
    return found


async def test_cancelled_pending_renewed_and_hindered_cover_is_left_alone(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    def plan(document: dict[str, Any]) -> None:
        lasting(days=30)(document)
        cancellable(after_start={"fen": 0})(document)

    code = await publish(app, plan)
    agency, supervisor = await office(app, "supervisor")
    today = business_day(system_now())

    async def one(**more: Any) -> tuple[Rider, Policy]:
        rider = await colleague_rider(app, agency, **more)
        return rider, await given(app, rider, code, starts_in=-20)

    cancelled, pending, renewed, hindered = (
        await one(),
        await one(verified=False),
        await one(),
        await one(),
    )
    path = f"/v1/me/policies/{cancelled[1].id}/cancellation"
    assert (await client.post(path, headers=cancelled[0].keyed)).status_code == 201
    for rider, policy in (renewed, hindered):
        follower = await given(app, rider, code, starts_in=10)
        if policy is renewed[1]:
            async with database.transaction() as session:
                row = await locked_policy(session, follower.id)
                row.follows_id = policy.id
    await declare(client, supervisor, agency, today, today + timedelta(days=60))
    await run(app, "policies.extend")
    for _, policy in (pending, renewed, hindered):
        assert await ends_of(database, policy) == today + timedelta(days=10)
    rows = await fetch(
        database,
        "select 1 from policy_transaction where kind = 'extend' and policy_id = any(:ids)",
        ids=[policy.id for _, policy in (cancelled, pending, renewed, hindered)],
    )
    assert rows == []


async def test_every_worker_looks_and_each_policy_is_extended_once(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    """Also what comes to its end in it later, and what ended since its first day."""
    code = await publish(app, lasting(days=30))
    agency, supervisor = await office(app, "supervisor")
    today = business_day(system_now())
    policies = [
        await given(app, await colleague_rider(app, agency), code, starts_in=-20) for _ in range(6)
    ]
    ended = await given(app, await colleague_rider(app, agency), code, starts_in=-32)
    await declare(client, supervisor, agency, today - timedelta(days=3), today + timedelta(days=40))
    await asyncio.gather(*(extend_ending(context_of(app), {}) for _ in range(4)))
    later = await given(app, await colleague_rider(app, agency), code, starts_in=1)
    await asyncio.gather(*(extend_ending(context_of(app), {}) for _ in range(2)))
    ids = [policy.id for policy in (*policies, ended, later)]
    rows = await fetch(
        database,
        "select policy_id, count(*) as times from policy_transaction"
        " where kind = 'extend' and policy_id = any(:ids) group by 1",
        ids=ids,
    )
    assert {row.policy_id: row.times for row in rows} == dict.fromkeys(ids, 1)
    told = await fetch(
        database,
        "select subject_id from event_log where name = 'policy.extended'"
        " and subject_id = any(:ids)",
        ids=ids,
    )
    assert len(told) == len(ids)
    async with database.transaction() as session:
        gap = day_start(today) - timedelta(hours=1)
        person = await session.get_one(Policy, ended.id)
        [plan] = await cover_at(session, person.person_id, gap)
    assert plan.covered
    faults = await broken_invariants(database)
    assert [fault for fault in faults if any(str(each) in fault for each in ids)] == []


async def test_a_renewal_that_is_being_paid_wins_or_is_left_in_peace(
    app: FastAPI, client: httpx.AsyncClient, database: Database, gateway: Gateway
) -> None:
    code = await publish(app, lasting(days=30))
    agency, supervisor = await office(app, "supervisor")
    today = business_day(system_now())
    riders = [await colleague_rider(app, agency) for _ in range(4)]
    policies = [await given(app, rider, code, starts_in=-20) for rider in riders]
    orders = []
    for rider, policy in zip(riders, policies, strict=True):
        answer = await client.post(
            "/v1/me/orders",
            headers=rider.keyed,
            json={"plan_code": code, "kind": "renewal", "policy_id": str(policy.id)},
        )
        assert answer.status_code == 201, answer.text
        orders.append(answer.json())
    await declare(client, supervisor, agency, today, today + timedelta(days=40))
    await asyncio.gather(
        extend_ending(context_of(app), {}),
        *(gateway.settle(rider, each) for rider, each in zip(riders, orders, strict=True)),
        extend_ending(context_of(app), {}),
    )
    for policy in policies:
        assert await ends_of(database, policy) == today + timedelta(days=10)
    followers = await fetch(
        database,
        "select lower(period) as starts from policy where follows_id = any(:ids)",
        ids=[policy.id for policy in policies],
    )
    assert {business_day(row.starts) for row in followers} == {today + timedelta(days=10)}
    assert len(followers) == len(policies)


async def test_it_is_lengthened_but_never_into_the_past_and_withdrawn_for_the_future(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    code = await publish(app, lasting(days=30))
    agency, supervisor = await office(app, "supervisor")
    today = business_day(system_now())
    policy = await given(app, await colleague_rider(app, agency), code, starts_in=-20)
    view = await declare(client, supervisor, agency, today, today + timedelta(days=20))
    path = f"{PATH}/{view['id']}"

    async def change(days: int, version: str | None) -> httpx.Response:
        headers = supervisor.headers | ({"If-Match": version} if version else {})
        body = {"last_day": (today + timedelta(days=days)).isoformat()}
        return await client.patch(path, headers=headers, json=body)

    await run(app, "policies.extend")
    assert await ends_of(database, policy) == today + timedelta(days=21)
    assert (await change(40, None)).status_code == 428
    longer = await change(40, '"1"')
    assert (longer.status_code, longer.headers["etag"]) == (200, '"2"')
    assert (await change(50, '"1"')).status_code == 412
    await run(app, "policies.extend")
    assert await ends_of(database, policy) == today + timedelta(days=41)
    past = await change(-1, '"2"')
    assert (past.status_code, past.json()["errors"][0]["pointer"]) == (422, "/last_day")
    assert (await change(30, '"2"')).status_code == 200
    for _ in range(2):
        withdrawn = await client.post(f"{path}/withdrawal", headers=supervisor.headers)
        assert (withdrawn.status_code, withdrawn.json()["version"]) == (200, 4)
    over = await change(60, '"4"')
    assert (over.status_code, over.json()["code"]) == (409, "moratorium-over")
    later = await given(app, await colleague_rider(app, agency), code, starts_in=-10)
    await extend_ending(context_of(app), {})
    assert await ends_of(database, later) == today + timedelta(days=20)
    assert await ends_of(database, policy) == today + timedelta(days=41)


async def test_who_may_declare_and_read(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    agency, supervisor = await office(app, "supervisor")
    _, stranger = await office(app, "supervisor")
    unit = await make_organisation(app, Kind.UNIT, agency)
    below = await staff_token(app, unit.id, ["supervisor"])
    reviewer = await staff_token(app, agency.id, ["reviewer"])
    today = business_day(system_now())
    content = declaration(agency, today, today)
    for who, status in ((reviewer, 403), (stranger, 422), (below, 422)):
        answer = await client.post(PATH, headers=who.keyed, json=content)
        assert answer.status_code == status, answer.text
    view = await declare(client, supervisor, agency, today, today)
    path = f"{PATH}/{view['id']}"
    for who, status in ((supervisor, 200), (below, 200), (reviewer, 200), (stranger, 404)):
        assert (await client.get(path, headers=who.headers)).status_code == status
        listed = (await client.get(PATH, headers=who.headers)).json()["items"]
        assert [each["id"] for each in listed] == ([view["id"]] if status == 200 else [])
    body = {"last_day": (today + timedelta(days=3)).isoformat()}
    for who in (below, stranger):
        changed = await client.patch(path, headers=who.headers | {"If-Match": '"1"'}, json=body)
        assert changed.status_code == 404
        assert (await client.post(f"{path}/withdrawal", headers=who.headers)).status_code == 404
    audited = await fetch(
        database,
        "select action from audit_entry where :id = any(subject_ids)",
        id=UUID(view["id"]),
    )
    assert [row.action for row in audited] == ["moratorium.declare"]


@pytest.mark.parametrize(
    ("first", "last", "codes"),
    [
        (5, 4, {"ends-before-start"}),
        (-40, 5, {"too-long-ago"}),
        (-5, -1, {"in-the-past"}),
        (0, 400, {"too-long"}),
        (-40, -50, {"ends-before-start", "in-the-past", "too-long-ago"}),
    ],
)
async def test_impossible_days_are_refused(
    app: FastAPI, client: httpx.AsyncClient, first: int, last: int, codes: set[str]
) -> None:
    agency, supervisor = await office(app, "supervisor")
    today = business_day(system_now())
    content = declaration(agency, today + timedelta(days=first), today + timedelta(days=last))
    answer = await client.post(PATH, headers=supervisor.keyed, json=content)
    assert answer.status_code == 422
    assert {error["code"] for error in answer.json()["errors"]} == codes


async def test_days_that_a_moratorium_added_are_free(
    app: FastAPI, client: httpx.AsyncClient, database: Database, gateway: Gateway
) -> None:
    """What goes back on cancelling counts the days that were paid for."""

    def plan(document: dict[str, Any]) -> None:
        lasting(days=30)(document)
        rule = {"pro_rata": {"of": "paid_fen", "part": "remaining_days", "whole": "term_days"}}
        cancellable(after_start=rule)(document)

    code = await publish(app, plan)
    agency, supervisor = await office(app, "supervisor")
    rider = await colleague_rider(app, agency)
    paid = await gateway.settle(rider, await order(client, rider, code))
    ends = business_day(datetime.fromisoformat(paid["policy"]["ends_at"]))
    await declare(client, supervisor, agency, ends - timedelta(days=2), ends + timedelta(days=30))
    await run(app, "policies.extend")
    path = f"/v1/me/policies/{paid['policy']['id']}/cancellation"
    for days, fen in ((-10, 750), (-1, 0), (10, 0)):
        noon = day_start(ends + timedelta(days=days)) + timedelta(hours=12)
        async with business_time(database, noon):
            preview = await client.get(path, headers=rider.headers)
        assert (preview.status_code, preview.json()["refund_fen"]) == (200, fen)
