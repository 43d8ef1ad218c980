"""Enrolment codes: made for a site, scanned by anybody, expired, revoked, drawn."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import update

from app.enrolment.scanning import ScanDesk
from app.enrolment.schemas import ScanView
from app.kernel.clock import system_now
from app.kernel.database import Database
from app.kernel.ids import ALPHABET
from app.members.codes import new_code, normal_code
from app.members.errors import CodeUnknown
from app.members.models import EnrolmentCode
from app.organisations.models import Kind, Organisation
from app.plans import service as plans
from app.plans.pricing import price_fen
from tests.access_fixtures import SignedIn, make_organisation, make_partner, staff_token
from tests.enrolment.factories import make_code
from tests.members.factories import keyed

pytestmark = pytest.mark.anyio


async def scan(client: httpx.AsyncClient, code: str) -> httpx.Response:
    return await client.get(f"/v1/enrolment-codes/{code}")


async def set_code(database: Database, code_id: str, **values: Any) -> None:
    async with database.transaction() as session:
        await session.execute(
            update(EnrolmentCode).where(EnrolmentCode.id == UUID(code_id)).values(**values)
        )


def test_a_code_fits_a_scene_and_every_single_error_shows() -> None:
    code = new_code()
    assert len(code) <= 26
    assert set(code) <= set(ALPHABET)
    assert normal_code(f" {code[:6].lower()}-{code[6:]} ") == code
    for place in range(len(code)):
        for other in ALPHABET:
            if other != code[place]:
                with pytest.raises(CodeUnknown):
                    normal_code(code[:place] + other + code[place + 1 :])


@pytest.mark.usefixtures("plans_on_sale")
async def test_the_scan_says_where_what_and_to_what_to_agree(
    app: FastAPI,
    client: httpx.AsyncClient,
    caseworker: SignedIn,
    site: Organisation,
    database: Database,
) -> None:
    sponsor = await make_partner(app, site.lineage[1])
    made = await make_code(
        client,
        caseworker,
        site.id,
        campaign="秋季",
        plan_codes=["RIDER-ACC", "SH-GIG-C"],
        sponsor_id=str(sponsor.id),
    )
    answer = await scan(client, made["code"].lower())
    assert answer.status_code == 200
    view = ScanView.model_validate_json(answer.content)
    # The contract: what is sent is exactly what the schema says, nothing more.
    assert view.model_dump(mode="json") == answer.json()
    assert (view.site.id, view.site.name, view.site.area) == (site.id, site.name, "两江新区")
    assert (view.campaign, view.code) == ("秋季", made["code"])
    assert view.sponsor is not None
    assert view.sponsor.name == sponsor.name
    assert [plan.code for plan in view.plans] == ["RIDER-ACC", "SH-GIG-C"]
    async with database.transaction() as session:
        version = await plans.version_on_sale(session, "RIDER-ACC", system_now())
    rider = view.plans[0]
    assert rider.options[0].price_per_share_fen == price_fen(version.terms, 1)
    assert rider.name.zh
    assert rider.name.en
    assert [c.purpose for c in view.consents if c.required] == [
        "service_terms",
        "personal_information",
        "identity_number",
    ]
    assert {c.purpose for c in view.consents if not c.required} == {"face", "health"}
    assert all(c.text_zh and c.text_en and len(c.digest) == 64 for c in view.consents)


async def test_the_scan_is_documented_like_any_other_route(app: FastAPI) -> None:
    operation = app.openapi()["paths"]["/v1/enrolment-codes/{code}"]["get"]
    reference = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    assert reference == "#/components/schemas/ScanView"
    assert {"200", "404", "410"} <= set(operation["responses"])
    assert operation["operationId"] == "scanEnrolmentCode"


@pytest.mark.usefixtures("plans_on_sale")
async def test_without_plans_all_that_are_on_sale_are_offered(
    client: httpx.AsyncClient, caseworker: SignedIn, site: Organisation
) -> None:
    made = await make_code(client, caseworker, site.id)
    offered = {plan["code"] for plan in (await scan(client, made["code"])).json()["plans"]}
    assert {"RIDER-ACC", "SH-GIG-C", "CQ-2015-HA"} <= offered


async def test_altered_expired_and_revoked(
    client: httpx.AsyncClient, caseworker: SignedIn, site: Organisation, database: Database
) -> None:
    made = await make_code(client, caseworker, site.id)
    good = made["code"]
    other = ALPHABET[(ALPHABET.index(good[3]) + 1) % 32]
    for altered in (good[:3] + other + good[4:], good[:-1], good + "0", "x", new_code(), "中文"):
        answer = await scan(client, altered)
        assert (answer.status_code, answer.json()["code"]) == (404, "enrolment-code-unknown")
    await set_code(database, made["id"], expires_at=system_now() - timedelta(seconds=1))
    answer = await scan(client, good)
    assert (answer.status_code, answer.json()["reason"]) == (410, "expired")
    await set_code(database, made["id"], expires_at=system_now() + timedelta(days=1))
    assert (await scan(client, good)).status_code == 200
    path = f"/v1/staff/enrolment-codes/{made['id']}/revocation"
    for _ in range(2):
        revoked = await client.post(path, headers=keyed(caseworker))
        assert (revoked.status_code, revoked.json()["status"]) == (201, "revoked")
    answer = await scan(client, good)
    assert (answer.status_code, answer.json()["code"]) == (410, "enrolment-code-gone")
    assert answer.json()["reason"] == "revoked"


async def test_a_renamed_site_shows_at_once(
    client: httpx.AsyncClient, caseworker: SignedIn, site: Organisation, database: Database
) -> None:
    made = await make_code(client, caseworker, site.id)
    assert (await scan(client, made["code"])).json()["site"]["name"] == site.name
    async with database.transaction() as session:
        row = await session.get_one(Organisation, site.id)
        row.name = f"{site.name} 新址"
    assert (await scan(client, made["code"])).json()["site"]["name"] == f"{site.name} 新址"


async def test_scans_are_counted_in_batches(
    app: FastAPI, client: httpx.AsyncClient, caseworker: SignedIn, site: Organisation
) -> None:
    made = [await make_code(client, caseworker, site.id) for _ in range(2)]
    desk: ScanDesk = app.state.scan_desk
    await desk.flush()
    for code, times in zip(made, (7, 3), strict=True):
        await asyncio.gather(*(scan(client, code["code"]) for _ in range(times)))
    path = "/v1/staff/enrolment-codes/"
    before = await client.get(path + made[0]["id"], headers=caseworker.headers)
    await desk.flush()
    after = [
        (await client.get(path + code["id"], headers=caseworker.headers)).json() for code in made
    ]
    assert before.json()["scans"] in (0, 7)
    assert [view["scans"] for view in after] == [7, 3]
    assert after[0]["last_scanned_at"] is not None


async def test_counts_survive_a_database_that_is_away(database: Database) -> None:
    desk = ScanDesk(Database(database.settings.model_copy(update={"database_url": NOWHERE})))
    desk._counts[UUID(int=1)] = 4
    await desk.flush()
    assert desk._counts[UUID(int=1)] == 4


NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


async def test_only_for_sites_that_one_manages(
    app: FastAPI, client: httpx.AsyncClient, caseworker: SignedIn, site: Organisation
) -> None:
    foreign = await make_organisation(app, Kind.SITE)
    made = await make_code(client, caseworker, site.id)
    stranger = await staff_token(app, foreign.id)
    body = {
        "organisation_id": str(foreign.id),
        "expires_at": (system_now() + timedelta(days=1)).isoformat(),
    }
    path = "/v1/staff/enrolment-codes"
    refused = await client.post(path, headers=keyed(caseworker), json=body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/organisation_id"
    for method, tail in (
        ("GET", ""),
        ("GET", "/image.png"),
        ("GET", "/mini-program-code"),
        ("POST", "/revocation"),
    ):
        answer = await client.request(method, f"{path}/{made['id']}{tail}", headers=keyed(stranger))
        assert answer.status_code == 404, tail
    listed = await client.get(path, headers=stranger.headers)
    assert made["id"] not in listed.text


async def test_every_wrong_reference_is_named(
    app: FastAPI, client: httpx.AsyncClient, site: Organisation
) -> None:
    unit_worker = await staff_token(app, site.lineage[-2])
    nobody = "01900000-0000-7000-8000-00000000dead"
    body = {
        "organisation_id": str(site.lineage[-2]),
        "caseworker_id": nobody,
        "sponsor_id": nobody,
        "plan_codes": ["NO-SUCH-PLAN"],
        "expires_at": (system_now() - timedelta(days=1)).isoformat(),
    }
    answer = await client.post("/v1/staff/enrolment-codes", headers=keyed(unit_worker), json=body)
    assert answer.status_code == 422
    assert {e["pointer"] for e in answer.json()["errors"]} == {
        "/organisation_id",
        "/caseworker_id",
        "/sponsor_id",
        "/plan_codes/0",
        "/expires_at",
    }


async def test_codes_are_listed_in_pages(
    client: httpx.AsyncClient, caseworker: SignedIn, site: Organisation
) -> None:
    made = [(await make_code(client, caseworker, site.id))["id"] for _ in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "2", "site_id": str(site.id)} | ({"cursor": cursor} if cursor else {})
        page = await client.get(
            "/v1/staff/enrolment-codes", headers=caseworker.headers, params=params
        )
        seen += [each["id"] for each in page.json()["items"]]
        cursor = page.json()["next_cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]


async def test_pictures_carry_the_scan(
    client: httpx.AsyncClient, caseworker: SignedIn, site: Organisation
) -> None:
    made = await make_code(client, caseworker, site.id)
    assert made["url"].endswith(f"/v1/enrolment-codes/{made['code']}")
    base = f"/v1/staff/enrolment-codes/{made['id']}"
    png = await client.get(f"{base}/image.png", headers=caseworker.headers)
    assert png.headers["content-type"] == "image/png"
    assert png.content.startswith(b"\x89PNG")
    svg = await client.get(f"{base}/image.svg", headers=caseworker.headers)
    assert svg.headers["content-type"].startswith("image/svg+xml")
    assert b"<svg" in svg.content
    assert (await client.get(f"{base}/image.gif", headers=caseworker.headers)).status_code == 422
    mini = await client.get(f"{base}/mini-program-code", headers=caseworker.headers)
    assert mini.status_code == 200, mini.text
    assert mini.headers["content-type"].startswith("image/")
