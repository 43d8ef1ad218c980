"""A platform with the gifted plan agreed."""

import httpx
import pytest
from fastapi import FastAPI

from tests.cover_fixtures import Gateway, load_plans, make_gateway
from tests.rosters.factories import Platform, make_platform
from tests.simulators_fixture import Simulators


@pytest.fixture
async def platform(app: FastAPI, client: httpx.AsyncClient) -> Platform:
    await load_plans(app)
    made = await make_platform(app, client)
    await made.agree()
    return made


@pytest.fixture
def gateway(client: httpx.AsyncClient, simulators: Simulators) -> Gateway:
    return make_gateway(client, simulators)
