"""An invoice pays once, whether its code was typed in or left out."""

import asyncio
import secrets
from typing import Any

import pytest
from fastapi import FastAPI

from app.kernel import rotation
from app.kernel.database import Base
from app.worker import JOBS
from tests.claims.factories import Case, run_jobs
from tests.claims.test_invariants import faults
from tests.claims.test_receipts import invoice_photo, number, printed
from tests.cover_fixtures import context_of, scalar

pytestmark = pytest.mark.anyio

CODE = "050001900104"
OTHER_DAY = "2026-01-05"


def eight() -> str:
    return f"{secrets.randbelow(10**8):08d}"


def again(case: Case) -> Case:
    """Another claim of the same rider under the same policy."""
    return Case(case.app, case.client, case.office, case.rider, case.policy)


async def handed_in(case: Case, *receipts: dict[str, Any]) -> None:
    await case.open()
    await case.complete()
    for each in receipts:
        answer = await case.receipt(**each)
        assert answer.status_code == 200, answer.text
    await case.submit()


async def kinds(case: Case) -> list[str]:
    found = [each["kind"] for each in await case.signals()]
    return [each for each in found if each.startswith("same-invoice")]


@pytest.mark.parametrize(
    ("first", "second", "refused", "raised"),
    [
        ({"code": CODE}, {"code": ""}, True, []),
        ({"code": ""}, {"code": CODE}, True, []),
        ({"code": ""}, {"code": "", "amount_fen": 1}, True, []),
        ({"code": CODE}, {"code": "", "amount_fen": 1}, False, ["same-invoice-number"]),
        ({"code": ""}, {"code": CODE, "issued_on": OTHER_DAY}, False, ["same-invoice-number"]),
        ({"code": CODE}, {"code": "050001900105", "amount_fen": 1}, False, []),
        ({"code": CODE}, {"code": "050001900105"}, False, ["same-invoice-number"]),
    ],
    ids=[
        "the code left out",
        "the code added",
        "no code on either",
        "another amount",
        "another day",
        "two codes",
        "a slip of the pen in the code",
    ],
)
async def test_one_number_in_two_claims(
    case: Case, first: dict[str, Any], second: dict[str, Any], refused: bool, raised: list[str]
) -> None:
    other, same = again(case), {"number": eight()}
    await handed_in(other, same | first)
    await case.open()
    await case.complete()
    answer = await case.receipt(**same, **second)
    assert (answer.status_code == 409) is refused, answer.text
    assert answer.json().get("code") == ("receipt-used" if refused else None)
    await case.submit()
    assert await kinds(case) == raised
    await run_jobs(case.app)
    # Whoever came first is told of it as well.
    assert await kinds(other) == raised


