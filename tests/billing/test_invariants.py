"""The invariants of money and cover: empty after a busy day, and able to find a fault."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.kernel.database import asyncpg_dsn
from app.main import create_app
from app.settings import Settings
from tests.billing.buying import buy, document, option, options, publish
from tests.cover_fixtures import Gateway, load_plans, make_gateway, make_rider, order, scalar
from tests.simulators_fixture import Simulators

pytestmark = pytest.mark.anyio
FOLDER = Path(__file__).parents[1] / "invariants"
OURS = ("01_", "02_", "03_", "04_", "05_", "10_", "12_", "19_")
FILES = sorted(file for file in FOLDER.glob("*.sql") if file.name.startswith(OURS))


@pytest.fixture
async def fresh_app(settings: Settings, fresh_database_url: str) -> AsyncIterator[FastAPI]:
    application = create_app(settings.model_copy(update={"database_url": fresh_database_url}))
    async with application.router.lifespan_context(application):
        await load_plans(application)
        yield application


async def busy_day(app: FastAPI, client: httpx.AsyncClient, gateway: Gateway) -> None:
    """Orders paid, given, cancelled, refunded, and paid too late."""

    async def one(kind: int) -> None:
        rider = await make_rider(app)
        if kind == 0:
            await order(client, rider, "SH-GIG-C")
        made = await order(client, rider, shares=1 + kind % 3)
        path = f"/v1/me/orders/{made['id']}"
        if kind in (1, 2, 3):
            await gateway.settle(rider, made)
        if kind == 2:
            assert (await client.post(f"{path}/refund", headers=rider.keyed)).status_code == 202
        if kind == 3:
            await order(client, rider, shares=2)
        if kind == 4:
            paid = await gateway.pay(rider, made["id"])
            await client.post(f"{path}/cancellation", headers=rider.headers)
            await gateway.deliver(gateway.payment_notice(paid, made["amount_fen"]))
        if kind == 5:
            await client.post(f"{path}/cancellation", headers=rider.headers)

    await asyncio.gather(*(one(kind) for kind in range(6)), going_on(app, client, gateway))


async def going_on(app: FastAPI, client: httpx.AsyncClient, gateway: Gateway) -> None:
    """A week of cover that others pay part of, with shares added, renewed with more."""
    week = option(
        term={"days": 7},
        deposit={"yuan": 1},
        split=[
            {"payer": "member", "amount": {"times": [{"yuan": 20}, "shares"]}},
            {"payer": "unit", "amount": {"times": [{"yuan": 5}, "shares"]}},
        ],
    )
    plan = await publish(app, document(contribution=options(week)))
    rider = await make_rider(app)
    policy = (await buy(client, gateway, rider, plan))["policy"]
    await buy(client, gateway, rider, plan, kind="upgrade", policy_id=policy["id"])
    renewal = {"kind": "renewal", "policy_id": policy["id"], "shares": 3}
    made = await buy(client, gateway, rider, plan, **renewal)
    assert made["policy"]["starts_at"] == policy["ends_at"]


async def broken(connection: asyncpg.Connection) -> list[str]:
    return [file.name[:2] for file in FILES if await connection.fetch(file.read_text("utf-8"))]


async def test_nothing_is_broken_after_a_busy_day_and_faults_are_found(
    fresh_app: FastAPI, fresh_database_url: str, simulators: Simulators
) -> None:
    assert len(FILES) == len(OURS)
    transport = httpx.ASGITransport(app=fresh_app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        await busy_day(fresh_app, client, make_gateway(client, simulators))
    owner = await asyncpg.connect(asyncpg_dsn(fresh_database_url))
    try:
        assert await broken(owner) == []
        faults = {
            "01": "update ledger_entry set amount_fen = amount_fen + 1 where id = 1",
            "02": "delete from policy_transaction where order_id is not null",
            "03": "update share_slot set released_at = now()",
            "04": "update payment_attempt set amount_fen = amount_fen + 1",
            "05": "delete from status_history where from_status is null",
            "12": "update refund set amount_fen = amount_fen * 2",
            "10": "update consent set given_at = now() + interval '9 years'",
        }
        for number, fault in faults.items():
            transaction = owner.transaction()
            await transaction.start()
            await owner.execute(fault)
            assert number in await broken(owner), fault
            await transaction.rollback()
    finally:
        await owner.close()
    assert await scalar(fresh_app.state.database, "select count(*) from policy") == 6
