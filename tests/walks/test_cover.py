"""Every door to orders, attempts to pay them, policies and payment agreements, in each status."""

import httpx
import pytest
from fastapi import FastAPI

from tests.access_fixtures import make_organisation, staff_token
from tests.cover_fixtures import Gateway, load_plans, make_gateway
from tests.notifications.conftest import daytime
from tests.simulators_fixture import Simulators
from tests.walks import attempts, cover
from tests.walks.walk import walk

__all__ = ["daytime"]

pytestmark = [pytest.mark.anyio, pytest.mark.long]


@pytest.fixture
def gateway(client: httpx.AsyncClient, simulators: Simulators) -> Gateway:
    return make_gateway(client, simulators)


async def test_doors_to_orders(app: FastAPI, client: httpx.AsyncClient, gateway: Gateway) -> None:
    await load_plans(app)
    office = await make_organisation(app)
    caseworker = await staff_token(app, office.id, ["caseworker"])
    subjects = await cover.order_in_each_status(app, client, gateway, caseworker)
    await walk(app, client, cover.ORDERS, subjects)


async def test_doors_to_attempts(app: FastAPI, client: httpx.AsyncClient, gateway: Gateway) -> None:
    await load_plans(app)
    for table in (attempts.OF_OPEN_ORDERS, attempts.OF_CLOSED_ORDERS, attempts.OF_PAID_ORDERS):
        subjects = await attempts.attempt_in_each_status(app, client, gateway, table)
        await walk(app, client, table, subjects)


async def test_doors_to_refunds(app: FastAPI, client: httpx.AsyncClient, gateway: Gateway) -> None:
    await load_plans(app)
    office = await make_organisation(app)
    reviewer = await staff_token(app, office.id, ["reviewer"])
    subjects = await cover.refund_in_each_status(app, client, gateway, office, reviewer)
    await walk(app, client, cover.REFUNDS, subjects)


async def test_doors_to_policies(app: FastAPI, client: httpx.AsyncClient) -> None:
    await load_plans(app)
    office = await make_organisation(app)
    staff = {
        "caseworker": await staff_token(app, office.id, ["caseworker"]),
        "reviewer": await staff_token(app, office.id, ["reviewer"]),
    }
    subjects = await cover.policy_in_each_status(app, client, office, staff)
    await walk(app, client, cover.POLICIES, subjects)


@pytest.mark.usefixtures("daytime")
async def test_doors_to_agreements(
    app: FastAPI, client: httpx.AsyncClient, gateway: Gateway, simulators: Simulators
) -> None:
    subjects = await cover.agreement_in_each_status(app, client, gateway, simulators)
    await walk(app, client, cover.AGREEMENTS, subjects)
    subjects = await cover.agreement_at_the_gateway(app, client, gateway, simulators)
    await walk(app, client, cover.AT_THE_GATEWAY, subjects)
