"""What boards may and may not do, and the fund's last word."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.organisations.models import Kind
from tests.access_fixtures import make_organisation
from tests.claims.factories import bank_account, poll
from tests.relief.factories import Board, entries_of, make_board, work
from tests.simulators_fixture import Simulators

pytestmark = pytest.mark.anyio

FACTS = {"net_self_pay_fen": 6_000_000}


async def test_a_grant_is_taken_from_the_fund_booked_and_paid(
    app: FastAPI, board: Board, simulators: Simulators
) -> None:
    rider = await board.rider()
    owed = await entries_of(app, "relief-payable")
    case_id = await board.referred(rider, FACTS)
    decided = (await board.decide(case_id)).json()
    assert (decided["status"], decided["amount_fen"]) == ("paying", 1_000_000)
    assert [seat["vote"] for seat in decided["decision"]["seats"]] == ["for"] * 3
    assert {seat["name"] for seat in decided["decision"]["seats"]} == {"委员0", "委员1", "委员2"}
    assert await board.balance() == 99_000_000
    assert await entries_of(app, board.fund["account"]) == -99_000_000
    assert await entries_of(app, "relief-payable") == owed - 1_000_000
    await work(app)
    payout = await board.get(f"/v1/me/relief-cases/{case_id}/payout", rider)
    simulators.control(
        "transfers/confirm", package_info=payout["confirmation"]["package"], behaviour="dropped"
    )
    await poll(app)
    await work(app)
    paid = await board.seen(case_id)
    assert paid["status"] == "paid", paid["payout"]
    assert await entries_of(app, "relief-payable") == owed
    statuses = [step["status"] for step in paid["history"]]
    assert statuses == ["applied", "board", "granted", "paying", "paid"]


@pytest.mark.long
async def test_fifty_grants_never_take_more_than_the_fund_holds(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    board = await make_board(app, client)
    await board.open_fund(yuan=75_000)
    ids = [await board.referred(await board.rider(), FACTS) for _ in range(50)]
    answers = await asyncio.gather(*(board.decide(each) for each in ids))
    granted = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code == 409]
    assert (len(granted), len(refused)) == (7, 43)
    assert {answer.json()["code"] for answer in refused} == {"relief-fund-exhausted"}
    assert await board.balance() == 500_000
    assert await entries_of(app, board.fund["account"]) == -500_000


async def test_the_quorum_counts_people_of_the_fund(app: FastAPI, board: Board) -> None:
    case_id = await board.referred(await board.rider(), FACTS)
    few = {"verdict": "grant", "votes": board.votes("for", "for")}
    answer = await board.decide(case_id, few)
    assert (answer.status_code, answer.json()["code"]) == (409, "relief-quorum-missed")
    twice = {"verdict": "grant", "votes": [*board.votes("for", "for"), board.votes("for")[0]]}
    assert (await board.decide(case_id, twice)).status_code == 422
    other = await make_board(app, board.client)
    foreign = {
        "verdict": "grant",
        "votes": [*board.votes("for", "for"), other.votes("for")[0]],
    }
    answer = await board.decide(case_id, foreign)
    assert (answer.status_code, answer.json()["code"]) == (404, "relief-board-member-unknown")


async def test_who_enrolled_the_member_or_is_kin_does_not_sit(app: FastAPI, board: Board) -> None:
    rider = await board.rider()
    body = {
        "person_id": str(rider.person.id),
        "address": "某街道",
        "members": [
            {
                "relation": "sibling",
                "name": "张大明",
                "staff_id": str(board.members[1].account_id),
            }
        ],
    }
    await board.post("/v1/staff/households", board.caseworker, body)
    case_id = await board.referred(rider, FACTS)
    answer = await board.decide(case_id)
    assert answer.status_code == 403
    assert answer.json()["staff_ids"] == [str(board.members[1].account_id)]
    enrolled = await board.rider()
    async with app.state.database.transaction() as session:
        await session.execute(
            text("update member set enrolled_by = :staff where person_id = :person"),
            {"staff": board.members[0].account_id, "person": enrolled.person.id},
        )
    case_id = await board.referred(enrolled, FACTS)
    answer = await board.decide(case_id)
    assert answer.json()["staff_ids"] == [str(board.members[0].account_id)]


async def test_the_votes_carry_the_verdict(board: Board) -> None:
    case_id = await board.referred(await board.rider(), FACTS)
    against = {"verdict": "grant", "votes": board.votes("for", "against", "abstain")}
    answer = await board.decide(case_id, against)
    assert (answer.status_code, answer.json()["code"]) == (422, "relief-votes-contradict")
    declined: dict[str, Any] = {
        "verdict": "decline",
        "reason_code": "helped-elsewhere",
        "votes": board.votes("for", "against", "against"),
    }
    answer = await board.decide(case_id, declined)
    assert (answer.status_code, answer.json()["status"]) == (200, "declined")
    assert await board.balance() == 100_000_000
    assert (await board.decide(case_id)).status_code == 409


async def test_hardship_below_the_threshold_needs_a_written_reason(
    app: FastAPI, board: Board
) -> None:
    rider = await board.rider()
    case_id = await board.referred(rider, {"net_self_pay_fen": 800_000})
    answer = await board.decide(case_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "relief-nothing-by-formula")
    reason = "CANARY-HARDSHIP 独自抚养两名子女, 房租拖欠三个月"
    body = {
        "verdict": "grant_for_hardship",
        "amount_fen": 500_001,
        "reason": reason,
        "votes": board.votes(),
    }
    answer = await board.decide(case_id, body)
    assert (answer.status_code, answer.json()["most_fen"]) == (422, 500_000)
    assert (await board.decide(case_id, body | {"reason": "困难"})).status_code == 422
    answer = await board.decide(case_id, body | {"amount_fen": 300_000})
    assert answer.status_code == 200, answer.text
    decision = answer.json()["decision"]
    assert (decision["path"], decision["reason"]) == ("hardship", reason)
    async with app.state.database.transaction() as session:
        sealed = await session.scalar(
            text("select sealed from relief_decision where case_id = cast(:id as uuid)"),
            {"id": case_id},
        )
    assert reason.encode() not in bytes(sealed or b"")
    above = await board.referred(await board.rider(), FACTS)
    answer = await board.decide(above, body | {"amount_fen": 300_000})
    assert (answer.status_code, answer.json()["code"]) == (409, "relief-hardship-not-allowed")


async def test_the_household_has_one_year_and_one_limit(board: Board) -> None:
    rider, spouse = await board.rider(), await board.rider()
    body = {
        "person_id": str(rider.person.id),
        "address": "某街道",
        "members": [{"relation": "spouse", "person_id": str(spouse.person.id)}],
    }
    await board.post("/v1/staff/households", board.caseworker, body)
    first = await board.referred(rider, {"net_self_pay_fen": 30_000_000})
    assert (await board.decide(first)).json()["amount_fen"] == 12_500_000
    # The same look-up over the spouse's residue, less what the household had this year.
    again = await board.opened(spouse, {"net_self_pay_fen": 30_000_000})
    assert again["suggested_fen"] == 0


async def test_a_supervisor_of_an_agency_does_not_spend_the_citys_fund(
    app: FastAPI, board: Board
) -> None:
    city = await make_organisation(app, Kind.MUNICIPAL_OFFICE)
    above = await make_board(app, board.client, city)
    await above.open_fund()
    agency = await make_organisation(app, Kind.AGENCY, city)
    below = await make_board(app, board.client, agency)
    below.fund, below.code = above.fund, above.code
    case_id = await below.referred(await below.rider(), FACTS)
    answer = await below.decide(case_id)
    assert answer.status_code == 403
    answer = await above.decide(case_id)
    assert answer.status_code == 200, answer.text


async def test_a_grant_that_cannot_be_paid_is_the_funds_again(app: FastAPI, board: Board) -> None:
    rider = await board.rider()
    owed = await entries_of(app, "relief-payable")
    # Above what a wallet takes, and no bank account is known.
    case_id = await board.referred(rider, {"net_self_pay_fen": 30_000_000})
    assert (await board.decide(case_id)).json()["status"] == "granted"
    await work(app)
    path = f"/v1/staff/relief-cases/{case_id}/revocation"
    reason = {"reason_code": "stated-falsely"}
    await board.post(path, board.caseworker, reason, expect=403)
    revoked = await board.post(path, board.supervisor, reason)
    assert revoked["status"] == "revoked"
    assert await board.balance() == 100_000_000
    assert await entries_of(app, board.fund["account"]) == -100_000_000
    assert await entries_of(app, "relief-payable") == owed
    await board.post(path, board.supervisor, reason, expect=409)
    mine = await board.get(f"/v1/me/relief-cases/{case_id}", rider)
    assert mine["history"][-1]["reason"]["en"] == "What was stated is not true"
    await work(app)
    async with app.state.database.transaction() as session:
        names = await session.scalars(
            text("select template from message where subject_id = cast(:id as uuid) order by id"),
            {"id": case_id},
        )
        assert set(names) == {"relief_granted", "relief_account", "relief_revoked"}


async def test_the_board_returns_a_case_and_decides_it_later(app: FastAPI, board: Board) -> None:
    rider = await board.rider()
    case_id = await board.referred(rider, FACTS)
    path = f"/v1/staff/relief-cases/{case_id}"
    reason = {"reason_code": "papers-unclear"}
    await board.post(f"{path}/return", board.caseworker, reason, expect=403)
    kind = "medical_record"
    assert (await board.send(case_id, kind)).json()["code"] == "relief-facts-closed"
    for _ in range(2):
        returned = await board.post(f"{path}/return", board.supervisor, reason)
        assert returned["status"] == "applied"
        mine = await board.get(f"/v1/me/relief-cases/{case_id}", rider)
        assert mine["history"][-1]["reason"]["en"] == "Documents are unclear or do not suffice"
        sent = await board.send(case_id, kind)
        assert sent.status_code == 201, sent.text
        refused = await board.decide(case_id)
        assert (refused.status_code, refused.json()["code"]) == (409, "invalid-transition")
        await board.post(f"{path}/referral", board.caseworker)
    assert (await board.decide(case_id)).json()["status"] == "paying"
    await board.post(f"{path}/return", board.supervisor, reason, expect=409)
    await work(app)
    async with app.state.database.transaction() as session:
        told = await session.scalars(
            text("select template from message where subject_id = cast(:id as uuid)"),
            {"id": case_id},
        )
        assert list(told).count("relief_returned") == 2


async def test_what_the_board_has_is_not_pulled_back_by_applying_again(board: Board) -> None:
    rider = await board.rider()
    case_id = await board.referred(rider, FACTS)
    body = {"statements": ["true-and-complete"]}
    path = f"/v1/me/relief-cases/{case_id}/application"
    again = await board.post(path, rider, body, expect=409)
    assert again["code"] == "invalid-transition"
    assert (await board.seen(case_id))["status"] == "board"


async def test_what_is_on_its_way_is_not_taken_back(board: Board) -> None:
    case_id = await board.referred(await board.rider(), FACTS)
    assert (await board.decide(case_id)).json()["status"] == "paying"
    path = f"/v1/staff/relief-cases/{case_id}/revocation"
    await board.post(path, board.supervisor, {"reason_code": "granted-in-error"}, expect=409)


async def test_what_a_claim_found_to_be_a_strangers_gets_no_relief(
    app: FastAPI, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How that is found out is the claims' own (tests/claims/test_signals.py)."""
    rider = await board.rider()
    account = await board.post("/v1/me/payout-accounts", rider, bank_account())
    case_id = await board.referred(rider, FACTS)
    async with app.state.database.transaction() as session:
        chosen = text("update relief_case set payout_account_id = :account where id = :id")
        await session.execute(chosen, {"account": account["id"], "id": case_id})
    asked: list[str] = []

    async def found(_session: object, account_id: object) -> bool:
        asked.append(str(account_id))
        return True

    monkeypatch.setattr("app.relief.paying.found_a_strangers", found)
    assert (await board.decide(case_id)).json()["status"] == "granted"
    assert asked == [account["id"]]
