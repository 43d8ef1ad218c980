"""P8: no 5xx and no undocumented answer to whatever the document allows or forbids.

Seeds are fixed; `make soak-api` goes deeper.
"""

import pytest
from fastapi import FastAPI

from tests.api.fuzzing import run
from tests.api.world import Tenant

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("phase", "examples", "cases", "accepted"),
    [("coverage", 1, 3_000, 60), ("fuzzing", 1, 120, 40), ("stateful", 5, 20, 1)],
)
async def test_schemathesis(
    app: FastAPI, fuzzed: tuple[str, Tenant], phase: str, examples: int, cases: int, accepted: int
) -> None:
    address, tenant = fuzzed
    outcome = run(app, address, tenant, phase, examples)
    assert not outcome.failures, outcome.report()
    # Else nothing was proven.
    assert outcome.cases > cases
    assert len(outcome.accepted) > accepted
