"""A municipal office for each test."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from app.kernel.clock import business_day, system_now
from app.settings import Settings
from tests.cover_fixtures import load_plans
from tests.simulators_fixture import run_simulators
from tests.treasury_fixtures import Municipal, World, municipal


@pytest.fixture
async def office(
    settings: Settings, clone_database: Callable[[str], str]
) -> AsyncIterator[Municipal]:
    async with municipal(settings, clone_database) as made:
        yield made


@pytest.fixture
async def world(
    settings: Settings, clone_database: Callable[[str], str], tmp_path: Path
) -> AsyncIterator[World]:
    """An office with outside systems of its own, whose days can pass."""
    with run_simulators(tmp_path) as simulators:
        own = simulators.settings(
            database_url=settings.database_url,
            master_key=settings.master_key,
            log_level="error",
            database_pool_timeout=20.0,
            database_command_timeout=10.0,
            object_store_url=settings.object_store_url,
        )
        async with municipal(own, clone_database) as made:
            await load_plans(made.app)
            yield World(made, simulators, business_day(system_now()))
