"""Nothing is approved on receipts of which nobody has noted number, day and amount."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.kernel.clock import business_day, system_now
from tests.claims.factories import Case, make_case, run_jobs
from tests.claims.test_invariants import faults
from tests.claims.test_receipts import invoice_photo, number, printed
from tests.cover_fixtures import scalar

pytestmark = pytest.mark.anyio

MED = {"self_pay_fen": 350_000, "hospital_grade": 2}
APPROVE = {"verdict": "approve", "facts": MED}


async def looked_through(case: Case) -> list[str]:
    """Taken, with every file accepted and nothing captured; the ids of the receipt's files."""
    assert (await case.lease()).status_code == 200
    receipts = []
    for document in (await case.seen())["documents"]:
        for file in document["files"]:
            path = f"{case.staff_path}/documents/{file['id']}/acceptance"
            assert (await case.post(path, case.office.reviewer)).status_code == 200
            if document["kind"] == "receipt":
                receipts.append(file["id"])
    return receipts


async def test_approval_names_the_papers_and_the_way(case: Case, app: FastAPI) -> None:
    await case.open()
    await case.complete(("medical_record", "receipt", "receipt"))
    await case.submit()
    files = await looked_through(case)
    refused = await case.decide(APPROVE)
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (409, "receipt-not-captured")
    assert (problem["documents"], len(files)) == (files, 2)
    assert problem["capture"] == f"POST {case.staff_path}/receipts"
    assert problem["capture"] in problem["detail"]
    assert (await case.own())["status"] == "under_review"
    path = problem["capture"].removeprefix("POST ")
    body = {"number": number(), "amount_fen": 350_000} | {"issued_on": _yesterday()}
    assert (await case.post(path, case.office.reviewer, body)).status_code == 200
    agreed = await case.decide(APPROVE)
    assert (agreed.status_code, agreed.json()["amount_fen"]) == (200, 340_000), agreed.text
    assert await faults(app) == {}


def _yesterday() -> str:
    return business_day(system_now() - timedelta(days=1)).isoformat()


@pytest.mark.parametrize(
    ("typed", "refused"),
    [
        ({"code": "", "number": "12345678"}, True),
        ({"amount_fen": 0}, True),
        ({"code": "", "number": "2" + "5" * 18}, True),
        ({"code": "050001900104"}, False),
    ],
    ids=["no code", "no amount", "nineteen digits", "whole"],
)
async def test_what_the_rule_does_not_call_captured_is_not(
    case: Case, typed: dict[str, Any], *, refused: bool
) -> None:
    await case.submitted()
    await looked_through(case)
    assert (await case.capture(**typed)).status_code == 200
    decided = await case.decide(APPROVE)
    assert (decided.status_code == 409) is refused, decided.text
    assert decided.json().get("code") == ("receipt-not-captured" if refused else None)


async def test_a_receipt_read_from_its_code_is_captured(case: Case) -> None:
    await case.open()
    assert (await case.send("medical_record")).status_code == 201
    photo = invoice_photo(printed(number(), day=_yesterday()))
    assert (await case.send("receipt", photo)).status_code == 201
    await case.submit()
    await looked_through(case)
    assert (await case.decide(APPROVE)).status_code == 200


async def test_the_members_own_word_is_enough(case: Case) -> None:
    await case.open()
    await case.complete()
    assert (await case.receipt()).status_code == 200
    await case.submit()
    await looked_through(case)
    assert (await case.decide(APPROVE)).status_code == 200


async def test_a_benefit_without_receipts_needs_none(case: Case) -> None:
    await case.submitted(case.body("DISAB"))
    await looked_through(case)
    decided = await case.decide({"verdict": "approve", "facts": {"disability_grade": 8}})
    assert decided.status_code == 200, decided.text


async def test_denying_needs_no_receipt(case: Case) -> None:
    await case.submitted()
    assert (await case.denied())["status"] == "denied"


async def test_the_second_person_is_held_to_it_as_well(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    """A claim that was agreed to once before receipts had to be captured."""
    case = await make_case(app, client, shares=3)
    await case.submitted()
    await looked_through(case)
    assert (await case.capture(amount_fen=2_500_000)).status_code == 200
    first = await case.decide({"verdict": "approve", "facts": MED | {"self_pay_fen": 2_500_000}})
    assert first.json()["status"] == "awaiting_second_approval", first.text
    released = "update claim_receipt set released_at = now() where claim_id = :id returning 1"
    await scalar(app.state.database, released, id=case.id)
    path, yes = f"{case.staff_path}/second-approval", {"verdict": "approve"}
    refused = await case.post(path, case.office.supervisor, yes)
    assert (refused.status_code, refused.json()["code"]) == (409, "receipt-not-captured")
    back = {"verdict": "return", "note": "请录入发票"}
    assert (await case.post(path, case.office.supervisor, back)).status_code == 200
    assert (await case.lease()).status_code == 200
    assert (await case.capture(amount_fen=2_500_000)).status_code == 200
    assert (await case.decide({"verdict": "approve"})).status_code == 200
    assert (await case.post(path, case.office.supervisor, yes)).status_code == 200


async def test_who_reviews_captures_and_sees_at_once_what_is_odd(case: Case) -> None:
    await case.submitted()
    early = await case.capture(case.office.reviewer)
    assert (early.status_code, early.json()["code"]) == (409, "lease-needed")
    assert (await case.capture(case.office.caseworker)).status_code == 403
    await looked_through(case)
    odd = (business_day(system_now()) - timedelta(days=3)).isoformat()
    assert (await case.capture(issued_on=odd)).status_code == 200
    assert [each["kind"] for each in await case.signals()] == ["dated-before"]
    refused = await case.decide(APPROVE)
    assert (refused.status_code, refused.json()["code"]) == (409, "signals-open")
    await case.judge_all()
    assert (await case.decide(APPROVE)).status_code == 200
    await run_jobs(case.app)
