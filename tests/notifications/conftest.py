"""It is ten in the morning, and nothing goes wrong unless a test asks for it."""

from collections.abc import AsyncIterator
from datetime import time

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from tests.cover_fixtures import Rider, make_rider
from tests.notifications.outbox import go_to, next_local
from tests.simulators_fixture import Simulators


@pytest.fixture
async def daytime(app: FastAPI, simulators: Simulators) -> AsyncIterator[None]:
    """The business clock stands at the next 10:00; what other tests left behind is gone."""
    async with app.state.database.transaction() as session:
        await session.execute(text("delete from due_thing"))
        await session.execute(text("delete from pgqueuer.pgqueuer"))
    await go_to(app, next_local(time(10)))
    yield
    simulators.control("faults/clear")
    async with app.state.database.transaction() as session:
        await session.execute(text("update business_clock set offset_seconds = 0"))


@pytest.fixture
async def rider(app: FastAPI) -> Rider:
    return await make_rider(app)
