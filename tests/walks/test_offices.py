"""Every door to what offices keep: plans, rosters, partners, accounts, codes; in each status."""

import httpx
import pytest
from fastapi import FastAPI

from tests.access_fixtures import make_organisation
from tests.cover_fixtures import load_plans
from tests.plans.authors import make_authors
from tests.rosters.factories import make_platform
from tests.walks import offices
from tests.walks.walk import walk

pytestmark = [pytest.mark.anyio, pytest.mark.long]


async def test_doors_to_plan_versions(app: FastAPI, client: httpx.AsyncClient) -> None:
    authors = await make_authors(app, client)
    await walk(app, client, offices.VERSIONS, await offices.version_in_each_status(authors))


async def test_doors_to_simulations(app: FastAPI, client: httpx.AsyncClient) -> None:
    await load_plans(app)
    authors = await make_authors(app, client)
    subjects = await offices.simulation_in_each_status(app, authors)
    await walk(app, client, offices.SIMULATIONS, subjects)


async def test_doors_to_rosters_and_partners(app: FastAPI, client: httpx.AsyncClient) -> None:
    await load_plans(app)
    platforms = [await make_platform(app, client) for _ in (*offices.ROSTERS.heads, 1, 2)]
    subjects = await offices.roster_in_each_status(platforms[2:])
    await walk(app, client, offices.ROSTERS, subjects)
    subjects = await offices.partner_in_each_status(client, platforms[:2])
    await walk(app, client, offices.PARTNERS, subjects)


async def test_doors_to_accounts_and_codes(app: FastAPI, client: httpx.AsyncClient) -> None:
    agency = await make_organisation(app)
    subjects = await offices.account_in_each_status(app, client, agency.id)
    await walk(app, client, offices.STAFF, subjects)
    await walk(app, client, offices.CODES, await offices.code_in_each_status(app, client))
