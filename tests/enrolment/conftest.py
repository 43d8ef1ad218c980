"""A site with a caseworker and plans on sale."""

import pytest
from fastapi import FastAPI

from app.kernel.clock import system_now
from app.organisations.models import Kind, Organisation
from app.plans import catalogue
from tests.access_fixtures import SignedIn, make_organisation, staff_token


@pytest.fixture
async def plans_on_sale(app: FastAPI) -> None:
    async with app.state.database.transaction() as session:
        await catalogue.load(session, system_now())


@pytest.fixture
async def site(app: FastAPI) -> Organisation:
    return await make_organisation(app, Kind.SITE, area_code="500157")


@pytest.fixture
async def caseworker(app: FastAPI, site: Organisation) -> SignedIn:
    return await staff_token(app, site.id, ["caseworker"])
