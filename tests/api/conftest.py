"""Two tenants for the whole run, and the service as a real server beside the one in process."""

from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI

from app.organisations.models import Kind
from app.settings import Settings
from tests.access_fixtures import make_organisation
from tests.api.world import Tenant, make_tenant
from tests.simulators_fixture import serve


@pytest.fixture(scope="session")
async def tenants(app: FastAPI) -> tuple[Tenant, Tenant]:
    """Two agencies of one city."""
    city = await make_organisation(app, Kind.MUNICIPAL_OFFICE)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await make_tenant(app, client, city), await make_tenant(app, client, city)


@pytest.fixture(scope="session")
def live(settings: Settings) -> Iterator[str]:
    """The address of the application under uvicorn, over the same database."""
    from app.main import create_app

    with serve(create_app(settings), lifespan=True) as address:
        yield address
