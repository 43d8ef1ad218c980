"""Every door to moratoriums and to the months of the books."""

import httpx
import pytest
from fastapi import FastAPI

from tests.treasury_fixtures import Municipal
from tests.walks import days
from tests.walks.walk import walk

pytestmark = [pytest.mark.anyio, pytest.mark.long]


async def test_doors_to_moratoriums(app: FastAPI, client: httpx.AsyncClient) -> None:
    await walk(app, client, days.MORATORIUMS, await days.moratorium_in_each_status(app, client))


async def test_doors_to_months(office: Municipal) -> None:
    await walk(office.app, office.client, days.MONTHS, await days.months(office))
    await walk(office.app, office.client, days.THIS_MONTH, await days.months_up_to_now(office))
