"""Leases: renewed up to two hours, offered to a colleague, released by a supervisor."""

import asyncio
from datetime import datetime, timedelta

import pytest
from fastapi import FastAPI

from tests.access_fixtures import SignedIn, make_organisation, staff_token
from tests.claims.factories import Case
from tests.cover_fixtures import scalar

pytestmark = pytest.mark.anyio

ELAPSED = """
update claim set lease_since = now() - cast(:ago as interval),
  lease_until = least(lease_until, now() - cast(:ago as interval) + interval '2 hours')
where id = :id returning 1
"""


async def offered(
    case: Case, to: SignedIn, who: SignedIn | None = None
) -> tuple[int, dict[str, str]]:
    answer = await case.post(
        f"{case.staff_path}/handovers",
        who or case.office.reviewer,
        {"to_staff_id": str(to.account_id)},
    )
    return answer.status_code, answer.json()


async def answered(case: Case, handover_id: str, who: SignedIn, word: str) -> tuple[int, str]:
    answer = await case.client.put(
        f"/v1/staff/claim-handovers/{handover_id}/answer",
        headers=who.headers,
        json={"answer": word},
    )
    return answer.status_code, answer.json().get("status" if answer.is_success else "code")


async def test_accepted_the_lease_moves(case: Case) -> None:
    await case.submitted()
    colleague = case.office.another_reviewer
    status, refused = await offered(case, colleague)
    assert (status, refused["code"]) == (409, "lease-needed")
    await case.lease()
    status, handover = await offered(case, colleague)
    assert status == 201
    listed = await case.client.get("/v1/staff/claim-handovers", headers=colleague.headers)
    assert [each["id"] for each in listed.json()["items"]] == [handover["id"]]
    # Until then nothing is lost: it is still the first one's.
    assert (await case.lease(colleague)).json()["code"] == "lease-held"
    assert (await offered(case, colleague))[1]["code"] == "handover-open"
    assert await answered(case, handover["id"], case.office.supervisor, "accept") == (
        404,
        "handover-not-found",
    )
    assert await answered(case, handover["id"], colleague, "accept") == (200, "accepted")
    assert await answered(case, handover["id"], colleague, "accept") == (200, "accepted")
    assert (await case.lease()).json()["code"] == "lease-held"
    assert (await case.seen())["lease_holder_id"] == str(colleague.account_id)


async def test_declined_it_stays(case: Case) -> None:
    await case.submitted()
    await case.lease()
    colleague = case.office.another_reviewer
    _, handover = await offered(case, colleague)
    assert await answered(case, handover["id"], colleague, "decline") == (200, "declined")
    assert (await answered(case, handover["id"], colleague, "accept"))[1] == "handover-lapsed"
    assert (await case.lease()).status_code == 200
    assert (await offered(case, colleague))[0] == 201


async def test_an_offer_lapses_with_the_lease(case: Case, app: FastAPI) -> None:
    await case.submitted()
    await case.lease()
    colleague = case.office.another_reviewer
    _, handover = await offered(case, colleague)
    released = await case.client.delete(
        f"{case.staff_path}/lease", headers=case.office.supervisor.headers
    )
    assert released.status_code == 204
    assert (await answered(case, handover["id"], colleague, "accept"))[1] == "handover-lapsed"
    assert (await case.lease(case.office.supervisor)).status_code == 200
    assert (await offered(case, case.office.reviewer, case.office.supervisor))[0] == 201


async def test_only_to_somebody_who_may_review_it(case: Case, app: FastAPI) -> None:
    await case.submitted()
    await case.lease()
    elsewhere = await make_organisation(app)
    stranger = await staff_token(app, elsewhere.id, ["reviewer"])
    for nobody in (stranger, case.office.caseworker, case.office.reviewer):
        status, refused = await offered(case, nobody)
        assert (status, refused["code"]) == (404, "colleague-not-found")


async def test_both_answers_at_once_one_counts(case: Case) -> None:
    await case.submitted()
    await case.lease()
    colleague = case.office.another_reviewer
    _, handover = await offered(case, colleague)
    answers = await asyncio.gather(
        *(answered(case, handover["id"], colleague, word) for word in ("accept", "decline") * 3)
    )
    assert {word for status, word in answers if status == 200} in ({"accepted"}, {"declined"})
    assert {word for status, word in answers if status != 200} == {"handover-lapsed"}


async def test_activity_does_not_renew_beyond_two_hours(case: Case, app: FastAPI) -> None:
    await case.submitted()
    await case.lease()
    await scalar(app.state.database, ELAPSED, ago=timedelta(minutes=115), id=case.id)
    view = (await case.lease()).json()
    left = datetime.fromisoformat(view["until"]) - datetime.now().astimezone()
    assert timedelta(minutes=4) < left <= timedelta(minutes=5)
    await scalar(app.state.database, ELAPSED, ago=timedelta(minutes=121), id=case.id)
    assert (await case.decide({"verdict": "approve"})).json()["code"] == "lease-needed"
    assert (await case.lease(case.office.another_reviewer)).status_code == 200
