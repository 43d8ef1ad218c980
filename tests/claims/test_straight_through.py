"""Small claims decided by rule in one job; anything odd leaves the claim in the queue."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI

from app.claims.straight_through import checked_afterwards
from app.kernel.clock import business_day, system_now
from app.kernel.ids import new_id
from app.worker import JOBS
from tests.claims.factories import Case, run_jobs
from tests.claims.test_invariants import faults
from tests.cover_fixtures import context_of, scalar
from tests.simulators_fixture import Simulators

pytestmark = pytest.mark.anyio

SMALL = {"self_pay_fen": 50_000, "hospital_grade": 2}


async def handed_in(case: Case, facts: dict[str, int] = SMALL, **receipt: Any) -> None:
    await case.open(case.body() | {"facts": facts})
    await case.complete()
    if receipt.pop("sent", True):
        answer = await case.receipt(**receipt)
        assert answer.status_code == 200, answer.text
    await case.submit()


async def by_rule(case: Case) -> dict[str, Any]:
    await JOBS["claims.decide_by_rule"](context_of(case.app), {"claim_id": case.id})
    return await case.own()


async def test_decided_and_paid_without_a_person(
    case: Case, app: FastAPI, simulators: Simulators
) -> None:
    await handed_in(case)
    ran = await run_jobs(app)
    assert "claims.decide_by_rule" in ran
    own = await case.own()
    assert (own["status"], own["decided_by_rule"], own["amount_fen"]) == ("paying", True, 40_000)
    [decision] = own["decisions"]
    assert (decision["by_rule"], decision["verdict"]) == (True, "approved")
    assert all(each["state"] in ("accepted", "verified") for each in own["documents"])
    await case.received(simulators)
    assert await faults(app) == {}


@pytest.mark.parametrize(
    ("facts", "receipt"),
    [
        ({"self_pay_fen": 70_000, "hospital_grade": 2}, {"amount_fen": 70_000}),
        ({"self_pay_fen": 50_000}, {}),
        ({"self_pay_fen": 50_000, "hospital_grade": 1}, {}),
        ({"self_pay_fen": 9_000, "hospital_grade": 2}, {}),
        (SMALL, {"sent": False}),
        (SMALL, {"code": ""}),
        (SMALL, {"amount_fen": 49_999}),
        (SMALL, {"issued_on": (business_day(system_now()) - timedelta(days=9)).isoformat()}),
        (SMALL, {"issued_on": (business_day(system_now()) + timedelta(days=3)).isoformat()}),
    ],
    ids=[
        "above the limit",
        "a fact is missing",
        "a condition fails",
        "nothing payable",
        "no receipt",
        "no code",
        "below the claim",
        "before the incident",
        "not yet",
    ],
)
async def test_anything_odd_goes_to_a_person_unmarked(
    case: Case, facts: dict[str, int], receipt: dict[str, Any]
) -> None:
    await handed_in(case, facts, **receipt)
    own = await by_rule(case)
    assert (own["status"], own["decided_by_rule"], own["decisions"]) == ("submitted", False, [])
    assert {each["state"] for each in own["documents"]} == {"verified", "waiting"}


async def test_an_invoice_of_twenty_digits_has_no_code(case: Case) -> None:
    await handed_in(case, code="", number="25" + str(new_id().int)[:18])
    assert (await by_rule(case))["status"] == "paying"


async def test_a_file_or_receipt_of_another_claim(case: Case, app: FastAPI) -> None:
    other = Case(app, case.client, case.office, case.rider, case.policy)
    await handed_in(other, number="77665599")
    await case.client.post(f"{other.path}/withdrawal", headers=case.rider.headers)
    await handed_in(case, number="77665599")
    assert (await by_rule(case))["status"] == "submitted"
    [signal] = await case.signals()
    assert (signal["kind"], signal["evidence"]["claims"][0]["id"]) == ("same-invoice", other.id)


async def test_a_member_not_in_good_standing(case: Case, app: FastAPI) -> None:
    await case.submitted()
    await case.denied("not-genuine")
    later = Case(app, case.client, case.office, case.rider, case.policy)
    await handed_in(later)
    assert (await by_rule(later))["status"] == "submitted"


async def test_who_has_taken_it_keeps_it(case: Case) -> None:
    await handed_in(case)
    assert (await case.lease()).status_code == 200
    assert (await by_rule(case))["status"] == "under_review"


async def test_an_open_signal_blocks_the_rule_and_an_approval(case: Case, app: FastAPI) -> None:
    await handed_in(case)
    await scalar(
        app.state.database,
        "insert into claim_signal (id, claim_id, kind, evidence_key, evidence, raised_at)"
        " values (gen_random_uuid(), :id, 'near-image', 'x', '{}', now()) returning 1",
        id=case.id,
    )
    assert (await by_rule(case))["status"] == "submitted"
    await case.lease()
    await case.accept_all()
    refused = await case.decide({"verdict": "approve"})
    assert (refused.status_code, refused.json()["code"]) == (409, "signals-open")
    assert refused.json()["signals"] == ["near-image"]


def test_one_in_twenty_and_always_the_same() -> None:
    ids = [UUID(int=n * 7919) for n in range(4_000)]
    chosen = [each for each in ids if checked_afterwards(each, 20)]
    assert chosen == [each for each in ids if checked_afterwards(each, 20)]
    assert 120 < len(chosen) < 280
    assert all(checked_afterwards(each, 1) for each in ids)


async def test_a_person_confirms_or_reopens(
    case: Case, app: FastAPI, simulators: Simulators
) -> None:
    from app.claims.straight_through import decide_by_rule

    await handed_in(case)
    async with app.state.database.transaction() as session:
        odd = await decide_by_rule(session, app.state.vault, UUID(case.id), system_now(), 1)
    assert odd == []
    reviewer, path = case.office.reviewer, f"{case.staff_path}/after-check"
    page = await case.client.get("/v1/staff/claims?view=after_check", headers=reviewer.headers)
    assert [row["id"] for row in page.json()["items"]] == [case.id]
    counts = await case.client.get("/v1/staff/claim-counts", headers=reviewer.headers)
    assert counts.json()["after_check"] == 1
    early = await case.client.put(
        path, headers=reviewer.headers, json={"verdict": "reopen", "note": "?"}
    )
    assert early.json()["code"] == "not-decided"
    await case.received(simulators)
    bare = await case.client.put(path, headers=reviewer.headers, json={"verdict": "reopen"})
    assert bare.status_code == 422
    again = await case.client.put(
        path, headers=reviewer.headers, json={"verdict": "reopen", "note": "票据存疑"}
    )
    assert (again.json()["status"], again.json()["after_check"]) == ("reopened", "reopened")
    gone = await case.client.put(path, headers=reviewer.headers, json={"verdict": "confirm"})
    assert gone.json()["code"] == "nothing-to-check"
    assert await faults(app) == {}
