"""A municipal office for each test."""

from collections.abc import AsyncIterator, Callable

import pytest

from app.settings import Settings
from tests.treasury_fixtures import Municipal, municipal


@pytest.fixture
async def office(
    settings: Settings, clone_database: Callable[[str], str]
) -> AsyncIterator[Municipal]:
    async with municipal(settings, clone_database) as made:
        yield made
