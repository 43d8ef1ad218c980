"""Every door to claims, tried on a claim in each of its statuses."""

import httpx
import pytest
from fastapi import FastAPI

from tests.claims.factories import make_case, make_office
from tests.simulators_fixture import Simulators
from tests.walks import survivors
from tests.walks.claims_table import CLAIMS, PAPERS
from tests.walks.claims_world import claim_in_each_status, paper_in_each_status
from tests.walks.walk import walk

pytestmark = [pytest.mark.anyio, pytest.mark.long]


async def test_doors_to_claims(
    app: FastAPI, client: httpx.AsyncClient, simulators: Simulators
) -> None:
    office = await make_office(app)
    await walk(app, client, CLAIMS, await claim_in_each_status(app, client, office, simulators))


async def test_doors_to_survivors_claims(app: FastAPI, client: httpx.AsyncClient) -> None:
    office = await make_office(app)
    subjects = await survivors.in_each_status(app, client, office)
    await walk(app, client, survivors.TABLE, subjects)


async def test_doors_to_papers(app: FastAPI, client: httpx.AsyncClient) -> None:
    case = await make_case(app, client)
    await walk(app, client, PAPERS, await paper_in_each_status(case))
