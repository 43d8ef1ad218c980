"""A claim's way, as the member hears of it: nothing twice, nothing about what it is for."""

import httpx
import pytest
from fastapi import FastAPI

from app.kernel.database import Database
from tests.claims.factories import make_case, poll
from tests.notifications.outbox import go_to, messages_of, now_of, sms_of, work
from tests.simulators_fixture import Simulators

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("daytime")]

MED = {"self_pay_fen": 1_000_000, "hospital_grade": 2}
JOBS = ("claims.", "payouts.", "notifications.")


async def test_returned_approved_waiting_and_paid(
    app: FastAPI, client: httpx.AsyncClient, database: Database, simulators: Simulators
) -> None:
    case = await make_case(app, client)
    await case.submitted()
    assert (await case.lease()).status_code == 200
    files = [file["id"] for each in (await case.seen())["documents"] for file in each["files"]]
    assert len(files) >= 2
    for file_id in files[:2]:
        returned = await case.post(
            f"{case.staff_path}/documents/{file_id}/return",
            case.office.reviewer,
            {"reason_code": "unreadable"},
        )
        assert returned.status_code == 200, returned.text
    await work(app, *JOBS)
    # Two documents came back in one go: one message.
    assert await messages_of(database, case.rider.person.id) == ["claim_returned"]
    await case.complete()
    await case.submit()
    await case.approved(**MED)
    await work(app, *JOBS)
    told = await messages_of(database, case.rider.person.id)
    assert told == ["claim_returned", "claim_approved", "payout_waiting"]
    package = (await case.payout())["confirmation"]["package"]
    simulators.control("transfers/confirm", package_info=package, behaviour="dropped")
    await poll(app)
    await work(app, *JOBS)
    assert (await messages_of(database, case.rider.person.id))[3:] == ["claim_paid"]
    texts = sms_of(simulators, case.rider)
    number = (await case.own())["number"]
    assert [each["parameters"].get("number") for each in texts] == [number, number, None, number]
    assert "CANARY" not in str(texts)


async def test_a_denial_says_where_to_look_and_nothing_more(
    app: FastAPI, client: httpx.AsyncClient, database: Database, simulators: Simulators
) -> None:
    case = await make_case(app, client)
    await case.submitted()
    assert (await case.lease()).status_code == 200
    denied = await case.decide({"verdict": "deny", "reason_code": "not-genuine"})
    assert denied.status_code == 200, denied.text
    await work(app, *JOBS)
    await go_to(app, await now_of(database))
    await work(app, *JOBS)
    [told] = sms_of(simulators, case.rider)
    assert told["template"] == "claim_denied_zh"
    assert set(told["parameters"]) == {"number"}
