"""P8, deeper than in `make test`: `make soak-api`, or with EXAMPLES=200 deeper still.

Every boundary that the document names is tried once however many EXAMPLES are wanted:
`make soak-api ARGS="-k coverage -n logical"` is what CI runs.
"""

import os

import pytest
from fastapi import FastAPI

from app.kernel.principal import Door
from tests.api.conftest import fuzzed
from tests.api.fuzzing import DOORS, PHASES, run
from tests.api.world import Tenant

__all__ = ["fuzzed"]

pytestmark = pytest.mark.anyio

EXAMPLES = int(os.environ.get("EXAMPLES", "50"))


@pytest.mark.parametrize(
    ("phase", "doors"),
    [
        ("coverage", ("staff",)),
        ("coverage", ("member",)),
        ("coverage", ("partner", None)),
        *((phase, DOORS) for phase in PHASES if phase != "coverage"),
    ],
)
async def test_schemathesis(
    app: FastAPI, fuzzed: tuple[str, Tenant], phase: str, doors: tuple[Door | None, ...]
) -> None:
    outcome = run(app, *fuzzed, phase, examples=EXAMPLES, doors=doors)
    assert not outcome.failures, outcome.report()
    # Else nothing was proven: in a phase of boundaries hundreds are tried, some are taken.
    assert outcome.cases > (500 if phase == "coverage" else 0)
    assert outcome.accepted or phase == "examples"
