"""Who manages what: the tree, its scope, areas, and changing an organisation once."""

import asyncio
from datetime import date

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from app.kernel.clock import system_now
from app.kernel.database import Database
from app.kernel.principal import SYSTEM, Principal
from app.organisations.models import Kind, Organisation
from app.organisations.queries import within
from app.organisations.service import create_root, manages
from tests.access_fixtures import make_organisation, member_token, partner_token, staff_token

pytestmark = pytest.mark.anyio

PATH = "/v1/staff/organisations"


async def test_chongqing_has_its_38_areas_and_the_merger(client: httpx.AsyncClient) -> None:
    before = (await client.get("/v1/areas?on=2025-11-05")).json()["items"]
    after = (await client.get("/v1/areas?on=2025-11-06")).json()["items"]
    assert len(before) == 38
    assert {area["code"] for area in before} - {area["code"] for area in after} == {
        "500105",
        "500112",
    }
    assert {area["code"] for area in after} - {area["code"] for area in before} == {"500157"}
    merged = {area["code"]: area["successor_code"] for area in before}
    assert (merged["500105"], merged["500112"], merged["500103"]) == ("500157", "500157", None)


async def test_managing_follows_the_tree(app: FastAPI, database: Database) -> None:
    agency = await make_organisation(app, Kind.AGENCY)
    unit = await make_organisation(app, Kind.UNIT, agency)
    site = await make_organisation(app, Kind.SITE, unit)
    stranger = await make_organisation(app, Kind.AGENCY)
    head = Principal(kind="staff", id=site.id, organisation_id=agency.id)
    local = Principal(kind="staff", id=site.id, organisation_id=unit.id)
    partner = Principal(kind="partner", id=site.id, organisation_id=agency.id)
    async with database.transaction() as session:
        assert await manages(session, head, site.id)
        assert await manages(session, local, local.organisation_id or site.id)
        assert not await manages(session, local, agency.id)
        assert not await manages(session, local, stranger.id)
        assert not await manages(session, partner, agency.id)
        assert not await manages(session, partner, site.id)
        assert await manages(session, SYSTEM, stranger.id)
        query = select(Organisation.id).where(within([site.id, stranger.id]))
        assert set((await session.scalars(query)).all()) == {site.id, stranger.id}
        assert (await session.scalars(select(Organisation.id).where(within([])))).all() == []


async def test_a_root_is_made_without_the_api(database: Database) -> None:
    async with database.transaction() as session:
        root = await create_root(session, SYSTEM, "测试市总工会", system_now(), area_code="500103")
        assert root.lineage == [root.id]


