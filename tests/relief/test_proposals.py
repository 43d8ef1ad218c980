"""Relief proposed without being asked: after a claim is decided, never granted by itself."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from tests.claims.factories import Case, Office, make_policy
from tests.cover_fixtures import Rider, load_plans
from tests.relief.factories import Board, agree, make_board, work

pytestmark = pytest.mark.anyio


async def claimant(app: FastAPI, board: Board, *, consent: bool = False) -> Rider:
    await load_plans(app)
    return await board.rider(consent=consent)


async def decided(app: FastAPI, board: Board, rider: Rider, **facts: int) -> Case:
    """A claim for treatment that was approved with these facts, its jobs done."""
    office = Office(
        board.organisation, board.caseworker, board.reviewer, board.reviewer, board.supervisor
    )
    policy = await make_policy(app, rider, board.organisation.id)
    case = Case(app, board.client, office, rider, policy)
    await case.submitted()
    view = await case.approved(**facts)
    assert view["status"] in ("approved", "paying", "awaiting_second_approval"), view
    await work(app)
    return case


async def denied(case: Case, self_pay_fen: int) -> None:
    """Handed in with what it cost, and denied: the member paid it all the same."""
    await case.submitted(case.body() | {"facts": {"self_pay_fen": self_pay_fen}})
    assert (await case.lease()).status_code == 200
    answer = await case.decide({"verdict": "deny", "reason_code": "not-an-accident"})
    assert answer.status_code == 200, answer.text


async def own_cases(board: Board, rider: Rider) -> list[dict[str, object]]:
    page = await board.get("/v1/me/relief-cases", rider)
    items: list[dict[str, object]] = page["items"]
    return items


async def test_a_decided_claim_proposes_what_its_year_left(app: FastAPI, board: Board) -> None:
    rider = await claimant(app, board)
    claim = await decided(app, board, rider, self_pay_fen=8_000_000, hospital_grade=2)
    [proposed] = await own_cases(board, rider)
    view = await board.get(f"/v1/me/relief-cases/{proposed['id']}", rider)
    paid = (await claim.own())["amount_fen"] or 0
    assert view["facts"]["net_self_pay_fen"] == 8_000_000 - paid
    assert (view["status"], view["channel"], view["amount_fen"]) == ("proposed", "claim", None)
    assert view["suggested_fen"] == 1_000_000
    # The papers that reviewers accepted on the claim, and the proven identity, are enough.
    assert {each["kind"]: each["state"] for each in view["papers"]} == {
        "identity": "verified",
        "medical_record": "from_claim",
        "receipt": "from_claim",
    }
    page = await board.get("/v1/staff/relief-cases", board.caseworker)
    assert [each["id"] for each in page["items"]] == [proposed["id"]]
    seen = await board.seen(str(proposed["id"]))
    assert [each["claim_id"] for each in seen["claims"]] == [claim.id]
    assert seen["given_by"]["net_self_pay_fen"] == "system"
    assert await board.balance() == 100_000_000


async def test_more_claims_bring_the_same_proposal_up_to_date(app: FastAPI, board: Board) -> None:
    rider = await claimant(app, board)
    first = await decided(app, board, rider, self_pay_fen=4_000_000, hospital_grade=2)
    [proposed] = await own_cases(board, rider)
    assert proposed["suggested_fen"] == 300_000
    second = Case(app, board.client, first.office, rider, first.policy)
    await denied(second, 5_000_000)
    await work(app)
    [again] = await own_cases(board, rider)
    assert again["id"] == proposed["id"]
    assert again["suggested_fen"] == 1_000_000
    assert len((await board.seen(str(proposed["id"])))["claims"]) == 2


async def test_a_denied_claim_leaves_the_whole_self_pay(app: FastAPI, board: Board) -> None:
    rider = await claimant(app, board)
    office = Office(
        board.organisation, board.caseworker, board.reviewer, board.reviewer, board.supervisor
    )
    policy = await make_policy(app, rider, board.organisation.id)
    case = Case(app, board.client, office, rider, policy)
    await denied(case, 6_000_000)
    await work(app)
    [proposed] = await own_cases(board, rider)
    assert proposed["suggested_fen"] == 1_000_000


async def test_nothing_is_proposed_below_the_threshold(app: FastAPI, board: Board) -> None:
    rider = await claimant(app, board)
    await decided(app, board, rider, self_pay_fen=900_000, hospital_grade=2)
    assert await own_cases(board, rider) == []


async def test_a_closed_fund_proposes_nothing(app: FastAPI, board: Board) -> None:
    await board.post(f"{board.path}/closing", board.administrator)
    rider = await claimant(app, board)
    await decided(app, board, rider, self_pay_fen=8_000_000, hospital_grade=2)
    assert await own_cases(board, rider) == []


async def test_the_member_takes_it_up_with_consent_and_statements(
    app: FastAPI, board: Board
) -> None:
    rider = await claimant(app, board)
    await decided(app, board, rider, self_pay_fen=8_000_000, hospital_grade=2)
    [proposed] = await own_cases(board, rider)
    path = f"/v1/me/relief-cases/{proposed['id']}/application"
    refused = await board.post(path, rider, {"statements": ["true-and-complete"]}, expect=409)
    assert refused["code"] == "relief-consent-needed"
    body = {"statements": [], "consent": {"purpose": "health", "version": 1}}
    refused = await board.post(path, rider, body, expect=422)
    assert refused["code"] == "relief-statements-needed"
    stated = body | {
        "statements": ["true-and-complete"],
        "facts": {"net_self_pay_fen": 99_000_000},
    }
    refused = await board.post(path, rider, stated, expect=422)
    assert refused["errors"][0]["code"] == "fact-of-the-office"
    applied = await board.post(path, rider, body | {"statements": ["true-and-complete"]})
    assert applied["status"] == "applied"
    await board.post(f"/v1/staff/relief-cases/{proposed['id']}/referral", board.caseworker)
    answer = await board.decide(str(proposed["id"]))
    assert answer.status_code == 200, answer.text
    assert answer.json()["amount_fen"] == 1_000_000


async def test_claims_decided_at_once_make_one_proposal(app: FastAPI, board: Board) -> None:
    rider = await claimant(app, board)
    office = Office(
        board.organisation, board.caseworker, board.reviewer, board.reviewer, board.supervisor
    )
    policy = await make_policy(app, rider, board.organisation.id)
    cases = [Case(app, board.client, office, rider, policy) for _ in range(3)]
    for case in cases:
        await denied(case, 2_000_000)
    await asyncio.gather(work(app), work(app))
    [proposed] = await own_cases(board, rider)
    seen = await board.seen(str(proposed["id"]))
    assert len(seen["claims"]) == 3


async def test_another_office_sees_nothing_of_it(
    app: FastAPI, client: httpx.AsyncClient, board: Board
) -> None:
    rider = await claimant(app, board)
    await agree(app, rider)
    case = await board.opened(rider, {"net_self_pay_fen": 6_000_000})
    other = await make_board(app, client)
    path = f"/v1/staff/relief-cases/{case['id']}"
    assert (await client.get(path, headers=other.supervisor.headers)).status_code == 404
    page = await other.get("/v1/staff/relief-cases", other.caseworker)
    assert page["items"] == []
