"""P8: no 5xx and no undocumented answer to whatever the document allows or forbids.

Seeds are fixed. Every boundary of what members and staff may send takes minutes: that is
`make soak-api`, which CI runs beside `make test`.
"""

import pytest
from fastapi import FastAPI

from app.kernel.principal import Door
from tests.api.fuzzing import DOORS, run
from tests.api.world import Tenant

pytestmark = [pytest.mark.anyio, pytest.mark.long]


@pytest.mark.parametrize(
    ("phase", "doors", "examples", "cases", "accepted"),
    [
        ("coverage", ("partner", None), 1, 600, 15),
        ("fuzzing", DOORS, 1, 120, 40),
        ("stateful", DOORS, 25, 100, 4),
    ],
)
async def test_schemathesis(
    app: FastAPI,
    fuzzed: tuple[str, Tenant],
    phase: str,
    doors: tuple[Door | None, ...],
    examples: int,
    cases: int,
    accepted: int,
) -> None:
    outcome = run(app, *fuzzed, phase, examples=examples, doors=doors)
    assert not outcome.failures, outcome.report()
    # Else nothing was proven.
    assert outcome.cases > cases
    assert len(outcome.accepted) > accepted