@pytest.mark.parametrize("codes", [("", CODE), (CODE, ""), (CODE, "050001900105")])
async def test_twenty_digits_name_an_invoice_alone(case: Case, codes: tuple[str, str]) -> None:
    other, digital = again(case), number()
    await handed_in(other, {"number": digital, "code": codes[0]})
    await case.open()
    again_typed = {"number": digital, "code": codes[1], "amount_fen": 1, "issued_on": OTHER_DAY}
    answer = await case.receipt(**again_typed)
    assert (answer.status_code, answer.json()["code"]) == (409, "receipt-used")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("{c}", "{n}"), ("", "{c}{n}")),
        (("", "{c}{n}"), ("{c}", "{n}")),
        (("{c}", "{n}"), ("{c}", "{c}{n}")),
        (("{c}", "{n}"), ("0500019001", "04{n}")),
        (("{c}", "{n}"), ("50001900104", "{n}")),
        (("{c}", "00{n}"), ("{c}", "{n}")),
        (("{c}", "{n}"), ("{c}", "00{n}")),
        (("", "253120000000{n}"), ("2531200000", "00{n}")),
        (("", "253120000000{n}"), ("A", "0253120000000{n}")),
        (("", "253120000000{n}"), ("253120000000{n}", "{n}")),
    ],
    ids=[
        "code before the number",
        "code taken out of the number",
        "code in both",
        "cut elsewhere",
        "code without its zero",
        "number without its zeros",
        "number with zeros",
        "twenty digits cut in two",
        "twenty digits behind a zero",
        "twenty digits as the code",
    ],
)
async def test_an_invoice_pays_once_however_it_is_typed(
    case: Case, first: tuple[str, str], second: tuple[str, str]
) -> None:
    other, plain = again(case), str(10**7 + secrets.randbelow(9 * 10**7))
    one, two = (
        dict(zip(("code", "number"), (part.format(c=CODE, n=plain) for part in way), strict=True))
        for way in (first, second)
    )
    await handed_in(other, one)
    await case.open()
    answer = await case.receipt(**two, amount_fen=1, issued_on=OTHER_DAY)
    assert (answer.status_code, answer.json()["code"]) == (409, "receipt-used")
    # On its own claim it stays one receipt, with the code that is known.
    await other.client.post(f"{other.path}/withdrawal", headers=case.rider.headers)
    for each in (one, two):
        assert (await case.receipt(**each)).status_code == 200
    assert len((await case.own())["receipts"]) == 1


async def test_of_many_spellings_at_once_one_has_it(case: Case) -> None:
    cases, same = [again(case) for _ in range(12)], eight()
    for each in cases:
        await each.open()
    ways = ({"code": CODE, "number": same}, {"code": "", "number": CODE + same})
    answers = await asyncio.gather(*(each.receipt(**ways[at % 2]) for at, each in enumerate(cases)))
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 11]


async def test_the_evidence_waits_for_a_word_and_nothing_is_paid_before(
    case: Case, app: FastAPI
) -> None:
    other, same = again(case), eight()
    await handed_in(other, {"number": same, "code": ""})
    await handed_in(case, {"number": same, "amount_fen": 60_000})
    [signal] = [each for each in await case.signals() if each["kind"] == "same-invoice-number"]
    assert signal["evidence"]["receipt_id"] == (await case.own())["receipts"][0]["id"]
    assert [each["id"] for each in signal["evidence"]["claims"]] == [other.id]
    assert signal["text"]["zh"]
    await JOBS["claims.decide_by_rule"](context_of(app), {"claim_id": case.id})
    assert (await case.own())["status"] == "submitted"
    assert (await case.lease()).status_code == 200
    await case.accept_all()
    body = {"verdict": "approve", "facts": {"self_pay_fen": 60_000, "hospital_grade": 2}}
    refused = await case.decide(body)
    assert (refused.status_code, refused.json()["code"]) == (409, "signals-open")
    await case.judge_all()
    assert (await case.decide(body)).status_code == 200
    assert await faults(app) == {}


async def test_a_claim_that_came_to_nothing_is_named(case: Case) -> None:
    other, same = again(case), eight()
    await handed_in(other, {"number": same})
    await case.client.post(f"{other.path}/withdrawal", headers=case.rider.headers)
    await handed_in(case, {"number": same, "code": ""})
    assert await kinds(case) == ["same-invoice-number"]


async def test_looked_at_again_it_is_not_held_twice(case: Case) -> None:
    """Denied, its invoice was claimed anew without the code: the appeal cannot have it."""
    same = eight()
    await handed_in(case, {"number": same})
    await case.denied()
    other = again(case)
    await handed_in(other, {"number": same, "code": ""})
    refused = await case.appeal()
    assert (refused.status_code, refused.json()["code"]) == (409, "receipt-used")
    await case.client.post(f"{other.path}/withdrawal", headers=case.rider.headers)
    assert (await case.appeal()).status_code == 201
    assert len((await case.own())["receipts"]) == 1


