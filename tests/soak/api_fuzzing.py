"""P8, deeper than in `make test`: `make soak-api`, or with EXAMPLES=200 deeper still."""

import os

import pytest
from fastapi import FastAPI

from tests.api.conftest import fuzzed
from tests.api.fuzzing import PHASES, run
from tests.api.world import Tenant

__all__ = ["fuzzed"]

pytestmark = pytest.mark.anyio

EXAMPLES = int(os.environ.get("EXAMPLES", "50"))


@pytest.mark.parametrize("phase", PHASES)
async def test_schemathesis(app: FastAPI, fuzzed: tuple[str, Tenant], phase: str) -> None:
    outcome = run(app, *fuzzed, phase, examples=EXAMPLES)
    assert not outcome.failures, outcome.report()
    assert outcome.cases > 0
