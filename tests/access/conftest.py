"""Some of these tests need a second process."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI

from app.main import create_app
from app.organisations.models import Organisation
from app.settings import Settings
from tests.access_fixtures import make_organisation

Caller = tuple[FastAPI, httpx.AsyncClient]
AnotherProcess = Callable[..., AbstractAsyncContextManager[Caller]]


@pytest.fixture
def another_process(settings: Settings) -> AnotherProcess:
    """A second application over the same database, called from an address of its own."""

    @asynccontextmanager
    async def start(address: str = "203.0.113.1", **changes: object) -> AsyncIterator[Caller]:
        application = create_app(settings.model_copy(update=changes))
        transport = httpx.ASGITransport(
            app=application, raise_app_exceptions=False, client=(address, 40_000)
        )
        async with (
            application.router.lifespan_context(application),
            httpx.AsyncClient(transport=transport, base_url="http://test") as caller,
        ):
            yield application, caller

    return start


@pytest.fixture
async def agency(app: FastAPI) -> Organisation:
    return await make_organisation(app)