async def test_the_code_is_added_to_a_receipt_of_the_same_claim(case: Case) -> None:
    await case.open()
    same = eight()
    await case.receipt(number=same, code="")
    [receipt] = (await case.receipt(number=same)).json()["receipts"]
    assert receipt["code"] == CODE
    [receipt] = (await case.receipt(number=same, code="", amount_fen=7)).json()["receipts"]
    assert (receipt["code"], receipt["amount_fen"]) == (CODE, 7)


async def test_what_is_read_belongs_to_what_was_typed_without_code(case: Case) -> None:
    await case.open()
    same = eight()
    await case.receipt(number=same, code="", amount_fen=10_000, issued_on="2026-11-20")
    code = f"01,10,{CODE},{same},100.00,20261120,02418567008427471889,1774,"
    sent = await case.send("receipt", invoice_photo(code))
    [receipt] = sent.json()["receipts"]
    assert (len(receipt["readings"]), receipt["differs"]) == (1, [])


async def test_of_many_at_once_with_and_without_code_one_has_it(case: Case) -> None:
    cases, same = [again(case) for _ in range(12)], eight()
    for each in cases:
        await each.open()
    answers = await asyncio.gather(
        *(each.receipt(number=same, code=CODE if at % 2 else "") for at, each in enumerate(cases))
    )
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 11]


async def test_two_claims_with_the_same_papers_do_not_wait_in_a_ring(case: Case) -> None:
    one, two = again(case), again(case)
    await one.open()
    await two.open()
    first, second = printed(number()), printed(number())
    answers = await asyncio.gather(
        one.send("receipt", invoice_photo(first, second)),
        two.send("receipt", invoice_photo(second, first)),
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_receipts_of_before_are_given_their_index(case: Case, app: FastAPI) -> None:
    """Until then what notices and what refuses does not find them; the worker fills them in."""
    other, same = again(case), eight()
    await handed_in(other, {"number": same})
    index = "select number_index from claim_receipt where claim_id = :id"
    made = await scalar(app.state.database, index, id=other.id)
    unknown = "update claim_receipt set number_index = null where claim_id = :id returning 1"
    await scalar(app.state.database, unknown, id=other.id)
    await JOBS["claims.index_numbers"](context_of(app), {})
    assert await scalar(app.state.database, index, id=other.id) == made
    await case.open()
    assert (await case.receipt(number=same, code="")).status_code == 409
    # Exactly the same was found by its other index all the while.
    await scalar(app.state.database, unknown, id=other.id)
    assert (await case.receipt(number=same)).status_code == 409


async def test_a_record_that_does_not_open_holds_nobody_up(case: Case, app: FastAPI) -> None:
    other, database = again(case), app.state.database
    for each in (other, case):
        await each.open()
        assert (await each.receipt(number=eight())).status_code == 200
    sealed = await scalar(
        database, "select sealed from claim_receipt where claim_id = :id", id=other.id
    )
    write = "update claim_receipt set sealed = :sealed where claim_id = :id returning 1"
    await scalar(database, write, id=other.id, sealed=sealed[:-1] + bytes([sealed[-1] ^ 1]))
    await scalar(database, "update claim_receipt set number_index = null returning 1")
    await JOBS["claims.index_numbers"](context_of(app), {})
    left = "select array_agg(claim_id::text) from claim_receipt where number_index is null"
    assert await scalar(database, left) == [other.id]
    await scalar(database, write, id=other.id, sealed=sealed)
    await JOBS["claims.index_numbers"](context_of(app), {})
    assert await scalar(database, left) is None


def test_a_rotation_makes_it_again() -> None:
    how = {(table.name, column.name): how for table, column, how in _indexes()}
    found = how["claim_receipt", "number_index"]
    assert found.purpose == "receipt-number"
    assert found.value({"code": CODE, "number": "12345678"}) == "12345678"


def _indexes() -> Any:
    return rotation.index_columns(Base.metadata)
