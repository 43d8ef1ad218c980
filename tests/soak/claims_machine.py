"""The life of claims at length: `make soak ARGS=model`, or with STEPS=50000 longer still."""

import os
import sys

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.claims.models import CLAIM
from app.journey.invariants import FOLDER
from tests.claims.living import make_world
from tests.claims.machine import lived
from tests.simulators_fixture import Simulators

pytestmark = pytest.mark.anyio

STEPS = int(os.environ.get("STEPS", "10000"))
STEPS_OF_A_LIFE = 50

WALKED = """
select from_status, to_status, count(*) from status_history
where subject = 'claim' and from_status is not null group by 1, 2 order by 3
"""


async def test_application_and_model_agree(
    app: FastAPI, client: httpx.AsyncClient, simulators: Simulators
) -> None:
    world = await make_world(app, client, simulators)
    while world.steps < STEPS:
        await lived(world, lives=20, steps=STEPS_OF_A_LIFE)
    async with app.state.database.transaction() as session:
        walked = {(row[0], row[1]): row[2] for row in await session.execute(text(WALKED))}
        broken = {
            file.stem: rows
            for file in sorted(FOLDER.glob("*.sql"))
            if (rows := (await session.execute(text(file.read_text("utf-8")))).all())
        }
    sys.stdout.write(f"{world.steps} steps, answers {world.acts.most_common()}, moves {walked}\n")
    assert broken == {}
    assert CLAIM.edges - walked.keys() == set()
