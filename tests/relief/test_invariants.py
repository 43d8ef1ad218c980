"""What must hold of funds, boards and grants after everything that these tests did."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from tests.claims.factories import poll
from tests.relief.factories import Board, work
from tests.simulators_fixture import Simulators

pytestmark = pytest.mark.anyio

FOLDER = Path(__file__).parents[1] / "invariants"


async def test_nothing_is_broken(app: FastAPI, board: Board, simulators: Simulators) -> None:
    rider = await board.rider()
    case_id = await board.referred(rider, {"net_self_pay_fen": 6_000_000})
    assert (await board.decide(case_id)).status_code == 200
    await work(app)
    payout = await board.get(f"/v1/me/relief-cases/{case_id}/payout", rider)
    package = payout["confirmation"]["package"]
    simulators.control("transfers/confirm", package_info=package, behaviour="dropped")
    await poll(app)
    await work(app)
    assert (await board.seen(case_id))["status"] == "paid"
    for name in ("01_ledger_balances", "09_unknown_payout_is_asked", "16_relief"):
        async with app.state.database.transaction() as session:
            rows = await session.execute(text((FOLDER / f"{name}.sql").read_text("utf-8")))
            assert rows.all() == [], name
