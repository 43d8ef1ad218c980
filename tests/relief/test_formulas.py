"""Formulas as data: every fault at once, versions that never change, money that is counted."""

import secrets

import httpx
import pytest
import yaml
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.kernel.clock import business_day, system_now
from app.organisations.models import Kind
from app.relief.checking import judge
from app.relief.library import shipped
from tests.access_fixtures import make_organisation, staff_token
from tests.relief.factories import Board, formula, make_board, work

pytestmark = pytest.mark.anyio


def faults(**changes: object) -> set[tuple[str, str]]:
    _, found = judge(formula("T-FAULTY", "FJ-SM-RELIEF-2025", **changes))
    return {(each.pointer, each.code) for each in found}


def test_what_ships_is_right() -> None:
    assert set(shipped()) == {"CQ-RELIEF-DEMO", "FJ-SM-RELIEF-2025"}
    assert shipped()["CQ-RELIEF-DEMO"][1].source.demonstration


def test_every_fault_has_its_place_in_the_formula() -> None:
    bands = [
        {"below": {"yuan": 100}, "gives": {"yuan": 0}},
        {"from": {"yuan": 200}, "gives": 3},
    ]
    found = faults(
        pays={"band": {"of": "net_self_pay_fen", "bands": bands}},
        conditions=[
            {
                "code": "has-shares",
                "require": {"reaches": ["shares", 1]},
                "words": {"zh": "份数", "en": "shares"},
            }
        ],
        facts={"household_size": {"kind": "number", "words": {"zh": "人口", "en": "size"}}},
        limits=[{"max": "household_size"}],
        ground_documents={"disaster": ["loss_proof"]},
    )
    assert {
        ("/conditions/0/require/reaches/0", "unknown-input"),
        ("/facts/household_size", "fact-of-context"),
        ("/ground_documents/disaster", "ground-unknown"),
        ("/limits/0/max", "wrong-kind"),
        ("/pays/band/bands/1", "band-gap"),
    } <= found
    assert any(pointer.startswith("/pays/band/bands/1/gives") for pointer, _ in found)


def test_no_formula_can_ask_for_the_household_register() -> None:
    found = faults(
        conditions=[
            {
                "code": "urban-hukou",
                "require": {"one_of": {"of": "hukou", "words": ["urban"]}},
                "words": {"zh": "城镇户口", "en": "urban"},
            }
        ]
    )
    assert ("/conditions/0/require/one_of/of", "unknown-input") in found


async def test_a_document_with_faults_is_refused_with_all_of_them(board: Board) -> None:
    document = formula(board.code, pays={"sum": ["net_self_pay_fen", 3]}, grounds=["hukou"])
    refused = await board.post(f"{board.path}/formulas", board.administrator, document, expect=422)
    assert refused["code"] == "relief-formula-invalid"
    assert len({each["pointer"] for each in refused["errors"]}) >= 2
    other = formula("ANOTHER-FUND")
    refused = await board.post(f"{board.path}/formulas", board.administrator, other, expect=422)
    assert refused["errors"][0]["code"] == "other-code"


async def test_yaml_is_as_good_as_json_and_the_newest_is_in_force(board: Board) -> None:
    answer = await board.client.post(
        f"{board.path}/formulas",
        headers=board.administrator.keyed | {"Content-Type": "application/yaml"},
        content=yaml.safe_dump(formula(board.code), allow_unicode=True).encode(),
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["number"] == 2
    await board.post(f"{board.path}/formulas/2/publication", board.administrator)
    for number in (1, 2):
        path = f"{board.path}/formulas/{number}/publication"
        refused = await board.post(path, board.administrator, expect=409)
        assert refused["code"] == "invalid-transition"
    listed = await board.get(f"{board.path}/formulas", board.caseworker)
    assert [(each["number"], each["status"]) for each in listed["items"]] == [
        (2, "published"),
        (1, "closed"),
    ]


async def test_a_case_keeps_the_formula_it_was_opened_under(board: Board) -> None:
    case = await board.opened(await board.rider(), {"net_self_pay_fen": 6_000_000})
    nothing = formula(board.code, pays={"times": [{"fen": 1}, 1]})
    await board.publish(nothing)
    seen = await board.seen(case["id"])
    assert seen["explanation"]["value"] == 1_000_000


async def test_a_published_formula_does_not_change(app: FastAPI, board: Board) -> None:
    with pytest.raises(IntegrityError, match="does not change"):
        async with app.state.database.transaction() as session:
            await session.execute(
                text("update relief_formula set document = '{}' where fund_id = cast(:id as uuid)"),
                {"id": board.fund["id"]},
            )


async def test_money_is_counted_once_however_it_was_booked(app: FastAPI, board: Board) -> None:
    reference = f"B{secrets.token_hex(8).upper()}"
    body = {
        "amount_fen": 700,
        "bank_reference": reference,
        "received_on": business_day(system_now()).isoformat(),
    }
    path = f"{board.path}/contributions"
    await board.post(path, board.supervisor, body)
    refused = await board.post(path, board.supervisor, body, expect=409)
    assert refused["code"] == "receipt-recorded"
    await work(app)
    assert await board.balance() == 100_000_700


async def test_a_funds_money_leaves_the_books_and_the_fund_together(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    city = await make_organisation(app, Kind.MUNICIPAL_OFFICE)
    board = await make_board(app, client, city)
    await board.open_fund(yuan=4_000)
    body = {
        "amount_fen": 700,
        "bank_reference": f"B{secrets.token_hex(8).upper()}",
        "received_on": business_day(system_now()).isoformat(),
    }
    contributions = f"{board.path}/contributions"
    await board.post(contributions, board.supervisor, body)
    path = f"/v1/staff/ledger/transactions/{await _posting(app, board, 700)}/reversal"
    await board.post(path, board.supervisor, {"reason": "金额误记"})
    assert await board.balance() == 400_000
    # The same line of the bank, now with the right sum.
    await board.post(contributions, board.supervisor, body | {"amount_fen": 900})
    await work(app)
    assert await board.balance() == 400_900


async def test_what_a_fund_has_granted_is_not_taken_from_it(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    city = await make_organisation(app, Kind.MUNICIPAL_OFFICE)
    board = await make_board(app, client, city)
    await board.open_fund(yuan=30_000)
    case_id = await board.referred(await board.rider(), {"net_self_pay_fen": 6_000_000})
    assert (await board.decide(case_id)).status_code == 200
    path = f"/v1/staff/ledger/transactions/{await _posting(app, board, 3_000_000)}/reversal"
    await board.post(path, board.supervisor, {"reason": "误记"})
    other = await staff_token(app, city.id, ["supervisor"])
    decision = {"verdict": "approve"}
    refused = await board.post(f"{path}/decision", other, decision, expect=409)
    assert refused["code"] == "relief-fund-exhausted"


async def _posting(app: FastAPI, board: Board, fen: int) -> str:
    """Under which the fund was given a sum."""
    async with app.state.database.transaction() as session:
        found = await session.scalar(
            text(
                "select transaction_id from ledger_entry"
                " where account_code = :code and amount_fen = -cast(:fen as bigint)"
            ),
            {"code": board.fund["account"], "fen": fen},
        )
    return str(found)
