"""A platform with the gifted plan agreed."""

import httpx
import pytest
from fastapi import FastAPI

from tests.cover_fixtures import load_plans
from tests.rosters.factories import Platform, make_platform


@pytest.fixture
async def platform(app: FastAPI, client: httpx.AsyncClient) -> Platform:
    await load_plans(app)
    made = await make_platform(app, client)
    await made.agree()
    return made
