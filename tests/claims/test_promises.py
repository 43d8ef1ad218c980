"""Promises in rows: nudged at 80 %, escalated when missed, stopped only with a reason."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.kernel.clock import system_now
from app.worker import JOBS
from tests.claims.factories import Case, bank_account, make_case, make_policy, run_jobs
from tests.cover_fixtures import at_business_time, context_of, scalar
from tests.plans.authors import make_authors, version
from tests.simulators_fixture import Simulators

pytestmark = pytest.mark.anyio

MED = {"self_pay_fen": 1_000_000, "hospital_grade": 2}
SetClock = Callable[[datetime], Awaitable[None]]


@pytest.fixture
async def clock(app: FastAPI) -> AsyncIterator[SetClock]:
    """Moves the business clock, and back at the end."""

    async def move(instant: datetime) -> None:
        await at_business_time(app.state.database, instant)

    yield move
    await move(system_now())


async def promise(app: FastAPI, case: Case, which: str = "review") -> Any:
    async with app.state.database.transaction() as session:
        rows = await session.execute(
            text(
                "select * from claim_promise where claim_id = :id and clock = :which"
                " order by id desc limit 1"
            ),
            {"id": case.id, "which": which},
        )
        return rows.one()


async def run(app: FastAPI, job: str, promise_id: object) -> None:
    await JOBS[job](context_of(app), {"subject_id": str(promise_id)})


async def events(app: FastAPI, case: Case, name: str) -> int:
    sql = "select count(*) from event_log where subject_id = :id and name = :name"
    return int(await scalar(app.state.database, sql, id=case.id, name=name))


async def test_a_nudge_and_an_escalation_each_once(
    case: Case, app: FastAPI, clock: SetClock
) -> None:
    await case.submitted()
    made = await promise(app, case)
    assert made.nudge_at == made.started_at + 0.8 * (made.due_at - made.started_at)
    scheduled = "select count(*) from due_thing where subject_id = :id"
    assert await scalar(app.state.database, scheduled, id=made.id) == 2
    await run(app, "claims.promise_nudge", made.id)
    assert await events(app, case, "claim.promise_nudged") == 0
    await clock(made.nudge_at + timedelta(seconds=5))
    for _ in range(2):
        await run(app, "claims.promise_nudge", made.id)
    assert await events(app, case, "claim.promise_nudged") == 1
    reviewer = case.office.reviewer
    nudged = await case.client.get("/v1/staff/claims?nudged=true", headers=reviewer.headers)
    assert [(row["id"], row["nudged"]) for row in nudged.json()["items"]] == [(case.id, True)]
    others = await case.client.get("/v1/staff/claims?nudged=false", headers=reviewer.headers)
    assert others.json()["items"] == []
    counts = await case.client.get("/v1/staff/claim-counts", headers=reviewer.headers)
    assert counts.json()["nudged"] == 1
    await run(app, "claims.promise_due", made.id)
    assert await events(app, case, "claim.review_overdue") == 0
    await clock(made.due_at + timedelta(seconds=5))
    for _ in range(2):
        await run(app, "claims.promise_due", made.id)
    assert await events(app, case, "claim.review_overdue") == 1
    own = await case.own()
    assert own["escalated"]
    late = [entry for entry in own["timeline"] if entry["what"] == "late"]
    assert len(late) == 1
    assert "上级" in late[0]["text"]["zh"]
    above = await case.above()
    page = await case.client.get("/v1/staff/claims?escalated=true", headers=above.headers)
    assert case.id in [row["id"] for row in page.json()["items"]]
    assert (await case.denied())["escalated"] is False
    assert (await promise(app, case)).outcome == "late"


async def test_a_decision_in_time_keeps_the_promise(
    case: Case, app: FastAPI, clock: SetClock
) -> None:
    await case.submitted()
    made = await promise(app, case)
    await case.denied()
    await clock(made.due_at + timedelta(days=1))
    await run(app, "claims.promise_due", made.id)
    assert await events(app, case, "claim.review_overdue") == 0
    assert (await promise(app, case)).outcome == "kept"
    left = "select count(*) from due_thing where subject_id = :id"
    assert await scalar(app.state.database, left, id=made.id) == 0


async def test_the_payout_has_its_own_promise(
    case: Case, app: FastAPI, clock: SetClock, simulators: Simulators
) -> None:
    await case.submitted()
    await case.approved(**MED)
    made = await promise(app, case, "payout")
    assert made.due_at - made.started_at > timedelta(days=10)
    await clock(made.due_at + timedelta(seconds=5))
    await run(app, "claims.promise_due", made.id)
    assert await events(app, case, "claim.payout_overdue") == 1
    own = await case.received(simulators)
    assert own["promises"][-1]["outcome"] == "late"
    assert not own["escalated"]


async def test_without_an_account_the_payout_waits_for_the_member(case: Case, app: FastAPI) -> None:
    await case.submitted(case.body("DISAB"))
    await case.approved(disability_grade=1)
    path, agree = f"{case.staff_path}/second-approval", {"verdict": "approve"}
    assert (await case.post(path, case.office.supervisor, agree)).status_code == 200
    [stop] = (await case.own())["promises"][-1]["stops"]
    assert (stop["reason_code"], stop["until"]) == ("account-needed", None)
    account = bank_account()
    assert (await case.post("/v1/me/payout-accounts", case.rider, account)).status_code == 201
    await run_jobs(app)
    [stop] = (await case.own())["promises"][-1]["stops"]
    assert stop["until"] is not None


async def test_a_return_stops_the_clock_and_is_on_record(
    case: Case, app: FastAPI, clock: SetClock
) -> None:
    await case.submitted()
    first = await promise(app, case)
    await case.lease()
    file = (await case.seen())["documents"][1]["files"][0]
    returned = f"{case.staff_path}/documents/{file['id']}/return"
    await case.post(returned, case.office.reviewer, {"reason_code": "unreadable"})
    [entry] = [each for each in (await case.own())["timeline"] if each["what"] == "returned"]
    assert entry["document"]["zh"] == "诊断或出院记录"
    assert (entry["reason_code"], entry["reason"]["zh"][:3]) == ("unreadable", "看不清")
    await clock(first.due_at + timedelta(days=3))
    await run(app, "claims.promise_due", first.id)
    assert await events(app, case, "claim.review_overdue") == 0
    assert (await case.send("medical_record")).status_code == 201
    view = await case.submit()
    [stop] = view["promises"][0]["stops"]
    assert (stop["reason_code"], stop["reason"]["zh"]) == ("waiting-for-member", "等待您补充材料")
    assert stop["until"] is not None
    again = await promise(app, case)
    assert again.due_at > first.due_at
    assert datetime.fromisoformat(view["decision_promised_by"]) == again.due_at


async def test_another_body_owes_an_answer(case: Case, app: FastAPI, clock: SetClock) -> None:
    await case.submitted()
    path, who = f"{case.staff_path}/pause", case.office.reviewer
    body = {"reason_code": "hospital-asked"}
    unheld = await case.client.put(path, headers=who.headers, json=body)
    assert unheld.json()["code"] == "lease-needed"
    await case.lease()
    paused = await case.client.put(path, headers=who.headers, json=body)
    assert paused.status_code == 200, paused.text
    assert paused.json()["clock_stopped"]
    assert [each["what"] for each in (await case.own())["timeline"]][-1] == "waiting"
    twice = await case.client.put(path, headers=who.headers, json=body)
    assert twice.json()["code"] == "clock-stands"
    nonsense = await case.client.put(path, headers=who.headers, json={"reason_code": "holidays"})
    assert nonsense.status_code == 422
    await clock(system_now() + timedelta(days=2))
    on = await case.client.delete(path, headers=who.headers)
    assert (on.status_code, on.json()["clock_stopped"]) == (200, False)
    # The queue goes by the new day.
    assert on.json()["rank_at"] == on.json()["decision_promised_by"]
    assert (await case.client.delete(path, headers=who.headers)).status_code == 200


async def test_withdrawn_is_void(case: Case, app: FastAPI) -> None:
    await case.submitted()
    await case.client.post(f"{case.path}/withdrawal", headers=case.rider.headers)
    assert (await promise(app, case)).outcome == "void"


async def test_plain_statuses_with_a_step_and_a_day(
    case: Case, app: FastAPI, simulators: Simulators
) -> None:
    await case.open()
    seen = [(await case.own())["shown_as"]]
    await case.complete()
    view = await case.submit()
    seen.append(view["shown_as"])
    assert view["next_step_by"] == view["decision_promised_by"]
    await case.lease()
    seen.append((await case.own())["shown_as"])
    await case.accept_all()
    await case.decide({"verdict": "approve", "facts": MED})
    view = await case.own()
    seen.append(view["shown_as"])
    assert view["next_step_by"] == view["payout_promised_by"]
    seen.append((await case.received(simulators))["shown_as"])
    assert seen == ["draft", "received", "being_checked", "agreed", "paid"]
    listed = await case.client.get("/v1/me/claims", headers=case.rider.headers)
    assert listed.json()["items"][0]["shown_as"] == "paid"


async def test_the_receiving_office_decides_where_the_plan_says_so(
    case: Case, app: FastAPI, client: httpx.AsyncClient
) -> None:
    authors = await make_authors(app, client)
    body = version(claims={"decided_by": "receiving"})
    await authors.published(body)
    case.policy = await make_policy(
        app, case.rider, case.office.organisation.id, plan_code=body["document"]["code"]
    )
    benefit = body["document"]["benefits"][0]
    claim = case.body(benefit["code"], cause=benefit["causes"][0])
    counter = await case.above("caseworker")
    received = await case.post("/v1/staff/claims", counter, claim)
    assert received.status_code == 201, received.text
    case.id = received.json()["id"]
    assert received.json()["deciding_organisation_id"] == str(case.office.organisation.parent_id)
    for document in received.json()["documents"]:
        if document["state"] == "missing":
            assert (await case.send(document["kind"])).status_code == 201
    await case.submit()
    assert (await case.lease()).status_code == 403
    assert (await case.lease(await case.above())).status_code == 200


async def test_a_counter_completes_what_it_received(
    case: Case, app: FastAPI, client: httpx.AsyncClient
) -> None:
    caseworker = case.office.caseworker
    received = await case.post("/v1/staff/claims", caseworker, case.body())
    case.id = received.json()["id"]
    facts = await client.put(
        f"{case.staff_path}/reception/facts",
        headers=caseworker.headers,
        json={"facts": {"self_pay_fen": 45_000}},
    )
    assert facts.status_code == 200, facts.text
    body = {
        "code": "050001900104",
        "number": "20261122",
        "amount_fen": 1,
        "issued_on": "2026-11-20",
    }
    path = f"{case.staff_path}/reception/receipts"
    assert (await case.post(path, caseworker, body)).status_code == 200
    other = await make_case(app, client)
    refused = await case.post(path, other.office.caseworker, body)
    assert refused.status_code == 404
    stated = {fact["name"]: fact["value"] for fact in (await case.own())["facts"]}
    assert stated["self_pay_fen"] == 45_000
