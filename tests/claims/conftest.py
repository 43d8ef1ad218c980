"""A case at an office, nothing claimed yet."""

import httpx
import pytest
from fastapi import FastAPI

from tests.claims.factories import Case, make_case


@pytest.fixture
async def case(app: FastAPI, client: httpx.AsyncClient) -> Case:
    return await make_case(app, client)
