"""Transfers to a wallet: failed only by an answer to our question, countdown, taken back."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.organisations.models import Kind
from app.payouts.jobs import send
from app.payouts.stopping import stop
from tests.access_fixtures import SignedIn, make_organisation, staff_token
from tests.claims.factories import Case, poll, run_jobs
from tests.cover_fixtures import context_of, make_gateway, scalar
from tests.payouts.test_payouts import ACCOUNT, count, row
from tests.simulators_fixture import Simulators

pytestmark = pytest.mark.anyio

CANCEL = "/cancel"


@pytest.fixture
async def supervisor(app: FastAPI) -> SignedIn:
    city = await make_organisation(app, Kind.MUNICIPAL_OFFICE)
    return await staff_token(app, city.id, ["supervisor"])


async def ask_to_stop(client: httpx.AsyncClient, who: SignedIn, payout: Any) -> httpx.Response:
    return await client.post(
        f"/v1/staff/payouts/{payout.id}/stop", headers=who.keyed, json={"reason": "wrong_payee"}
    )


async def test_a_notice_alone_never_frees_the_number(
    approved: Case, app: FastAPI, client: httpx.AsyncClient, simulators: Simulators
) -> None:
    """Genuine or not, a notice of failure makes us ask; here the gateway knows better."""
    await run_jobs(app)
    payout = await row(app, approved)
    content = {
        "mch_id": app.state.settings.wechat_pay_mchid,
        "out_bill_no": payout.out_bill_no,
        "transfer_bill_no": payout.outside_reference,
        "transfer_amount": payout.amount_fen,
        "state": "FAIL",
        "fail_reason": "OVERDUE_CLOSE",
        "openid": "o-test",
        "create_time": "2026-11-22T10:00:00+08:00",
        "update_time": "2026-11-22T10:00:01+08:00",
    }
    gateway = make_gateway(client, simulators)
    headers, body = gateway.notice("MCHTRANSFER.BILL.FINISHED", "mch_payment", content)
    told = await client.post("/v1/gateway/wechat-pay/transfers", headers=headers, content=body)
    assert told.status_code == 204
    assert (await row(app, approved)).status == "waiting_confirm"
    assert "payouts.ask" in await run_jobs(app)
    assert (await row(app, approved)).status == "waiting_confirm"
    refused = await approved.post(f"{approved.path}/payout", approved.rider)
    assert refused.status_code == 409
    simulators.control("transfers/expire", out_bill_no=payout.out_bill_no, behaviour="dropped")
    told = await client.post("/v1/gateway/wechat-pay/transfers", headers=headers, content=body)
    await run_jobs(app)
    assert (await row(app, approved)).failure_code == "OVERDUE_CLOSE"
    assert await count(app, approved) == 1


async def test_the_time_to_confirm_is_counted_down(approved: Case, app: FastAPI) -> None:
    await run_jobs(app)
    seen = await approved.payout()
    assert 86_000 < seen["confirm_seconds"] <= 86_400
    assert seen["stopping"] is False
    await scalar(
        app.state.database,
        "update payout set confirm_before = now() - interval '5 seconds' where claim_id = :id"
        " returning 1",
        id=approved.id,
    )
    assert (await approved.payout())["confirm_seconds"] == 0


async def test_an_unconfirmed_transfer_is_taken_back(
    approved: Case, app: FastAPI, client: httpx.AsyncClient, supervisor: SignedIn
) -> None:
    await run_jobs(app)
    payout = await row(app, approved)
    below = approved.office.supervisor
    assert (await ask_to_stop(client, below, payout)).status_code == 403
    asked = await ask_to_stop(client, supervisor, payout)
    assert (asked.status_code, asked.json()["stopping"]) == (200, True), asked.text
    assert (await row(app, approved)).status == "waiting_confirm"
    repeated = await ask_to_stop(client, supervisor, payout)
    assert (repeated.status_code, repeated.json()["stopping"]) == (200, True), repeated.text
    traces = (
        "select count(*) from audit_entry where action = 'payout.stop' and :id = any(subject_ids)"
    )
    assert await scalar(app.state.database, traces, id=payout.id) == 1
    assert (await run_jobs(app)).count("payouts.stop") == 1
    for _ in range(60):
        await poll(app)
        if (await row(app, approved)).status == "failed":
            break
        await asyncio.sleep(0.03)
    stopped = await row(app, approved)
    assert (stopped.status, stopped.failure_code) == ("failed", "CANCELLED")
    assert (await approved.own())["status"] == "approved"
    again = await ask_to_stop(client, supervisor, payout)
    assert (again.status_code, again.json()["code"]) == (409, "payout-not-stoppable")


async def test_who_confirmed_first_keeps_the_money(
    approved: Case,
    app: FastAPI,
    client: httpx.AsyncClient,
    supervisor: SignedIn,
    simulators: Simulators,
) -> None:
    await run_jobs(app)
    payout = await row(app, approved)
    await ask_to_stop(client, supervisor, payout)
    simulators.control("transfers/confirm", out_bill_no=payout.out_bill_no, behaviour="dropped")
    await run_jobs(app)
    await poll(app)
    assert (await row(app, approved)).status == "paid"
    assert (await approved.own())["status"] == "paid"


@pytest.mark.long
@pytest.mark.parametrize("mode", ["silent", "time_out", "busy"])
async def test_a_stop_without_an_answer_is_asked_again(
    approved: Case,
    app: FastAPI,
    client: httpx.AsyncClient,
    supervisor: SignedIn,
    simulators: Simulators,
    mode: str,
) -> None:
    await run_jobs(app)
    payout = await row(app, approved)
    await ask_to_stop(client, supervisor, payout)
    simulators.control("faults", system="wechat-pay", mode=mode, path=CANCEL, delay_ms=20)
    try:
        assert "payouts.stop later" in await run_jobs(app, rounds=1)
    finally:
        simulators.control("faults/clear")
    await stop(context_of(app), {"payout_id": str(payout.id)})
    for _ in range(60):
        await poll(app)
        if (await row(app, approved)).status == "failed":
            break
        await asyncio.sleep(0.03)
    assert (await row(app, approved)).status == "failed"
    assert await count(app, approved) == 1


async def test_what_was_stopped_is_never_sent(
    approved: Case, app: FastAPI, client: httpx.AsyncClient, supervisor: SignedIn
) -> None:
    payout = await row(app, approved)
    stopped = await ask_to_stop(client, supervisor, payout)
    assert stopped.json()["status"] == "failed", stopped.text
    await send(context_of(app), {"payout_id": str(payout.id)})
    assert (await row(app, approved)).failure_code == "stopped"
    await run_jobs(app)
    assert (await approved.own())["status"] == "approved"
    recorded = (
        "select details from audit_entry where action = 'payout.stop' and :id = any(subject_ids)"
    )
    assert await scalar(app.state.database, recorded, id=payout.id) == {"reason": "wrong_payee"}


async def test_another_account_cools_off_and_is_told(case: Case, app: FastAPI) -> None:
    """Retiring the old one first does not make a thief's account the first."""
    told = "select count(*) from message where person_id = :id and template = 'account_changed'"
    person = case.rider.person.id
    own = ACCOUNT | {"account_number": "6222020000005555"}
    first = await case.post("/v1/me/payout-accounts", case.rider, own)
    await run_jobs(app)
    assert await scalar(app.state.database, told, id=person) == 0
    gone = f"/v1/me/payout-accounts/{first.json()['id']}"
    await case.client.delete(gone, headers=case.rider.headers)
    other = ACCOUNT | {"account_number": "6222020000006666"}
    second = await case.post("/v1/me/payout-accounts", case.rider, other)
    assert second.json()["usable_from"] > first.json()["usable_from"]
    hours = (
        "select extract(epoch from usable_from - recorded_at) / 3600 from payout_account"
        " where id = :id"
    )
    cooling = await scalar(app.state.database, hours, id=second.json()["id"])
    assert 23.9 < float(cooling) < 24.1
    await run_jobs(app)
    assert await scalar(app.state.database, told, id=person) == 1
    async with app.state.database.transaction() as session:
        sealed = await session.scalar(
            text("select sealed::text from message where person_id = :id"), {"id": person}
        )
    assert "6666" not in str(sealed)
