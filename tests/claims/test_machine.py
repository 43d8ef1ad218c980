"""Claims lived at random against a small model of them; the long form is in `make soak`."""

import httpx
import pytest
from fastapi import FastAPI

from tests.claims.living import make_world
from tests.claims.machine import lived
from tests.claims.test_invariants import faults
from tests.simulators_fixture import Simulators

pytestmark = [pytest.mark.anyio, pytest.mark.long]


async def test_application_and_model_agree(
    app: FastAPI, client: httpx.AsyncClient, simulators: Simulators
) -> None:
    world = await make_world(app, client, simulators)
    await lived(world, lives=4, steps=30, derandomize=True)
    assert await faults(app) == {}
