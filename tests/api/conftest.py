"""Two tenants for the whole run, and a service of its own for the fuzzers."""

import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import httpx
import pytest
from _pytest.nodeid import NodeId
from fastapi import FastAPI

from app.main import create_app
from app.organisations.models import Kind, Organisation
from app.settings import Settings
from tests.access_fixtures import make_organisation
from tests.api.world import Tenant, make_tenant
from tests.simulators_fixture import serve


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """One worker asks all that the two tenants are asked: making them takes ten seconds.

    It reads the API document as well, whose making takes two.
    xdist tells groups by the end of a node id. With its own mark xdist 3.8 sets a name that
    pytest 9.2 does not read, so the id is set here.
    """
    if not hasattr(config, "workerinput"):
        return
    for item in items:
        reader = item.path.name in ("test_document.py", "test_examples.py")
        if reader or "tenants" in getattr(item, "fixturenames", ()):
            item._id = NodeId.parse(f"{item.nodeid}@tenants")


@pytest.fixture(scope="session")
async def two_tenants(app: FastAPI) -> tuple[Tenant, Tenant]:
    """Two agencies of one city."""
    city = await make_organisation(app, Kind.MUNICIPAL_OFFICE)
    async with in_process(app) as client:
        return await make_tenant(app, client, city), await make_tenant(app, client, city)


@pytest.fixture
async def tenants(app: FastAPI, two_tenants: tuple[Tenant, Tenant]) -> tuple[Tenant, Tenant]:
    """With every scan of former tests counted: counts are written when they come to mind, and a
    test that nothing may be written in would find them."""
    await app.state.scan_desk.flush()
    return two_tenants


@pytest.fixture
async def tenant_to_end(app: FastAPI) -> Tenant:
    """A tenant whose logins and papers a test may end: nobody else needs them."""
    city = await make_organisation(app, Kind.MUNICIPAL_OFFICE)
    async with in_process(app) as client:
        return await make_tenant(app, client, city)


@pytest.fixture
async def fuzzed(
    settings: Settings, clone_database: Callable[[str], str]
) -> AsyncIterator[tuple[str, Tenant]]:
    """Address and tenant of a service under uvicorn with a database of its own.

    New for each run: fuzzing uses up limits that are counted per address, and ends things,
    among them the logins of other doors.
    """
    own = settings.model_copy(
        update={"database_url": clone_database(f"fuzzed_{uuid.uuid4().hex[:12]}")}
    )
    app = create_app(own)
    async with app.router.lifespan_context(app), in_process(app) as client:
        city = await make_organisation(app, Kind.MUNICIPAL_OFFICE)
        tenant = await make_tenant(app, client, city)
        with serve(create_app(own), lifespan=True) as address:
            yield address, tenant


@dataclass
class Alone:
    """A service with a database of its own: nothing is in it that its test did not put there."""

    app: FastAPI
    client: httpx.AsyncClient
    city: Organisation


@pytest.fixture
async def alone(settings: Settings, clone_database: Callable[[str], str]) -> AsyncIterator[Alone]:
    own = settings.model_copy(
        update={"database_url": clone_database(f"alone_{uuid.uuid4().hex[:12]}")}
    )
    app = create_app(own)
    async with app.router.lifespan_context(app), in_process(app) as client:
        yield Alone(app, client, await make_organisation(app, Kind.MUNICIPAL_OFFICE))


@pytest.fixture
async def another_process(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    application = create_app(settings)
    async with application.router.lifespan_context(application), in_process(application) as client:
        yield client


def in_process(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")
