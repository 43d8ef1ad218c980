"""A claim tried out over HTTP: the amount of the real one, or what is missing, or why not."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.kernel.clock import business_day, system_now
from tests.access_fixtures import SignedIn, make_organisation, staff_token
from tests.claims.factories import Case, days_ago, make_case, make_policy
from tests.cover_fixtures import Rider, make_rider, scalar

pytestmark = pytest.mark.anyio

MED = {"self_pay_fen": 1_000_000, "hospital_grade": 2}


def body(case: Case, benefit: str = "MED", **more: Any) -> dict[str, Any]:
    incident = {"cause": "accident", "occurred_at": days_ago(1).isoformat()}
    return {
        "policy_id": str(case.policy.id),
        "benefit_code": benefit,
        "incident": incident | more.pop("incident", {}),
        "facts": more.pop("facts", {}),
    } | more


async def ask(case: Case, asked: dict[str, Any], who: Rider | None = None) -> httpx.Response:
    headers = (who or case.rider).headers
    return await case.client.post("/v1/me/claim-estimates", headers=headers, json=asked)


async def told(case: Case, asked: dict[str, Any]) -> dict[str, Any]:
    answer = await ask(case, asked)
    assert answer.status_code == 200, answer.text
    view: dict[str, Any] = answer.json()
    return view


async def test_it_is_the_amount_of_the_real_claim(case: Case) -> None:
    view = await told(case, body(case, facts=MED))
    await case.submitted()
    approved = await case.approved(**MED)
    assert view["amount_fen"] == approved["amount_fen"] > 0
    steps = approved["decisions"][0]["explanation"]["steps"]
    assert [each["zh"] for each in view["explanation"]["steps"]] == [each["zh"] for each in steps]
    assert (view["covered"], view["range"], view["facts_missing"]) == (True, None, [])
    assert {each["kind"]: each["fulfilled"] for each in view["documents"]} == {
        "identity": True,
        "medical_record": False,
        "receipt": False,
    }
    assert view["schemes"]
    assert view["deadline"] == str(business_day(days_ago(1)) + timedelta(days=730))
    assert view["review"] == {"length": 5, "unit": "calendar_days"}


async def test_what_is_missing_is_named_and_the_range_holds_the_amount(case: Case) -> None:
    nothing = await told(case, body(case))
    assert nothing["amount_fen"] is None
    assert {fact["name"] for fact in nothing["facts_missing"]} == set(MED)
    amount = (await told(case, body(case, facts=MED)))["amount_fen"]
    for facts in ({}, {"hospital_grade": 2}, {"self_pay_fen": 1_000_000}):
        view = await told(case, body(case, facts=facts))
        most = view["range"]["most_fen"]
        assert view["range"]["least_fen"] <= amount
        assert most is None or amount <= most
        assert view["explanation"]["value"] is None


async def test_facts_say_who_gave_them(case: Case) -> None:
    await case.submitted(case.body() | {"facts": {"self_pay_fen": 900_000}})
    approved = await case.approved(hospital_grade=2)
    given: dict[str, str] = {}

    def look(node: dict[str, Any]) -> None:
        if "given_by" in node:
            given[node["input"]] = node["given_by"]
        for step in node["steps"]:
            look(step)

    look(approved["decisions"][0]["explanation"])
    assert given == {"self_pay_fen": "member", "hospital_grade": "reviewer"}


async def test_a_condition_that_fails_is_told_in_the_plans_words(case: Case) -> None:
    view = await told(case, body(case, facts=MED | {"hospital_grade": 1}))
    assert (view["amount_fen"], view["reason_code"]) == (0, "hospital-grade-too-low")
    [failed] = view["failed"]
    assert failed["words"] == view["reason"]
    nothing = await told(case, body(case, facts=MED | {"self_pay_fen": 0}))
    assert (nothing["amount_fen"], nothing["reason_code"]) == (0, "nothing-payable")
    assert nothing["reason"]["zh"]


@pytest.mark.parametrize(
    ("incident", "reason"),
    [
        ({"occurred_at": days_ago(40).isoformat()}, "not-started"),
        ({"cause": "illness"}, "cause"),
    ],
)
async def test_where_nothing_covers_it_says_why(
    case: Case, incident: dict[str, str], reason: str
) -> None:
    view = await told(case, body(case, incident=incident, facts=MED))
    assert (view["covered"], view["amount_fen"], view["range"]) == (False, None, None)
    assert view["reason_code"] == reason
    assert view["reason"]["zh"]
    assert view["reason"]["en"]
    assert view["documents"]


async def test_a_plan_is_enough(case: Case, app: FastAPI) -> None:
    by_plan = body(case, facts=MED) | {"plan_code": "RIDER-ACC"}
    del by_plan["policy_id"]
    view = await told(case, by_plan)
    assert (view["covered"], view["policy_id"]) == (True, str(case.policy.id))
    other = by_plan | {"plan_code": "CQ-2015-HA", "benefit_code": "HOSP_DAY", "facts": {}}
    none = await told(case, other)
    assert (none["covered"], none["reason_code"], none["policy_id"]) == (False, "no-policy", None)
    unknown = await ask(case, by_plan | {"plan_code": "NOBODYS-PLAN"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "plan-not-found")


@pytest.mark.parametrize(
    ("change", "status", "code", "pointer"),
    [
        ({"facts": {"no_such_fact": 1}}, 422, "unknown-fact", "/facts/no_such_fact"),
        ({"facts": {"hospital_grade": 7}}, 422, "unknown-fact", "/facts/hospital_grade"),
        ({"facts": {"self_pay_fen": 1.5}}, 422, "invalid", "/facts/self_pay_fen"),
        ({"facts": {"self_pay_fen": -1}}, 422, "invalid", "/facts/self_pay_fen"),
        ({"facts": {"stays": []}}, 422, "invalid", "/facts/stays"),
        ({"facts": {"stays": [{"days": [1]}]}}, 422, "invalid", "/facts/stays"),
        (
            {"incident": {"occurred_at": "9999-12-31T23:59:59-12:00"}},
            422,
            "invalid",
            "/incident/occurred_at",
        ),
        (
            {"incident": {"occurred_at": "0001-01-01T00:00:00+14:00"}},
            422,
            "invalid",
            "/incident/occurred_at",
        ),
        ({"benefit_code": "NOTHING"}, 422, "benefit-not-found", None),
        ({"plan_code": "RIDER-ACC"}, 422, "invalid", "/policy_id"),
        ({"policy_id": None}, 422, "invalid", "/policy_id"),
        (
            {"incident": {"occurred_at": (system_now() + timedelta(days=1)).isoformat()}},
            422,
            "incident-in-future",
            None,
        ),
    ],
)
async def test_bad_input(
    case: Case, change: dict[str, Any], status: int, code: str, pointer: str | None
) -> None:
    answer = await ask(case, body(case, facts=MED) | change)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    if pointer is not None:
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


async def test_nothing_is_kept_but_the_look(case: Case, app: FastAPI) -> None:
    count = (
        "select (select count(*) from claim) + (select count(*) from incident)"
        " + (select count(*) from claim_facts) + (select count(*) from event_log)"
    )
    looks = "select count(*) from audit_entry where action = 'claim.estimate'"
    before, seen = await scalar(app.state.database, count), await scalar(app.state.database, looks)
    await told(case, body(case, facts=MED))
    assert await scalar(app.state.database, count) == before
    assert await scalar(app.state.database, looks) == seen + 1


async def test_only_for_oneself_or_by_those_who_serve(
    case: Case, app: FastAPI, client: httpx.AsyncClient
) -> None:
    stranger = await make_rider(app)
    assert (await ask(case, body(case, facts=MED), stranger)).status_code == 404

    async def by(staff: SignedIn, **more: Any) -> httpx.Response:
        asked = body(case, facts=MED) | {"person_id": str(case.rider.person.id)} | more
        return await client.post("/v1/staff/claim-estimates", headers=staff.headers, json=asked)

    served = await by(case.office.caseworker)
    assert (served.status_code, served.json()["covered"]) == (200, True)
    elsewhere = await staff_token(app, (await make_organisation(app)).id)
    assert (await by(elsewhere)).status_code == 404
    # A person of one's own with a policy of somebody else.
    theirs = await make_case(app, client)
    foreign = await by(case.office.caseworker, policy_id=str(theirs.policy.id))
    assert (foreign.status_code, foreign.json()["code"]) == (404, "claim-not-found")


async def test_of_several_policies_the_one_that_covers(case: Case, app: FastAPI) -> None:
    await make_policy(app, case.rider, case.office.organisation.id, started_days_ago=400)
    asked = body(case, facts=MED) | {"policy_id": None, "plan_code": "RIDER-ACC"}
    view = await told(case, asked)
    assert view["policy_id"] == str(case.policy.id)


async def test_denied_by_a_condition_of_the_plan(case: Case) -> None:
    """A general reason or the plan's own, in the plan's words; others are refused."""
    view = await told(case, body(case, facts=MED | {"hospital_grade": 1}))
    [failed] = view["failed"]
    await case.submitted()
    assert (await case.lease()).status_code == 200
    unknown = await case.decide({"verdict": "deny", "reason_code": "because-i-say-so"})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown-reason")
    assert unknown.json()["errors"][0]["pointer"] == "/reason_code"
    denied = await case.decide({"verdict": "deny", "reason_code": failed["code"]})
    assert denied.status_code == 200, denied.text
    own = await case.own()
    assert own["decisions"][0]["reason_code"] == failed["code"]
    assert own["decisions"][0]["reason"] == own["timeline"][-1]["reason"] == failed["words"]


async def test_an_approval_lists_exactly_what_is_missing(case: Case) -> None:
    await case.submitted(case.body() | {"facts": {"hospital_grade": 2}})
    assert (await case.lease()).status_code == 200
    await case.accept_all()
    refused = await case.decide({"verdict": "approve"})
    assert (refused.status_code, refused.json()["code"]) == (422, "claim-facts-missing")
    assert [(each["pointer"], each["code"]) for each in refused.json()["errors"]] == [
        ("/facts/self_pay_fen", "fact-missing")
    ]
    assert (await case.own())["status"] == "under_review"


async def test_a_claim_that_comes_to_nothing_still_counts(case: Case, app: FastAPI) -> None:
    """Its days and costs are remembered, so that a later claim may pass a threshold."""
    await case.submitted(case.body() | {"facts": MED | {"self_pay_fen": 0}})
    assert (await case.lease()).status_code == 200
    denied = await case.decide({"verdict": "deny", "reason_code": "nothing-payable"})
    assert denied.json()["decisions"][0]["explanation"]["value"] == 0
    uses = "select count(*) from benefit_use where claim_id = :id and amount_fen = 0"
    assert await scalar(app.state.database, uses, id=case.id) == 1
    other = await make_case(app, case.client)
    await other.submitted(other.body() | {"facts": MED})
    assert (await other.lease()).status_code == 200
    await other.decide({"verdict": "deny", "reason_code": "not-genuine"})
    assert await scalar(app.state.database, uses, id=other.id) == 0


async def test_what_is_due_cannot_be_denied_as_nothing(case: Case) -> None:
    due = (await told(case, body(case, facts=MED)))["amount_fen"]
    await case.submitted(case.body() | {"facts": {"hospital_grade": 2}})
    assert (await case.lease()).status_code == 200
    denial = {"verdict": "deny", "reason_code": "nothing-payable"}
    unknown = await case.decide(denial)
    assert (unknown.status_code, unknown.json()["code"]) == (422, "claim-facts-missing")
    corrected = await case.client.put(
        f"/v1/staff/claims/{case.id}/facts",
        headers=case.office.reviewer.headers,
        json={"facts": MED, "reason_code": "as-on-document"},
    )
    assert corrected.status_code == 200, corrected.text
    refused = await case.decide(denial)
    assert (refused.status_code, refused.json()["code"]) == (422, "amount-due")
    assert refused.json()["amount_fen"] == due
    assert (await case.own())["status"] == "under_review"
