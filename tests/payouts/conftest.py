"""An approved claim whose payout has not been sent yet."""

import httpx
import pytest
from fastapi import FastAPI

from tests.claims.factories import Case, make_case

MED = {"self_pay_fen": 1_000_000, "hospital_grade": 2}


@pytest.fixture
async def case(app: FastAPI, client: httpx.AsyncClient) -> Case:
    return await make_case(app, client)


@pytest.fixture
async def approved(case: Case) -> Case:
    await case.submitted()
    await case.approved(**MED)
    return case
