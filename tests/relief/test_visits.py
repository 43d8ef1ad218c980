"""A condolence visit and a claim in one act, once however often the tablet sends it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.kernel.clock import system_now
from tests.claims.factories import make_policy
from tests.cover_fixtures import Rider, load_plans
from tests.relief.factories import Board

pytestmark = pytest.mark.anyio


async def visit(app: FastAPI, board: Board, rider: Rider, **more: Any) -> dict[str, Any]:
    await load_plans(app)
    policy = await make_policy(app, rider, board.organisation.id)
    then = (system_now() - timedelta(days=1)).isoformat()
    return {
        "client_ref": f"tablet-{policy.number}",
        "person_id": str(rider.person.id),
        "visited_at": system_now().isoformat(),
        "notes": "CANARY-NOTES 到医院慰问",
        "grant": {"fund_id": board.fund["id"], "kind": "condolence", "ground": "accident"},
        "claim": {
            "policy_id": str(policy.id),
            "benefit_code": "MED",
            "incident": {
                "cause": "accident",
                "occurred_at": then,
                "place": "某路口",
                "description": "摔倒",
            },
        },
    } | more


async def test_one_act_grants_and_opens_the_claim(app: FastAPI, board: Board) -> None:
    rider = await board.rider()
    body = await visit(app, board, rider)
    made = await board.post("/v1/staff/visits", board.caseworker, body)
    assert (made["case"]["kind"], made["case"]["amount_fen"]) == ("condolence", 50_000)
    assert made["case"]["status"] == "paying"
    claim = await board.get(f"/v1/staff/claims/{made['claim_id']}", board.caseworker)
    assert claim["number"] == made["claim_number"]
    assert await board.balance() == 100_000_000 - 50_000
    # Offline tablets send it again, with another key: the same answer, nothing twice.
    answers = await asyncio.gather(
        *(board.post("/v1/staff/visits", board.caseworker, body) for _ in range(5))
    )
    assert all(answer["id"] == made["id"] for answer in answers)
    assert await board.balance() == 100_000_000 - 50_000
    other = body | {"notes": "别的内容"}
    refused = await board.post("/v1/staff/visits", board.caseworker, other, expect=409)
    assert refused["code"] == "visit-differs"


async def test_both_or_neither(app: FastAPI, board: Board) -> None:
    rider = await board.rider()
    body = await visit(app, board, rider)
    body["claim"]["incident"]["occurred_at"] = (system_now() + timedelta(days=1)).isoformat()
    await board.post("/v1/staff/visits", board.caseworker, body, expect=422)
    assert await board.balance() == 100_000_000
    body = await visit(app, board, rider, grant=None)
    assert (await board.post("/v1/staff/visits", board.caseworker, body))["case"] is None
    async with app.state.database.transaction() as session:
        cases = await session.scalar(
            text("select count(*) from relief_case where person_id = :id"), {"id": rider.person.id}
        )
    assert cases == 0


async def test_once_a_year_for_a_household_and_not_by_who_enrolled(
    app: FastAPI, board: Board
) -> None:
    rider = await board.rider()
    await board.post("/v1/staff/visits", board.caseworker, await visit(app, board, rider))
    again = await visit(app, board, rider, client_ref="tablet-again", claim=None)
    refused = await board.post("/v1/staff/visits", board.caseworker, again, expect=409)
    assert refused["code"] == "relief-condolence-given"
    enrolled = await board.rider()
    async with app.state.database.transaction() as session:
        await session.execute(
            text("update member set enrolled_by = :staff where person_id = :person"),
            {"staff": board.caseworker.account_id, "person": enrolled.person.id},
        )
    own = await visit(app, board, enrolled)
    refused = await board.post("/v1/staff/visits", board.caseworker, own, expect=403)
    assert refused["code"] == "relief-conflict-of-interest"


async def test_a_visit_can_put_a_case_before_the_board(app: FastAPI, board: Board) -> None:
    rider = await board.rider()
    wanted = {
        "fund_id": board.fund["id"],
        "kind": "formula",
        "ground": "disaster",
        "facts": {"disaster_loss_fen": 4_000_000},
    }
    body = await visit(app, board, rider, grant=wanted, claim=None)
    made = await board.post("/v1/staff/visits", board.caseworker, body)
    assert (made["case"]["status"], made["case"]["suggested_fen"]) == ("applied", 1_200_000)
    assert made["claim_id"] is None
    another = await board.rider()
    foreign = await visit(app, board, another)
    foreign["person_id"] = str(rider.person.id)
    refused = await board.post(
        "/v1/staff/visits", board.caseworker, foreign | {"grant": None}, expect=422
    )
    assert refused["code"] == "visit-policy-of-another"
