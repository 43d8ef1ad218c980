"""Plans on sale, a proven rider, and a gateway."""

import httpx
import pytest
from fastapi import FastAPI

from tests.cover_fixtures import Gateway, Rider, load_plans, make_gateway, make_rider
from tests.notifications.conftest import daytime
from tests.simulators_fixture import Simulators

__all__ = ["daytime"]


@pytest.fixture
async def plans(app: FastAPI) -> None:
    await load_plans(app)


@pytest.fixture
async def rider(app: FastAPI, plans: None) -> Rider:
    return await make_rider(app)


@pytest.fixture
def gateway(client: httpx.AsyncClient, simulators: Simulators) -> Gateway:
    return make_gateway(client, simulators)
