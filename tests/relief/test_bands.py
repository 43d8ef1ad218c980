"""FJ-SM-RELIEF-2025's published bands through the API: D17 to D23."""

from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from fastapi import FastAPI

from tests.relief.factories import make_board

pytestmark = pytest.mark.anyio

CASES = yaml.load(
    (Path(__file__).parents[1] / "plans" / "published_cases.yaml").read_text("utf-8"),
    yaml.CSafeLoader,
)["benefits"]
BANDS = [each for each in CASES if each["plan"] == "FJ-SM-RELIEF-2025"]


async def test_every_published_band(app: FastAPI, client: httpx.AsyncClient) -> None:
    assert [each["id"] for each in BANDS] == [f"D{number}" for number in range(17, 24)]
    board = await make_board(app, client)
    await board.open_fund(shipped_code="FJ-SM-RELIEF-2025")
    found: dict[str, Any] = {}
    for case in BANDS:
        rider = await board.rider()
        opened = await board.opened(rider, case["facts"])
        found[case["id"]] = opened["suggested_fen"]
        if case["id"] in ("D18", "D23"):
            await board.complete(opened)
            await board.post(f"/v1/staff/relief-cases/{opened['id']}/referral", board.caseworker)
            decided = await board.decide(opened["id"])
            assert decided.status_code == 200, decided.text
            assert decided.json()["amount_fen"] == case["expect_fen"]
    assert found == {case["id"]: case["expect_fen"] for case in BANDS}


async def test_the_amount_is_explained_in_both_languages(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    board = await make_board(app, client)
    await board.open_fund(shipped_code="FJ-SM-RELIEF-2025")
    case = await board.opened(await board.rider(), {"net_self_pay_fen": 2_000_001})
    explanation = case["explanation"]
    assert explanation["zh"] == "按办法救助金 3,000.00 元"
    assert explanation["en"] == "Relief by the formula: 3,000.00 yuan"
    told = str(explanation)
    assert "本年度扣除互助金后的净自付" in told
    assert "保障年度" not in told
