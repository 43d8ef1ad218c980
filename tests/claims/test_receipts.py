"""Receipts of a claim: typed in, read from the printed code, compared, corrected, taken back."""

import io
import secrets
from typing import Any
from uuid import UUID

import httpx
import pytest
import segno
from fastapi import FastAPI
from PIL import Image

from app.documents.sandbox.invoices import invoice_of
from tests.claims.factories import Case, make_case, receipt_body
from tests.claims.test_invariants import faults
from tests.cover_fixtures import scalar
from tests.documents import corpus

pytestmark = pytest.mark.anyio

DAY = "2026-11-20"


def number() -> str:
    """Of the digital kind: twenty digits and no code."""
    return f"{secrets.randbelow(10**20):020d}"


def printed(invoice: str, yuan: str = "350.00", day: str = DAY) -> str:
    return f"01,32,,{invoice},{yuan},{day.replace('-', '')},,74AE"


def invoice_photo(*codes: str, paper: Image.Image | None = None) -> bytes:
    """A photograph of receipts with square codes on them."""
    paper = paper or Image.open(io.BytesIO(corpus.receipt(secrets.randbelow(10**6))))
    for place, code in enumerate(codes):
        drawn = io.BytesIO()
        segno.make(code, error="m").save(drawn, kind="png", scale=4, border=4)
        paper.paste(Image.open(drawn).convert("RGB"), (60 + 320 * place, 200))
    target = io.BytesIO()
    paper.save(target, "JPEG", quality=80)
    return target.getvalue()


def typed(invoice: str, amount_fen: int = 35_000, day: str = DAY) -> dict[str, Any]:
    return {"number": invoice, "amount_fen": amount_fen, "issued_on": day}


def without_ids(receipt: dict[str, Any]) -> dict[str, Any]:
    read = [
        {name: each[name] for name in ("amount_fen", "issued_on")} for each in receipt["readings"]
    ]
    return {**receipt, "id": None, "readings": read}


@pytest.mark.parametrize(
    ("code", "fields"),
    [
        (
            "01,32,,24502000000014209621,112,20230215,,74AE",
            ("", "24502000000014209621", 11_200, True),
        ),
        (
            "01,10,050003523456,29342181,104.7,20180613,02418567008427471889,1774,",
            ("050003523456", "29342181", 10_470, False),
        ),
        (
            "01,01,1200154130,03630024,94339.62,20160621,,9335,",
            ("1200154130", "03630024", 9_433_962, False),
        ),
        ("https://example.invalid/01,32,,24502000000014209621,112,20230215,,74AE", None),
        ("01,32,,24502000000014209621,112,20230231,,74AE", None),
        ("01,32,,24502000000014209621,-5,20230215,,74AE", None),
        ("02,32,,24502000000014209621,112,20230215,,74AE", None),
        ("", None),
    ],
)
def test_the_printed_code(code: str, fields: tuple[Any, ...] | None) -> None:
    read = invoice_of(code)
    if fields is None:
        assert read is None
    else:
        assert read is not None
        assert (read["code"], read["number"], read["amount_fen"], read["whole"]) == fields


async def test_what_is_printed_stands_there_before_anybody_types(case: Case) -> None:
    await case.open()
    invoice = number()
    sent = await case.send("receipt", invoice_photo(printed(invoice)))
    assert sent.status_code == 201, sent.text
    [receipt] = sent.json()["receipts"]
    [file] = [each for kind in sent.json()["documents"] for each in kind["files"]]
    assert receipt["readings"] == [
        {"document_id": file["id"], "amount_fen": 35_000, "issued_on": DAY, "whole": True}
    ]
    assert without_ids(receipt) == {
        "id": None,
        "code": "",
        "number": invoice,
        "amount_fen": 35_000,
        "issued_on": DAY,
        "typed": False,
        "readings": [{"amount_fen": 35_000, "issued_on": DAY}],
        "differs": [],
    }


