"""P8, deeper than in `make test`: `make soak-api`, or with EXAMPLES=200 deeper still.

Every boundary that the document names is tried once however many EXAMPLES are wanted:
`make soak-api ARGS="-k coverage -n logical"` is what CI runs.
"""

import os

import pytest
from fastapi import FastAPI

from app.kernel.principal import Door
from tests.api.conftest import fuzzed
from tests.api.fuzzing import DOORS, run
from tests.api.world import Tenant

__all__ = ["fuzzed"]

pytestmark = pytest.mark.anyio

EXAMPLES = int(os.environ.get("EXAMPLES", "50"))


@pytest.mark.parametrize(
    ("phase", "doors", "cases", "accepted"),
    [
        ("examples", DOORS, 0, -1),
        ("coverage", ("staff",), 1_200, 25),
        ("coverage", ("member",), 900, 10),
        ("coverage", ("partner", None), 600, 15),
        ("fuzzing", DOORS, 120, 40),
        ("stateful", DOORS, 100, 4),
    ],
)
async def test_schemathesis(
    app: FastAPI,
    fuzzed: tuple[str, Tenant],
    phase: str,
    doors: tuple[Door | None, ...],
    cases: int,
    accepted: int,
) -> None:
    outcome = run(app, *fuzzed, phase, examples=EXAMPLES, doors=doors)
    assert not outcome.failures, outcome.report()
    # Else nothing was proven.
    assert outcome.cases > cases
    assert len(outcome.accepted) > accepted