async def test_the_list_ends_at_the_border_of_the_subtree(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    agency = await make_organisation(app, Kind.AGENCY)
    units = [await make_organisation(app, Kind.UNIT, agency) for _ in range(3)]
    staff = await staff_token(app, agency.id, ["caseworker"])
    seen, cursor = [], ""
    while True:
        page = (await client.get(f"{PATH}?limit=2{cursor}", headers=staff.headers)).json()
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == [str(row.id) for row in (agency, *units)]
    children = await client.get(f"{PATH}?parent_id={agency.id}&kind=unit", headers=staff.headers)
    assert len(children.json()["items"]) == 3
    assert agency.parent_id is not None
    above = await client.get(f"{PATH}/{agency.parent_id}", headers=staff.headers)
    assert above.status_code == 404


async def test_a_cursor_of_somebody_else_is_refused(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    agency = await make_organisation(app, Kind.AGENCY)
    await make_organisation(app, Kind.UNIT, agency)
    one, other = await staff_token(app, agency.id), await staff_token(app, agency.id)
    page = (await client.get(f"{PATH}?limit=1", headers=one.headers)).json()
    answer = await client.get(f"{PATH}?limit=1&cursor={page['next_cursor']}", headers=other.headers)
    assert answer.status_code == 400


async def test_an_administrator_adds_a_site_below(app: FastAPI, client: httpx.AsyncClient) -> None:
    agency = await make_organisation(app, Kind.AGENCY)
    admin = await staff_token(app, agency.id, ["administrator"])
    body = {"parent_id": str(agency.id), "kind": "site", "name": "解放碑站", "area_code": "500103"}
    made = await client.post(PATH, json=body, headers=admin.keyed)
    assert made.status_code == 201, made.text
    assert made.json()["lineage"] == [str(agency.parent_id), str(agency.id), made.json()["id"]]
    assert made.headers["etag"] == '"1"'
    again = await client.post(PATH, json=body, headers=admin.keyed)
    assert (again.status_code, again.json()["code"]) == (409, "organisation-name-taken")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"kind": "municipal_office"}, "/kind"),
        ({"kind": "agency"}, "/kind"),
        ({"area_code": "500105"}, "/area_code"),
        ({"area_code": "999999"}, "/area_code"),
        ({"uscc": "91110000600037341X"}, "/uscc"),
        ({"name": " 站"}, "/name"),
        ({"surprise": 1}, "/surprise"),
    ],
)
async def test_an_organisation_that_does_not_fit_is_refused(
    app: FastAPI, client: httpx.AsyncClient, change: dict[str, object], pointer: str
) -> None:
    agency = await make_organisation(app, Kind.AGENCY)
    admin = await staff_token(app, agency.id, ["administrator"])
    body = {"parent_id": str(agency.id), "kind": "unit", "name": "测试单位"} | change
    answer = await client.post(PATH, json=body, headers=admin.keyed)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_nothing_is_added_outside_the_subtree(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    agency, stranger = await make_organisation(app), await make_organisation(app)
    admin = await staff_token(app, agency.id, ["administrator"])
    body = {"parent_id": str(stranger.id), "kind": "unit", "name": "测试单位"}
    answer = await client.post(PATH, json=body, headers=admin.keyed)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "unknown-organisation"
    rider, platform = await member_token(app), await partner_token(app, agency.id)
    small = await staff_token(app, agency.id, ["caseworker", "reviewer", "supervisor"])
    for caller, status in ((rider, 401), (platform, 401), (small, 403)):
        answer = await client.post(PATH, json=body, headers=caller.keyed)
        assert answer.status_code == status


async def test_of_two_changes_to_one_reading_one_wins(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    agency = await make_organisation(app)
    unit = await make_organisation(app, Kind.UNIT, agency)
    admin = await staff_token(app, agency.id, ["administrator"])
    path = f"{PATH}/{unit.id}"
    etag = (await client.get(path, headers=admin.headers)).headers["etag"]
    matching = {**admin.headers, "If-Match": etag}
    answers = await asyncio.gather(
        *(client.patch(path, json={"name": f"改名{n}"}, headers=matching) for n in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]
    unread = await client.patch(path, json={"name": "改名"}, headers=admin.headers)
    assert unread.status_code == 428
    weak = await client.patch(
        path, json={"name": "改名"}, headers={**admin.headers, "If-Match": "*"}
    )
    assert weak.status_code == 412


async def test_an_organisation_ends_with_a_successor_but_not_by_its_own_hand(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    agency = await make_organisation(app)
    old, new = [await make_organisation(app, Kind.UNIT, agency) for _ in range(2)]
    change = {"valid_to": "2025-11-06", "successor_id": str(new.id), "area_code": "500157"}
    own = await staff_token(app, old.id, ["administrator"])
    headers = {**own.headers, "If-Match": '"1"'}
    assert (await client.patch(f"{PATH}/{old.id}", json=change, headers=headers)).status_code == 403
    admin = await staff_token(app, agency.id, ["administrator"])
    headers = {**admin.headers, "If-Match": '"1"'}
    ended = await client.patch(f"{PATH}/{old.id}", json=change, headers=headers)
    assert (ended.status_code, ended.json()["successor_id"]) == (200, str(new.id))
    today = date(2025, 11, 6)
    listed = await client.get(f"{PATH}?parent_id={agency.id}&on={today}", headers=admin.headers)
    assert [item["id"] for item in listed.json()["items"]] == [str(new.id)]
    body = {"parent_id": str(old.id), "kind": "site", "name": "迟到的站点"}
    late = await client.post(PATH, json=body, headers=admin.keyed)
    assert (late.status_code, late.json()["code"]) == (409, "organisation-has-ended")
