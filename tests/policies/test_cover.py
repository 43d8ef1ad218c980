"""Cover at an instant, lists, activation of pending cover, and what staff may see."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from app.kernel.clock import business_day, day_start, system_now
from app.kernel.database import Database
from app.kernel.principal import SYSTEM
from app.members.models import Person
from app.organisations.models import Kind
from app.plans import service as plan_service
from app.policies.changes import activate_pending
from app.policies.cover import cover_at
from app.policies.issue import issue_policy
from app.policies.models import Policy
from tests.access_fixtures import make_organisation, member_token, staff_token
from tests.cover_fixtures import (
    Gateway,
    Rider,
    at_business_time,
    load_plans,
    make_person,
    make_rider,
    order,
    scalar,
)

pytestmark = pytest.mark.anyio


def iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


async def cover(client: httpx.AsyncClient, rider: Rider, at: datetime | None) -> dict[str, Any]:
    params = {"at": iso(at)} if at else {}
    answer = await client.get("/v1/me/cover", headers=rider.headers, params=params)
    assert answer.status_code == 200, answer.text
    view: dict[str, Any] = answer.json()
    return view


async def give(
    app: FastAPI, person: Person, plan_code: str, start_on: date, shares: int = 1, **more: Any
) -> Policy:
    """A policy as a roster gives it."""
    async with app.state.database.transaction() as session:
        version = await plan_service.version_on_sale(session, plan_code, system_now())
        return await issue_policy(
            session,
            person=person,
            version=version,
            shares=shares,
            start_on=start_on,
            channel="roster",
            actor=SYSTEM,
            now=system_now(),
            **more,
        )


async def test_nobody_is_covered_without_a_policy(
    client: httpx.AsyncClient, rider: Rider, app: FastAPI
) -> None:
    assert await cover(client, rider, None) | {"at": ""} == {
        "at": "",
        "covered": False,
        "plans": [],
    }
    stranger = await member_token(app)
    answer = await client.get("/v1/me/cover", headers=stranger.headers)
    assert answer.json()["covered"] is False


async def test_why_not_and_from_when(
    client: httpx.AsyncClient, rider: Rider, gateway: Gateway
) -> None:
    opened = await order(client, rider, shares=2)
    [plan] = (await cover(client, rider, None))["plans"]
    assert (plan["reason"], plan["covered"], plan["shares"]) == ("unpaid", False, 0)
    assert plan["policies"][0]["shares"] == 2
    paid = await gateway.settle(rider, opened)
    [plan] = (await cover(client, rider, None))["plans"]
    assert (plan["reason"], plan["explanation"]["zh"]) == ("not_started", "尚未生效")
    starts = datetime.fromisoformat(paid["policy"]["starts_at"])
    ends = datetime.fromisoformat(paid["policy"]["ends_at"])
    tick = timedelta(microseconds=1)
    expected = [
        (starts - tick, "not_started", 0),
        (starts, "covered", 2),
        (ends - tick, "covered", 2),
        (ends, "in_grace", 0),
        (ends + timedelta(days=30) - tick, "in_grace", 0),
        (ends + timedelta(days=30), "ended", 0),
    ]
    for instant, reason, shares in expected:
        [plan] = (await cover(client, rider, instant))["plans"]
        assert (plan["reason"], plan["shares"]) == (reason, shares), instant


async def test_illness_waits_and_accidents_do_not(
    client: httpx.AsyncClient, rider: Rider, app: FastAPI
) -> None:
    await give(app, rider.person, "CQ-2015-HA", date(2026, 6, 1))
    for day, pays in ((29, ["accident"]), (30, ["accident", "illness"])):
        instant = day_start(date(2026, 6, 1) + timedelta(days=day))
        [plan] = (await cover(client, rider, instant))["plans"]
        assert plan["benefits"][0]["pays_now"] == pays
    first_paying = iso(day_start(date(2026, 7, 1)))
    [plan] = (await cover(client, rider, day_start(date(2026, 6, 1))))["plans"]
    assert plan["benefits"][0]["waits_until"] == {"illness": first_paying}


async def test_shares_of_two_policies_add_up(
    client: httpx.AsyncClient, rider: Rider, app: FastAPI
) -> None:
    await give(app, rider.person, "RIDER-ACC", date(2026, 6, 1))
    await give(app, rider.person, "RIDER-ACC", date(2026, 9, 1), shares=2)
    for day, shares in ((date(2026, 8, 31), 1), (date(2026, 9, 1), 3), (date(2027, 6, 1), 2)):
        [plan] = (await cover(client, rider, day_start(day)))["plans"]
        assert plan["shares"] == shares, day


@pytest.mark.parametrize("at", ["2026-01-01", "yesterday", "2026-01-01T00:00:00", "1767225600"])
async def test_an_instant_needs_a_time_zone(
    client: httpx.AsyncClient, rider: Rider, at: str
) -> None:
    answer = await client.get("/v1/me/cover", headers=rider.headers, params={"at": at})
    assert answer.status_code == 422


async def test_pending_cover_starts_after_the_identity_check(
    app: FastAPI, database: Database, plans: None
) -> None:
    person = await make_person(app, verified=False)
    policy = await give(app, person, "RIDER-ACC", date(2026, 6, 1), shares=2)
    assert policy.status == "pending"
    proven_at = system_now()
    async with database.transaction() as session:
        [before] = await cover_at(session, person.id, day_start(date(2026, 6, 2)))
        assert before.best.reason == "pending_identity"
        counted = await activate_pending(
            session, person.id, verified_at=proven_at, actor=SYSTEM, now=proven_at
        )
        assert counted == 1
    known = await scalar(database, "select clock_timestamp() - interval '1 hour'")
    async with database.transaction() as session:
        row = (await session.scalars(select(Policy).where(Policy.id == policy.id))).one()
        tomorrow = business_day(proven_at) + timedelta(days=1)
        assert (row.status, row.starts_at) == ("in_force", day_start(tomorrow))
        [after] = await cover_at(session, person.id, day_start(tomorrow))
        assert (after.covered, after.shares) == (True, 2)
        assert await cover_at(session, person.id, day_start(tomorrow), known) == []
    live = (
        "select count(*) from share_slot s join policy p on p.id = s.policy_id"
        " where p.id = :id and s.released_at is null and s.period = p.period"
    )
    assert await scalar(database, live, id=policy.id) == 2


async def test_a_later_planned_start_is_kept(app: FastAPI, database: Database, plans: None) -> None:
    person = await make_person(app, verified=False)
    later = business_day(system_now()) + timedelta(days=40)
    policy = await give(app, person, "SH-GIG-C", later)
    async with database.transaction() as session:
        now = system_now()
        await activate_pending(session, person.id, verified_at=now, actor=SYSTEM, now=now)
        row = (await session.scalars(select(Policy).where(Policy.id == policy.id))).one()
        assert (row.status, row.starts_at) == ("in_force", day_start(later))


async def test_pending_shares_above_the_limit_are_void(
    app: FastAPI, database: Database, plans: None
) -> None:
    person = await make_person(app, verified=False)
    first = await give(app, person, "SH-GIG-C", date(2026, 1, 1))
    second = await give(app, person, "SH-GIG-C", date(2027, 1, 1))
    async with database.transaction() as session:
        now = system_now()
        await activate_pending(session, person.id, verified_at=now, actor=SYSTEM, now=now)
    statuses = "select jsonb_object_agg(id, status) from policy where person_id = :id"
    found = await scalar(database, statuses, id=person.id)
    assert found == {str(first.id): "void", str(second.id): "in_force"}


async def test_a_sponsor_may_give_cover_without_identity(app: FastAPI, plans: None) -> None:
    person = await make_person(app, verified=False)
    policy = await give(app, person, "SH-GIG-C", date(2026, 6, 1), without_identity=True)
    assert policy.status == "in_force"


async def test_my_policies_in_pages_with_their_state(
    client: httpx.AsyncClient, rider: Rider, app: FastAPI, database: Database
) -> None:
    made = [
        await give(app, rider.person, "RIDER-ACC", date(2024, 6, 1), 1),
        await give(app, rider.person, "RIDER-ACC", date(2026, 6, 1), 1),
        await give(app, rider.person, "SH-GIG-C", date(2030, 6, 1), 1),
    ]
    first = (await client.get("/v1/me/policies?limit=2", headers=rider.headers)).json()
    rest = (
        await client.get(
            "/v1/me/policies",
            headers=rider.headers,
            params={"limit": 2, "cursor": first["next_cursor"]},
        )
    ).json()
    items = first["items"] + rest["items"]
    assert [item["id"] for item in items] == [str(policy.id) for policy in reversed(made)]
    assert [item["state"] for item in items] == ["not_started", "in_force", "expired"]
    assert rest["next_cursor"] is None
    other = await make_rider(app)
    assert (await client.get("/v1/me/policies", headers=other.headers)).json()["items"] == []
    path = f"/v1/me/policies/{made[0].id}"
    assert (await client.get(path, headers=other.headers)).status_code == 404
    own = (await client.get(path, headers=rider.headers)).json()
    assert [change["kind"] for change in own["transactions"]] == ["issue"]


async def test_the_list_has_the_shape_it_documents(
    client: httpx.AsyncClient, rider: Rider, app: FastAPI
) -> None:
    from app.policies.schemas import PolicyPage

    await give(app, rider.person, "RIDER-ACC", date(2026, 6, 1), 1)
    answer = await client.get("/v1/me/policies", headers=rider.headers)
    page = PolicyPage.model_validate_json(answer.content)
    assert page.model_dump(mode="json") == answer.json()


async def test_eligibility_names_every_reason(
    client: httpx.AsyncClient, app: FastAPI, plans: None
) -> None:
    child = await make_rider(app, birth_on=date(2015, 1, 1))
    answer = await client.get(
        "/v1/me/eligibility",
        headers=child.headers,
        params={"plan": "SH-GIG-C", "shares": 2, "occupation": "employee"},
    )
    view = answer.json()
    assert view["eligible"] is False
    assert {reason["code"] for reason in view["reasons"]} == {
        "age-below-minimum",
        "occupation-not-eligible",
        "shares-over-limit",
    }
    assert view["reasons"][0]["message"] == {"zh": "未满 16 周岁", "en": "Younger than 16."}


async def test_the_age_limits_hold_on_the_first_covered_day(
    client: httpx.AsyncClient, app: FastAPI, plans: None
) -> None:
    tomorrow = business_day(system_now()) + timedelta(days=1)
    exactly = tomorrow.replace(year=tomorrow.year - 16)
    for birth, eligible in ((exactly, True), (exactly + timedelta(days=1), False)):
        rider = await make_rider(app, birth_on=birth)
        answer = await client.get(
            "/v1/me/eligibility", headers=rider.headers, params={"plan": "RIDER-ACC"}
        )
        assert answer.json()["eligible"] is eligible, birth


async def test_staff_see_cover_of_members_they_manage_and_it_is_recorded(
    client: httpx.AsyncClient, app: FastAPI, database: Database
) -> None:
    await load_plans(app)
    site = await make_organisation(app, Kind.SITE)
    rider = await make_rider(app, organisation_id=site.id)
    await give(app, rider.person, "RIDER-ACC", date(2026, 6, 1), 1)
    path = f"/v1/staff/members/{rider.person.id}/cover"
    mine = await staff_token(app, site.id, ["caseworker"])
    answer = await client.get(path, headers=mine.headers)
    assert answer.json()["plans"][0]["plan_code"] == "RIDER-ACC"
    looked = (
        "select count(*) from audit_entry where action = 'cover.read' and :id = any(subject_ids)"
    )
    assert await scalar(database, looked, id=rider.person.id) == 1
    elsewhere = await make_organisation(app, Kind.SITE)
    other = await staff_token(app, elsewhere.id, ["caseworker"])
    assert (await client.get(path, headers=other.headers)).status_code == 404


async def test_expiry_follows_the_business_clock(
    client: httpx.AsyncClient, rider: Rider, app: FastAPI, database: Database
) -> None:
    await give(app, rider.person, "RIDER-ACC", date(2026, 6, 1), 1)
    await at_business_time(database, day_start(date(2027, 6, 1)) + timedelta(seconds=5))
    try:
        answer = await client.get("/v1/me/policies", headers=rider.headers)
        now = await cover(client, rider, None)
    finally:
        await at_business_time(database, system_now())
    assert answer.json()["items"][0]["state"] == "expired"
    assert now["plans"][0]["reason"] == "in_grace"
