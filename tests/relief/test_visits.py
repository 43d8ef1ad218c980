"""A condolence visit and a claim in one act, once however often the tablet sends it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.kernel.clock import business_day, system_now
from tests.access_fixtures import SignedIn, make_organisation, staff_token
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


async def _listed(board: Board, who: SignedIn | None = None, **wanted: Any) -> list[dict[str, Any]]:
    """Every page of visits, three at a time."""
    query = "".join(f"&{name}={value}" for name, value in wanted.items())
    found, cursor = [], ""
    while True:
        path = f"/v1/staff/visits?limit=3{query}{cursor}"
        page = await board.get(path, who or board.supervisor)
        assert len(page["items"]) <= 3
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


async def test_visits_are_listed_by_day_and_person(app: FastAPI, board: Board) -> None:
    riders = [await board.rider() for _ in range(2)]
    today = system_now()
    made: list[str] = []
    for days, rider in ((0, riders[0]), (9, riders[0]), (4, riders[1]), (4, riders[1])):
        then = (today - timedelta(days=days)).isoformat()
        ref = f"tablet-{len(made)}"
        more: dict[str, Any] = {"claim": None, "grant": None, "client_ref": ref}
        body = await visit(app, board, rider, visited_at=then, **more)
        made.append((await board.post("/v1/staff/visits", board.caseworker, body))["id"])
    granted = await visit(app, board, riders[1], client_ref="tablet-granted")
    granted["visited_at"] = (today - timedelta(days=20)).isoformat()
    with_case = await board.post("/v1/staff/visits", board.caseworker, granted)
    # What was visited last stands first, and of one instant what was recorded last.
    order = [made[0], made[3], made[2], made[1], with_case["id"]]
    assert [each["id"] for each in await _listed(board)] == order
    [last] = (await _listed(board))[-1:]
    assert last | with_case == last
    assert (last["notes"], last["visited_by"]) == (
        granted["notes"],
        str(board.caseworker.account_id),
    )
    assert last["organisation_name"] == board.organisation.name
    first, to = (business_day(today - timedelta(days=each)) for each in (9, 4))
    shown = await _listed(board, None, **{"from": first, "to": to})
    assert [each["id"] for each in shown] == order[1:4]
    of_one = await _listed(board, person_id=riders[0].person.id)
    assert [each["id"] for each in of_one] == [made[0], made[1]]
    of_case = await _listed(board, case_id=with_case["case"]["id"])
    assert [each["id"] for each in of_case] == [with_case["id"]]


async def test_visits_are_seen_by_their_office_and_every_look_is_recorded(
    app: FastAPI, board: Board
) -> None:
    rider = await board.rider()
    body = await visit(app, board, rider, claim=None, grant=None)
    made = await board.post("/v1/staff/visits", board.caseworker, body)
    elsewhere = await make_organisation(app)
    stranger = await staff_token(app, elsewhere.id, ["supervisor"])
    assert await _listed(board, stranger) == []
    assert await _listed(board, organisation_id=elsewhere.id) == []
    assert len(await _listed(board, organisation_id=board.organisation.id)) == 1
    reviewer = await staff_token(app, board.organisation.id, ["reviewer"])
    await board.get("/v1/staff/visits", reviewer, expect=403)
    async with app.state.database.transaction() as session:
        looks = (
            await session.execute(
                text(
                    "select actor_id, subject_ids from audit_entry"
                    " where action = 'relief_visit.list' and :id = any(subject_ids)"
                ),
                {"id": rider.person.id},
            )
        ).all()
    [look] = looks
    assert look.actor_id == board.supervisor.account_id
    assert {str(each) for each in look.subject_ids} == {made["id"], str(rider.person.id)}
