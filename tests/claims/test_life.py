"""A claim's whole life over HTTP: opened, proven, reviewed, paid; and every way it can stop."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from app.kernel.clock import system_now
from tests.access_fixtures import make_organisation, staff_token
from tests.claims.factories import (
    Case,
    bank_account,
    days_ago,
    make_case,
    make_policy,
    picture,
    poll,
    run_jobs,
)
from tests.cover_fixtures import scalar
from tests.simulators_fixture import Simulators

pytestmark = pytest.mark.anyio

MED = {"self_pay_fen": 1_000_000, "hospital_grade": 2}


async def test_from_the_incident_to_the_money(
    case: Case, app: FastAPI, simulators: Simulators
) -> None:
    opened = await case.open()
    assert opened["status"] == "draft"
    assert {each["kind"]: each["state"] for each in opened["documents"]} == {
        "identity": "verified",
        "medical_record": "missing",
        "receipt": "missing",
    }
    await case.complete()
    submitted = await case.submit()
    assert submitted["status"] == "submitted"
    assert submitted["decision_promised_by"] is not None
    approved = await case.approved(**MED)
    assert approved["status"] == "paying"
    amount = approved["amount_fen"]
    assert amount > 0
    assert approved["decisions"][0]["explanation"]["value"] == amount

    assert "payouts.send" in await run_jobs(app)
    waiting = await case.payout()
    assert (waiting["status"], waiting["amount_fen"]) == ("waiting_confirm", amount)
    assert set(waiting["confirmation"]) == {"mchId", "appId", "package"}
    assert waiting["confirm_before"] is not None
    simulators.control("transfers/confirm", package_info=waiting["confirmation"]["package"])
    await poll(app)
    paid = await case.own()
    assert paid["status"] == "paid"
    assert paid["paid_at"] is not None
    assert [entry["status"] for entry in paid["timeline"]] == [
        "draft",
        "submitted",
        "under_review",
        "approved",
        "paying",
        "paid",
    ]
    assert (
        await scalar(
            app.state.database,
            "select sum(e.amount_fen) from ledger_entry e join ledger_transaction t"
            " on t.id = e.transaction_id join payout p on p.id = t.reference_id"
            " where p.claim_id = :claim and e.account_code = 'gateway-clearing'",
            claim=case.id,
        )
        == -amount
    )


async def test_missing_documents_are_named(case: Case) -> None:
    await case.open()
    await case.send("receipt")
    answer = await case.client.post(f"{case.path}/submission", headers=case.rider.headers)
    assert answer.status_code == 409
    assert answer.json()["missing"] == ["medical_record"]
    assert "诊断或出院记录" in answer.json()["detail"]


async def test_submitting_twice_is_once(case: Case) -> None:
    first = await case.submitted()
    assert (await case.submit())["submitted_at"] == first["submitted_at"]
    assert [entry["status"] for entry in (await case.own())["timeline"]] == ["draft", "submitted"]


@pytest.mark.parametrize(
    ("incident", "code", "reason"),
    [
        ({"occurred_at": days_ago(40).isoformat()}, "incident-not-covered", "not-started"),
        (
            {"occurred_at": (system_now() + timedelta(days=1)).isoformat()},
            "incident-in-future",
            None,
        ),
        ({"cause": "illness"}, "incident-not-covered", "cause"),
    ],
)
async def test_an_incident_outside_the_cover(
    case: Case, incident: dict[str, str], code: str, reason: str | None
) -> None:
    answer = await case.post("/v1/me/claims", case.rider, case.body(**incident))
    assert answer.status_code == 422
    assert (answer.json()["code"], answer.json().get("reason_code")) == (code, reason)
    assert answer.json()["detail"]


async def test_an_illness_in_the_waiting_period(app: FastAPI, client: httpx.AsyncClient) -> None:
    case = await make_case(app, client, plan_code="CQ-2015-HA", started_days_ago=20)
    body = case.body("HOSP_DAY", cause="illness")
    answer = await case.post("/v1/me/claims", case.rider, body)
    assert (answer.status_code, answer.json()["reason_code"]) == (422, "waiting")
    accident = await case.post("/v1/me/claims", case.rider, case.body("HOSP_DAY"))
    assert accident.status_code == 201


async def test_after_the_end_and_past_the_deadline(app: FastAPI, client: httpx.AsyncClient) -> None:
    ended = await make_case(app, client, started_days_ago=400)
    answer = await ended.post("/v1/me/claims", ended.rider, ended.body())
    assert answer.json()["reason_code"] == "ended"
    long_ago = {"occurred_at": days_ago(800).isoformat()}
    answer = await ended.post("/v1/me/claims", ended.rider, ended.body(**long_ago))
    assert answer.json()["reason_code"] == "past-deadline"


async def test_a_death_is_claimed_after_an_office_recorded_it(case: Case) -> None:
    for path, who in (
        ("/v1/me/claims", case.rider),
        ("/v1/staff/claims", case.office.caseworker),
    ):
        answer = await case.post(path, who, case.body("DEATH"))
        assert (answer.status_code, answer.json()["code"]) == (409, "death-not-reported")


async def test_opening_again_with_the_same_key_is_the_same_claim(case: Case) -> None:
    body = case.body()
    headers = {**case.rider.headers, "Idempotency-Key": "tablet-12345678"}
    answers = [await case.client.post("/v1/me/claims", headers=headers, json=body) for _ in "ab"]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert (
        len((await case.client.get("/v1/me/claims", headers=case.rider.headers)).json()["items"])
        == 1
    )


async def test_somebody_elses_claim_does_not_exist(
    case: Case, app: FastAPI, client: httpx.AsyncClient
) -> None:
    await case.submitted()
    other = await make_case(app, client)
    rider = other.rider.keyed
    file_id = (await case.own())["documents"][1]["files"][0]["id"]
    for method, path, body in (
        ("GET", case.path, None),
        ("POST", f"{case.path}/submission", None),
        ("POST", f"{case.path}/withdrawal", None),
        ("GET", f"{case.path}/payout", None),
        ("POST", f"{case.path}/uploads", {"kind": "receipt", "bytes": 10}),
        ("POST", f"{case.path}/documents/{file_id}/view", {}),
        ("DELETE", f"{case.path}/documents/{file_id}", None),
        ("PUT", f"{case.path}/facts", {"facts": {}}),
    ):
        answer = await client.request(method, path, headers=rider, json=body)
        assert answer.status_code == 404, (method, path, answer.text)
    for method, path in (("GET", ""), ("POST", "/lease")):
        answer = await client.request(
            method, case.staff_path + path, headers=other.office.reviewer.headers
        )
        assert answer.status_code == 404, path
    stolen = other.body() | {"policy_id": str(case.policy.id)}
    assert (await other.post("/v1/me/claims", other.rider, stolen)).status_code == 404
    page = await client.get("/v1/staff/claims", headers=other.office.reviewer.headers)
    assert case.id not in page.text


async def test_withdrawing(case: Case) -> None:
    await case.submitted()
    answer = await case.client.post(f"{case.path}/withdrawal", headers=case.rider.headers)
    assert answer.json()["status"] == "withdrawn"
    assert (await case.lease()).status_code == 409
    again = await case.client.post(f"{case.path}/withdrawal", headers=case.rider.headers)
    assert (again.status_code, again.json()["code"]) == (409, "invalid-transition")
    for path, who, body, code in (
        (f"{case.path}/payout-account", case.rider, {"payout_account_id": None}, "nothing-to-come"),
        (
            f"{case.staff_path}/hardship",
            case.office.caseworker,
            {"hardship": True},
            "no-decision-awaited",
        ),
    ):
        late = await case.client.put(path, headers=who.headers, json=body)
        assert (late.status_code, late.json()["code"]) == (409, code), late.text


async def test_two_reviewers_at_once_one_wins(case: Case) -> None:
    await case.submitted()
    answers = await asyncio.gather(
        case.lease(case.office.reviewer), case.lease(case.office.another_reviewer)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    lost = next(answer for answer in answers if answer.status_code == 409)
    assert lost.json()["code"] == "lease-held"


async def test_two_decisions_at_once_one_counts(case: Case, app: FastAPI) -> None:
    await case.submitted()
    assert (await case.lease()).status_code == 200
    await case.accept_all()
    body = {"verdict": "approve", "facts": MED}
    answers = await asyncio.gather(*(case.decide(body) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409, 409]
    count = "select count(*) from payout where claim_id = :claim"
    assert await scalar(app.state.database, count, claim=case.id) == 1


async def test_a_lease_runs_out_and_can_be_released(case: Case, app: FastAPI) -> None:
    await case.submitted()
    await case.lease()
    released = await case.client.delete(
        f"{case.staff_path}/lease", headers=case.office.another_reviewer.headers
    )
    assert released.status_code == 409
    by_supervisor = await case.client.delete(
        f"{case.staff_path}/lease", headers=case.office.supervisor.headers
    )
    assert by_supervisor.status_code == 204
    assert (await case.seen())["status"] == "submitted"
    await case.lease()
    await scalar(
        app.state.database,
        "update claim set lease_until = now() - interval '1 second' where id = :id returning 1",
        id=case.id,
    )
    assert (await case.decide({"verdict": "deny", "reason_code": "excluded"})).status_code == 409
    assert (await case.lease(case.office.another_reviewer)).status_code == 200


async def test_deciding_needs_the_lease_and_accepted_documents(case: Case) -> None:
    await case.submitted()
    body = {"verdict": "approve", "facts": MED}
    assert (await case.decide(body)).json()["code"] == "lease-needed"
    await case.lease()
    answer = await case.decide(body)
    assert (answer.status_code, answer.json()["code"]) == (409, "documents-not-accepted")
    assert answer.json()["open"] == ["medical_record", "receipt"]


async def test_facts_decide_and_are_never_guessed(case: Case) -> None:
    await case.submitted()
    await case.lease()
    await case.accept_all()
    missing = await case.decide({"verdict": "approve"})
    assert missing.status_code == 422
    assert missing.json()["errors"][0]["pointer"] == "/facts/hospital_grade"
    low = await case.decide({"verdict": "approve", "facts": MED | {"hospital_grade": 1}})
    assert low.json()["reason_code"] == "hospital-grade-too-low"
    nothing = await case.decide({"verdict": "approve", "facts": MED | {"self_pay_fen": 0}})
    assert nothing.json()["reason_code"] == "nothing-payable"
    typed = await case.decide({"verdict": "approve", "facts": MED, "amount_fen": 10**9})
    assert typed.status_code == 422
    unknown = await case.decide({"verdict": "approve", "facts": {"bonus_fen": 5}})
    assert unknown.json()["code"] == "unknown-fact"


async def test_denied_with_a_coded_reason(case: Case) -> None:
    await case.submitted()
    await case.lease()
    bare = await case.decide({"verdict": "deny"})
    assert bare.status_code == 422
    answer = await case.decide(
        {"verdict": "deny", "reason_code": "not-an-accident", "note": "慢性劳损"}
    )
    assert answer.json()["status"] == "denied"
    decision = (await case.own())["decisions"][0]
    assert decision["reason"]["zh"] == "不属于意外事故"
    assert decision["note"] == "慢性劳损"


async def test_returned_replaced_and_promised_again(case: Case) -> None:
    promised = (await case.submitted())["decision_promised_by"]
    await case.lease()
    file = (await case.seen())["documents"][1]["files"][0]
    returned = f"{case.staff_path}/documents/{file['id']}/return"
    vague = await case.post(returned, case.office.reviewer, {"reason_code": "see-note"})
    assert vague.json()["code"] == "note-needed"
    answer = await case.post(
        returned, case.office.reviewer, {"reason_code": "unreadable", "note": "右下角被遮住"}
    )
    assert answer.json()["status"] == "waiting_for_member"
    own = await case.own()
    assert own["clock_stopped"]
    document = next(each for each in own["documents"] if each["kind"] == "medical_record")
    assert document["state"] == "returned"
    assert document["files"][0]["note"] == "右下角被遮住"
    refused = await case.client.post(f"{case.path}/submission", headers=case.rider.headers)
    assert refused.json()["missing"] == ["medical_record"]
    assert (await case.send("medical_record")).status_code == 201
    again = await case.submit()
    assert (again["status"], again["clock_stopped"]) == ("submitted", False)
    assert again["decision_promised_by"] >= promised
    assert (await case.approved(**MED))["status"] == "paying"


async def test_who_submitted_or_enrolled_does_not_decide(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    case = await make_case(app, client)
    both = await staff_token(app, case.office.organisation.id, ["caseworker", "supervisor"])
    received = await case.post("/v1/staff/claims", both, case.body())
    assert received.status_code == 201, received.text
    case.id = received.json()["id"]
    for kind in ("medical_record", "receipt"):
        sent = await client.post(
            f"{case.staff_path}/documents",
            headers=both.keyed,
            data={"kind": kind},
            files={"file": ("a.jpg", picture(), "image/jpeg")},
        )
        assert sent.status_code == 201, sent.text
    submitted = await case.post(f"{case.staff_path}/submission", both)
    assert submitted.json()["status"] == "submitted"
    assert (await case.lease(both)).json()["code"] == "conflict-of-interest"
    assert (await case.lease()).status_code == 200

    other = await make_case(app, client, case.office)
    other.policy = await make_policy(
        app,
        other.rider,
        case.office.organisation.id,
        plan_code="CQ-2015-HA",
        enrolled_by=case.office.reviewer.account_id,
    )
    await other.submitted(other.body("HOSP_DAY"))
    assert (await other.lease()).json()["code"] == "conflict-of-interest"


async def test_any_office_receives_only_the_managing_one_decides(
    case: Case, app: FastAPI, client: httpx.AsyncClient
) -> None:
    await case.submitted()
    elsewhere = await make_organisation(app)
    receiver = await staff_token(app, elsewhere.id, ["caseworker", "supervisor"])
    await scalar(
        app.state.database,
        "update claim set receiving_organisation_id = :office where id = :id returning 1",
        office=elsewhere.id,
        id=case.id,
    )
    assert (await client.get(case.staff_path, headers=receiver.headers)).status_code == 200
    assert (await case.lease(receiver)).status_code == 403


async def test_above_the_limit_two_people(case: Case, app: FastAPI) -> None:
    await case.submitted(case.body("DISAB"))
    first = await case.approved(disability_grade=1)
    assert first["status"] == "awaiting_second_approval"
    assert first["amount_fen"] is None
    path, agree = f"{case.staff_path}/second-approval", {"verdict": "approve"}
    assert (await case.post(path, case.office.another_reviewer, agree)).status_code == 403
    answer = await case.post(path, case.office.supervisor, agree)
    assert (answer.status_code, answer.json()["status"]) == (200, "approved"), answer.text
    assert answer.json()["amount_fen"] == 4_000_000
    account = bank_account()
    recorded = await case.post("/v1/me/payout-accounts", case.rider, account)
    assert recorded.status_code == 201, recorded.text
    await run_jobs(app)
    assert (await case.payout())["method"] == "bank"
    approvers = await scalar(
        app.state.database, "select approvers from payout where claim_id = :id", id=case.id
    )
    assert approvers == [case.office.reviewer.account_id, case.office.supervisor.account_id]


async def test_only_the_second_person_sends_back_what_waits_for_them(case: Case) -> None:
    await case.submitted(case.body("DISAB"))
    await case.approved(disability_grade=1)
    answer = await case.post(f"{case.path}/submission", case.rider)
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid-transition")
    assert (await case.own())["status"] == "awaiting_second_approval"


async def test_the_same_person_does_not_approve_twice(case: Case) -> None:
    await case.submitted(case.body("DISAB"))
    supervisor = case.office.supervisor
    assert (await case.lease(supervisor)).status_code == 200
    await case.accept_all(supervisor)
    body = {"verdict": "approve", "facts": {"disability_grade": 1}}
    assert (await case.decide(body, supervisor)).status_code == 200
    answer = await case.post(
        f"{case.staff_path}/second-approval", supervisor, {"verdict": "approve"}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "second-person-needed")


async def test_the_second_person_sends_it_back(case: Case) -> None:
    await case.submitted(case.body("DISAB"))
    await case.approved(disability_grade=1)
    path = f"{case.staff_path}/second-approval"
    answer = await case.post(
        path, case.office.supervisor, {"verdict": "return", "note": "鉴定等级请复核"}
    )
    assert answer.json()["status"] == "submitted"
    assert (await case.approved(disability_grade=10))["amount_fen"] == 400_000


async def test_limits_of_the_term_are_used_once(
    case: Case, app: FastAPI, client: httpx.AsyncClient
) -> None:
    """Two claims of one person decided at the same moment share one cap."""
    second = Case(app, client, case.office, case.rider, case.policy)
    for each, days in ((case, 1), (second, 3)):
        happened = (system_now() - timedelta(days=days)).isoformat()
        await each.submitted(each.body("DISAB", occurred_at=happened))
        assert (await each.lease()).status_code == 200
        await each.accept_all()
    body = {"verdict": "approve", "facts": {"disability_grade": 3}}
    answers = await asyncio.gather(case.decide(body), second.decide(body))
    assert [answer.status_code for answer in answers] == [200, 200]
    total = await scalar(
        app.state.database,
        "select sum(amount_fen) from claim where policy_id = :policy",
        policy=case.policy.id,
    )
    assert total == 4_000_000


async def test_nothing_medical_lies_in_plain(case: Case, app: FastAPI) -> None:
    await case.submitted()
    await case.lease()
    found = await scalar(
        app.state.database,
        "select count(*) from (select i::text as t from incident i"
        " union all select c::text from claim c union all select a::text from audit_entry a"
        " union all select e::text from event_log e union all select h::text from status_history h)"
        " every where t like '%CANARY%'",
    )
    assert found == 0
    assert (await case.seen())["incident"]["description"].startswith("CANARY-DIAGNOSIS")
    read = await scalar(
        app.state.database,
        "select count(*) from audit_entry where action = 'claim.read' and :id = any(subject_ids)"
        " and actor_id = :reviewer",
        id=case.id,
        reviewer=case.office.reviewer.account_id,
    )
    assert read == 1
