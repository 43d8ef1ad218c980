"""The catalogue: loaded once, public, frozen once published."""

from copy import deepcopy
from datetime import timedelta

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import IntegrityError

from app.kernel.clock import system_now
from app.kernel.database import Database
from app.kernel.principal import SYSTEM
from app.plans import catalogue, service
from app.plans.errors import PlanNotOnSale
from tests.cover_fixtures import load_plans, scalar

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def plans(app: FastAPI) -> None:
    await load_plans(app)


async def test_loading_again_changes_nothing(database: Database) -> None:
    async with database.transaction() as session:
        assert await catalogue.load(session, system_now()) == 0
    count = "select count(*) from plan_version where plan_code = 'RIDER-ACC'"
    assert await scalar(database, count) == 1


async def test_plans_are_public_with_prices(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/plans")
    prices = {item["code"]: item["options"][0] for item in answer.json()["items"]}
    assert prices["RIDER-ACC"]["price_per_share_fen"] == 2500
    assert prices["SH-GIG-C"]["price_per_share_fen"] == 0
    assert prices["CQ-2015-HA"]["price_per_share_fen"] == 8000


async def test_a_plan_says_what_it_pays_and_what_nobody_published(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/v1/plans/RIDER-ACC")
    plan = answer.json()
    documents = {benefit["code"]: benefit["documents"] for benefit in plan["benefits"]}
    assert documents["MED"] == ["identity", "medical_record", "receipt"]
    assert documents["DEATH"] == ["claimant_identity", "death_certificate", "kinship_proof"]
    assert all(words["zh"] and words["en"] for words in plan["demonstration"])
    assert plan["published_plan"] == "HA-TRUCK-2024"


async def test_a_known_copy_is_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await client.get("/v1/plans/RIDER-ACC")
    again = await client.get(
        "/v1/plans/RIDER-ACC", headers={"If-None-Match": first.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")


async def test_an_unknown_plan_is_not_found(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/plans/NO-PLAN")).status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        'update plan_version set document = document || \'{"kind": "gifted"}\'',
        "update plan_version set number = 7",
        "update plan_version set effective_from = effective_from - interval '1 day'",
        "update plan_version set status = 'draft'",
        "delete from plan_version",
    ],
)
async def test_a_published_version_never_changes(database: Database, change: str) -> None:
    with pytest.raises(IntegrityError, match="published plan version"):
        await scalar(database, f"{change} where plan_code = 'RIDER-ACC' returning 1")


async def test_two_versions_are_never_on_sale_together(database: Database) -> None:
    _at, document = next(each for each in catalogue.documents() if each[1]["code"] == "SH-GIG-C")
    now = system_now()
    async with database.transaction() as session:
        second = await service.draft_version(
            session, document, effective_from=now, effective_to=None, actor=SYSTEM, now=now
        )
    async with database.transaction() as session:
        draft = await service.version_of(session, second.id)
        with pytest.raises(IntegrityError) as refused:
            await service.publish_version(session, draft, actor=SYSTEM, now=now)
        await session.rollback()
    cause = refused.value.orig.__cause__ if refused.value.orig else None
    assert isinstance(cause, asyncpg.ExclusionViolationError)


async def test_a_closed_version_is_not_sold(database: Database) -> None:
    _at, source = next(each for each in catalogue.documents() if each[1]["code"] == "CQ-2015-HA")
    document = deepcopy(source) | {"code": "TEST-CLOSED"}
    now = system_now()
    async with database.transaction() as session:
        version = await service.draft_version(
            session, document, effective_from=now, effective_to=None, actor=SYSTEM, now=now
        )
        await service.publish_version(session, version, actor=SYSTEM, now=now)
        assert (await service.version_on_sale(session, "TEST-CLOSED", now)).id == version.id
        with pytest.raises(PlanNotOnSale):
            await service.version_on_sale(session, "TEST-CLOSED", now - timedelta(seconds=1))
        await service.close_version(session, version, actor=SYSTEM, now=now)
        with pytest.raises(PlanNotOnSale):
            await service.version_on_sale(session, "TEST-CLOSED", now)
