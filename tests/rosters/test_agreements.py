"""Agreements: who may make them, which days they hold, and what they refuse."""

import secrets
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.kernel.clock import business_day, system_now
from tests.access_fixtures import make_organisation, staff_token
from tests.cover_fixtures import load_plans
from tests.rosters.factories import Platform, make_platform, rider

pytestmark = pytest.mark.anyio


def day(after: int = 0) -> str:
    """So many days after today; asked for anew, for a run may last beyond midnight."""
    return (business_day(system_now()) + timedelta(days=after)).isoformat()


def body(**given: Any) -> dict[str, Any]:
    return {"plan_code": "SH-GIG-C", "starts_on": day()} | given


async def make(platform: Platform, headers: dict[str, str], **given: Any) -> httpx.Response:
    return await platform.client.post(
        f"/v1/staff/partners/{platform.caller.account_id}/agreements",
        headers=headers | {"Idempotency-Key": secrets.token_hex(8)},
        json=body(**given),
    )


async def test_only_who_manages_the_partner(
    platform: Platform, app: FastAPI, client: httpx.AsyncClient
) -> None:
    elsewhere = await staff_token(app, (await make_organisation(app)).id, ["administrator"])
    assert (await make(platform, elsewhere.headers)).status_code == 404
    small = await staff_token(app, platform.organisation_id, ["caseworker"])
    assert (await make(platform, small.headers)).status_code == 403
    listed = f"/v1/staff/partners/{platform.caller.account_id}/agreements"
    assert (await client.get(listed, headers=elsewhere.headers)).status_code == 404
    answer = await client.get(listed, headers=small.headers)
    assert [one["id"] for one in answer.json()["items"]] == [platform.agreement["id"]]


async def test_one_per_plan_and_day(platform: Platform) -> None:
    headers = platform.staff.headers
    assert (await make(platform, headers)).json()["code"] == "agreement-overlaps"
    ended = await platform.client.post(
        f"/v1/staff/partners/{platform.caller.account_id}/agreements"
        f"/{platform.agreement['id']}/end",
        headers=headers,
        json={"last_day": day()},
    )
    assert (ended.status_code, ended.json()["ends_on"]) == (200, day())
    assert (await make(platform, headers, starts_on=day(1))).status_code == 201


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"starts_on": -1}, 422, "agreement-days"),
        ({"ends_on": -1}, 422, "agreement-days"),
        ({"shares": 2}, 422, "agreement-shares"),
        ({"shares": 0}, 422, "invalid"),
        ({"plan_code": "NO-SUCH-PLAN"}, 404, "plan-not-found"),
        ({"without_identity": "yes"}, 422, "invalid"),
    ],
)
async def test_refused(
    app: FastAPI, client: httpx.AsyncClient, given: dict[str, Any], status: int, code: str
) -> None:
    await load_plans(app)
    platform = await make_platform(app, client)
    given = {name: day(each) if name.endswith("_on") else each for name, each in given.items()}
    answer = await make(platform, platform.staff.headers, **given)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_an_end_is_not_moved_back_and_stops_new_cover(platform: Platform) -> None:
    path = f"/v1/staff/partners/{platform.caller.account_id}/agreements/{{}}/end"
    own = path.format(platform.agreement["id"])
    for days, status in ((-1, 422), (5, 200), (6, 422), (5, 200), (0, 200)):
        answer = await platform.client.post(
            own,
            headers=platform.staff.headers,
            json={"last_day": day(days)},
        )
        assert answer.status_code == status, days
    unknown = await platform.client.post(
        path.format(platform.caller.account_id),
        headers=platform.staff.headers,
        json={"last_day": day()},
    )
    assert (unknown.status_code, unknown.json()["code"]) == (404, "agreement-not-found")
    roster = await platform.push([rider()])
    assert [error["code"] for error in roster["errors"]] == ["no-agreement"]


async def test_a_later_first_day_is_where_cover_starts(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    await load_plans(app)
    platform = await make_platform(app, client)
    await platform.agree(starts_on=day(40))
    await platform.agree("RIDER-ACC")
    await platform.push([rider(plan="SH-GIG-C"), rider(plan="rider-acc"), rider()])
    rows = await platform.rows()
    assert [row["answer"] for row in rows] == ["enrolled", "enrolled", "refused"]
    assert rows[2]["errors"][0]["code"] == "plan-missing"