async def test_a_scan_in_a_pdf_and_several_codes_are_read(case: Case) -> None:
    await case.open()
    one, two = number(), number()
    content = corpus.scan(invoice_photo(printed(one), printed(two, "12.5")))
    sent = await case.send("receipt", content)
    found = {each["number"]: each["amount_fen"] for each in sent.json()["receipts"]}
    assert found == {one: 35_000, two: 1_250}


async def test_other_papers_are_not_searched_for_codes(case: Case) -> None:
    await case.open()
    sent = await case.send("medical_record", invoice_photo(printed(number())))
    assert sent.json()["receipts"] == []


@pytest.mark.parametrize("typed_first", [True, False])
async def test_a_mismatch_is_seen_by_the_reviewer(case: Case, *, typed_first: bool) -> None:
    await case.open()
    invoice = number()
    body = typed(invoice, 53_000, "2026-11-19")
    if typed_first:
        assert (await case.post(f"{case.path}/receipts", case.rider, body)).status_code == 200
    assert (await case.send("receipt", invoice_photo(printed(invoice)))).status_code == 201
    if not typed_first:
        assert (await case.post(f"{case.path}/receipts", case.rider, body)).status_code == 200
    assert (await case.send("medical_record")).status_code == 201
    await case.submit()
    [receipt] = (await case.seen())["receipts"]
    assert (receipt["typed"], receipt["amount_fen"]) == (True, 53_000)
    assert receipt["differs"] == ["amount", "day"]
    assert [each["amount_fen"] for each in receipt["readings"]] == [35_000]


async def test_a_number_that_no_paper_names(case: Case) -> None:
    await case.open()
    wrong, right = number(), number()
    await case.post(f"{case.path}/receipts", case.rider, typed(wrong))
    sent = await case.send("receipt", invoice_photo(printed(right)))
    differs = {each["number"]: each["differs"] for each in sent.json()["receipts"]}
    assert differs == {wrong: ["number"], right: []}


async def test_a_sum_before_tax_may_be_less_than_what_was_paid(case: Case) -> None:
    await case.open()
    code = "01,10,050003523456,{},100.00,20261120,02418567008427471889,1774,"
    eight = f"{secrets.randbelow(10**8):08d}"
    await case.send("receipt", invoice_photo(code.format(eight)))
    for amount_fen, differs in ((10_600, []), (9_999, ["amount"]), (12_000, ["amount"])):
        body = {"code": "050003523456", **typed(eight, amount_fen)}
        answer = await case.post(f"{case.path}/receipts", case.rider, body)
        [receipt] = answer.json()["receipts"]
        assert receipt["differs"] == differs, amount_fen


async def test_an_invoice_read_from_paper_pays_once(
    case: Case, app: FastAPI, client: httpx.AsyncClient
) -> None:
    """Two photographs of one invoice are two files with one number."""
    other = await make_case(app, client)
    await case.open()
    await other.open()
    invoice = number()
    assert (await case.send("receipt", invoice_photo(printed(invoice)))).status_code == 201
    again = await other.send("receipt", invoice_photo(printed(invoice)))
    assert (again.status_code, again.json()["code"]) == (409, "receipt-used")
    typed_in = await other.post(f"{other.path}/receipts", other.rider, typed(invoice))
    assert (typed_in.status_code, typed_in.json()["code"]) == (409, "receipt-used")
    await client.post(f"{case.path}/withdrawal", headers=case.rider.headers)
    assert (await other.send("receipt", invoice_photo(printed(invoice)))).status_code == 201


async def test_a_receipt_typed_again_is_corrected_and_the_former_kept(
    case: Case, app: FastAPI
) -> None:
    await case.open()
    invoice = number()
    path = f"{case.path}/receipts"
    await case.post(path, case.rider, typed(invoice, 1))
    [receipt] = (await case.post(path, case.rider, typed(invoice, 2))).json()["receipts"]
    assert receipt["amount_fen"] == 2
    kept = await scalar(
        app.state.database,
        "select array_agg(amount_fen order by recorded_at, amount_fen) from claim_receipt"
        " where claim_id = :claim",
        claim=case.id,
    )
    assert kept == [1, 2]


