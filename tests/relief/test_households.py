"""One household, one file; looked at every year, left with a reason."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.kernel.clock import add_months, business_day, system_now
from app.relief.households import review_due
from tests.cover_fixtures import Rider
from tests.relief.factories import Board, formula

pytestmark = pytest.mark.anyio

HOUSEHOLDS = "/v1/staff/households"


async def opened(board: Board, rider: Rider) -> dict[str, Any]:
    body = {
        "person_id": str(rider.person.id),
        "address": "CANARY-ADDRESS 渝中区某街道",
        "members": [{"relation": "spouse", "name": "CANARY-KIN 王芳"}],
        "situation": {"household_income_fen": 3_600_000, "situation": "low_income"},
    }
    return await board.post(HOUSEHOLDS, board.caseworker, body)


async def test_a_file_keeps_what_was_known_before(app: FastAPI, board: Board) -> None:
    household = await opened(board, await board.rider())
    assert [each["relation"] for each in household["members"]] == ["self", "spouse"]
    path = f"{HOUSEHOLDS}/{household['id']}"
    changed = await board.post(
        f"{path}/situations", board.caseworker, {"situation": {"situation": "no_earner"}}
    )
    assert changed["situation"] == {"household_income_fen": 3_600_000, "situation": "no_earner"}
    assert [each["changed"] for each in changed["situations"]] == [
        ["situation"],
        ["household_income_fen", "situation"],
    ]
    async with app.state.database.transaction() as session:
        rows = await session.execute(
            text(
                "select sealed from household where id = cast(:id as uuid) union all"
                " select sealed from household_member where sealed is not null"
                " and household_id = cast(:id as uuid)"
            ),
            {"id": household["id"]},
        )
        assert not any(b"CANARY" in bytes(row.sealed) for row in rows)


async def test_nobody_is_in_two_files(board: Board) -> None:
    rider = await board.rider()
    first = await opened(board, rider)
    body = {"person_id": str(rider.person.id), "address": "别处"}
    refused = await board.post(HOUSEHOLDS, board.caseworker, body, expect=409)
    assert refused["code"] == "in-another-household"
    gone = {"reason_code": "own-wish"}
    left = await board.post(f"{HOUSEHOLDS}/{first['id']}/exit", board.caseworker, gone)
    assert (left["status"], left["exit_reason"]) == ("exited", "own-wish")
    await board.post(HOUSEHOLDS, board.caseworker, body)
    path = f"{HOUSEHOLDS}/{first['id']}/reviews"
    refused = await board.post(path, board.caseworker, {}, expect=409)
    assert refused["code"] == "household-exited"


async def test_a_year_later_it_is_on_the_list_until_it_is_reviewed(
    app: FastAPI, board: Board
) -> None:
    household = await opened(board, await board.rider())
    due_on = add_months(business_day(system_now()), 12)
    assert household["review_due_on"] == due_on.isoformat()
    listed = f"{HOUSEHOLDS}?status=review_due"
    async with app.state.database.transaction() as session:
        at = await session.scalar(
            text("select due_at from due_thing where subject_id = cast(:id as uuid)"),
            {"id": household["id"]},
        )
        await review_due(session, UUID(str(household["id"])), system_now())
    assert (await board.get(listed, board.caseworker))["items"] == []
    async with app.state.database.transaction() as session:
        await review_due(session, UUID(str(household["id"])), at + timedelta(seconds=1))
    [line] = (await board.get(listed, board.caseworker))["items"]
    assert line["id"] == household["id"]
    path = f"{HOUSEHOLDS}/{household['id']}/reviews"
    reviewed = await board.post(path, board.caseworker, {"notes": "入户了解"})
    assert (reviewed["status"], reviewed["notes"]) == ("open", "入户了解")
    assert (await board.get(listed, board.caseworker))["items"] == []


async def test_wrong_situations_are_named(board: Board) -> None:
    rider = await board.rider()
    body = {
        "person_id": str(rider.person.id),
        "address": "某街道",
        "situation": {"situation": "rural", "hukou": "rural"},
    }
    refused = await board.post(HOUSEHOLDS, board.caseworker, body, expect=422)
    assert {(each["pointer"], each["code"]) for each in refused["errors"]} == {
        ("/situation/situation", "not-a-choice"),
        ("/situation/hukou", "unknown-fact"),
    }


async def test_a_file_opened_after_its_case_counts_for_it(app: FastAPI, board: Board) -> None:
    rider, spouse = await board.rider(), await board.rider()
    facts = {"net_self_pay_fen": 6_000_000}
    assert (await board.decide(await board.referred(spouse, facts))).status_code == 200
    case_id = await board.referred(rider, facts)
    assert (await board.seen(case_id))["suggested_fen"] == 1_000_000
    kin = board.members[2]
    body = {
        "person_id": str(rider.person.id),
        "address": "某街道",
        "members": [
            {"relation": "spouse", "person_id": str(spouse.person.id)},
            {"relation": "sibling", "name": "王芳", "staff_id": str(kin.account_id)},
        ],
    }
    household = await board.post(HOUSEHOLDS, board.caseworker, body)
    case = await board.seen(case_id)
    # One year and one limit for the household: the spouse had the band's sum already.
    assert (case["household_id"], case["suggested_fen"]) == (household["id"], 0)
    refused = await board.decide(case_id)
    assert refused.status_code == 403
    assert refused.json()["staff_ids"] == [str(kin.account_id)]


async def test_a_file_fills_in_what_nobody_said(board: Board) -> None:
    rider = await board.rider()
    await board.publish(
        formula(board.code)
        | {
            "conditions": [
                {
                    "code": "low-income",
                    "words": {"zh": "收入较低", "en": "Low income"},
                    "require": {"up_to": ["household_income_fen", {"yuan": 50000}]},
                }
            ]
        }
    )
    case = await board.opened(rider, {"net_self_pay_fen": 6_000_000})
    assert case["missing_facts"] == ["household_income_fen"]
    household = await opened(board, rider)
    seen = await board.seen(case["id"])
    assert seen["facts"]["household_income_fen"] == 3_600_000
    assert seen["given_by"]["household_income_fen"] == "system"
    corrected = {"facts": {"household_income_fen": 3_700_000}, "reason_code": "as-on-document"}
    path = f"/v1/staff/relief-cases/{case['id']}/facts"
    answer = await board.client.patch(path, headers=board.caseworker.headers, json=corrected)
    assert answer.status_code == 200
    changed = {"situation": {"household_income_fen": 9_900_000}}
    await board.post(f"{HOUSEHOLDS}/{household['id']}/situations", board.caseworker, changed)
    assert (await board.seen(case["id"]))["facts"]["household_income_fen"] == 3_700_000