async def test_a_receipt_typed_wrongly_is_taken_back(case: Case) -> None:
    await case.open()
    invoice = number()
    added = await case.post(f"{case.path}/receipts", case.rider, typed(invoice))
    path = f"{case.path}/receipts/{added.json()['receipts'][0]['id']}"
    assert (await case.client.delete(path, headers=case.rider.headers)).status_code == 204
    assert (await case.client.delete(path, headers=case.rider.headers)).status_code == 404
    assert (await case.own())["receipts"] == []


async def test_a_receipt_on_paper_goes_with_its_paper(case: Case) -> None:
    await case.open()
    sent = await case.send("receipt", invoice_photo(printed(number())))
    [receipt] = sent.json()["receipts"]
    path = f"{case.path}/receipts/{receipt['id']}"
    refused = await case.client.delete(path, headers=case.rider.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "receipt-on-document")
    file = receipt["readings"][0]["document_id"]
    gone = await case.client.delete(f"{case.path}/documents/{file}", headers=case.rider.headers)
    assert gone.status_code == 204
    own = await case.own()
    assert own["receipts"] == []
    [former] = [each for kind in own["documents"] for each in kind["former_files"]]
    assert (former["id"], former["status"]) == (file, "replaced")


async def test_a_reviewer_takes_a_receipt_off(case: Case) -> None:
    await case.submitted()
    first = await case.lease()
    assert first.status_code == 200
    reviewer = case.office.reviewer
    added = await case.post(f"{case.staff_path}/receipts", reviewer, typed(number()))
    path = f"{case.staff_path}/receipts/{added.json()['receipts'][0]['id']}"
    assert (await case.client.delete(path, headers=reviewer.headers)).status_code == 204
    assert (await case.seen())["receipts"] == []


async def test_what_a_counter_types_in_is_said_of_whom_and_can_be_taken_back(
    case: Case, app: FastAPI, client: httpx.AsyncClient
) -> None:
    """For a draft, whether the member opened it or the counter did; not once it is handed in."""
    caseworker = case.office.caseworker
    await case.open()
    path = f"{case.staff_path}/reception/receipts"
    typed = await case.post(path, caseworker, receipt_body())
    assert typed.status_code == 200, typed.text
    [receipt] = typed.json()["receipts"]
    assert [each["id"] for each in (await case.own())["receipts"]] == [receipt["id"]]
    gone = await client.delete(f"{path}/{receipt['id']}", headers=caseworker.headers)
    assert gone.status_code == 204
    assert (await case.own())["receipts"] == []
    for action in ("claim.add_receipt", "claim.take_back_receipt"):
        said = await scalar(
            app.state.database,
            "select actor_id::text || ' for ' || on_behalf_of::text from audit_entry"
            " where action = :action and :id = any(subject_ids)",
            action=action,
            id=UUID(case.id),
        )
        assert said == f"{caseworker.account_id} for {case.rider.person.id}", action
    await case.complete()
    await case.submit()
    late = await case.post(path, caseworker, receipt_body())
    assert (late.status_code, late.json()["code"]) == (409, "documents-closed")


async def test_a_slip_of_the_pen_stands_in_nobodys_way(case: Case, app: FastAPI) -> None:
    """What one claim took back another may have, and the invariant knows."""
    mistyped = receipt_body()
    await case.open()
    typed = await case.receipt(**mistyped)
    [receipt] = typed.json()["receipts"]
    path = f"{case.path}/receipts/{receipt['id']}"
    assert (await case.client.delete(path, headers=case.rider.headers)).status_code == 204
    other = await make_case(case.app, case.client)
    await other.open()
    assert (await other.receipt(**mistyped)).status_code == 200
    assert await faults(app) == {}
