"""Money out: sent once under one number, asked about until known, booked when paid."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.kernel.clock import system_now
from app.kernel.jobs import RetryLater
from app.payouts.jobs import ask, send
from app.payouts.moving import move_payout
from app.payouts.queries import locked
from app.worker import JOBS
from tests.claims.factories import Case, poll, run_jobs
from tests.cover_fixtures import context_of, make_gateway, make_rider, scalar
from tests.simulators_fixture import Simulators

pytestmark = pytest.mark.anyio

TRANSFERS = "/v3/fund-app/mch-transfer/transfer-bills"


async def row(app: FastAPI, case: Case) -> Any:
    async with app.state.database.transaction() as session:
        result = await session.execute(
            text("select * from payout where claim_id = :id order by id desc limit 1"),
            {"id": case.id},
        )
        return result.one()


async def count(app: FastAPI, case: Case) -> int:
    found = await scalar(
        app.state.database, "select count(*) from payout where claim_id = :id", id=case.id
    )
    return int(found)


@pytest.mark.long
@pytest.mark.parametrize("mode", ["silent", "time_out", "error", "foreign_signature"])
async def test_an_unknown_outcome_is_asked_about_and_never_sent_anew(
    approved: Case, app: FastAPI, simulators: Simulators, mode: str
) -> None:
    payout = await row(app, approved)
    simulators.control("faults", system="wechat-pay", mode=mode, path=TRANSFERS, delay_ms=50)
    try:
        await send(context_of(app), {"payout_id": str(payout.id)})
    finally:
        simulators.control("faults/clear")
    before = await row(app, approved)
    assert before.status == "unknown"
    await poll(app)
    await poll(app)
    after = await row(app, approved)
    assert after.status == "waiting_confirm"
    assert (after.id, after.out_bill_no) == (before.id, before.out_bill_no)
    assert await count(app, approved) == 1
    assert (await approved.payout())["confirmation"]["package"]


async def test_a_gateway_that_is_not_there_is_tried_again(
    approved: Case, app: FastAPI, simulators: Simulators
) -> None:
    payout = await row(app, approved)
    simulators.control("faults", system="wechat-pay", mode="busy", path=TRANSFERS)
    try:
        with pytest.raises(RetryLater):
            await send(context_of(app), {"payout_id": str(payout.id)})
    finally:
        simulators.control("faults/clear")
    assert (await row(app, approved)).status == "requested"
    await poll(app)
    assert (await row(app, approved)).status == "waiting_confirm"


async def test_a_worker_killed_while_sending_asks_first(
    approved: Case, app: FastAPI, simulators: Simulators
) -> None:
    """The row says `sending`; nobody knows whether the call went out."""
    payout = await row(app, approved)
    async with app.state.database.transaction() as session:
        written = await locked(session, payout.id)
        written.sent_at = system_now()
        await move_payout(session, written, "sending", now=written.sent_at)
    await send(context_of(app), {"payout_id": str(payout.id)})
    assert (await row(app, approved)).status == "sending"
    await ask(context_of(app), {"payout_id": str(payout.id)})
    assert (await row(app, approved)).status == "requested"
    await poll(app)
    assert (await row(app, approved)).status == "waiting_confirm"


async def trail(app: FastAPI, payout_id: Any) -> list[tuple[str, dict[str, Any]]]:
    """What the audit trail says of a payout, oldest first: the verb and its details."""
    async with app.state.database.transaction() as session:
        rows = await session.execute(
            text(
                "select action, details from audit_entry where subject = 'payout'"
                " and :id = any(subject_ids) and action <> 'payout.read' order by position"
            ),
            {"id": payout_id},
        )
        return [(each.action, each.details) for each in rows]


async def test_every_step_of_the_way_is_in_the_audit_trail(
    approved: Case, app: FastAPI, simulators: Simulators
) -> None:
    """One row for each row of history: put back where the call never left, lost track of, found."""
    payout = await row(app, approved)
    simulators.control("faults", system="wechat-pay", mode="busy", path=TRANSFERS)
    try:
        with pytest.raises(RetryLater):
            await send(context_of(app), {"payout_id": str(payout.id)})
    finally:
        simulators.control("faults/clear")
    simulators.control("faults", system="wechat-pay", mode="error", path=TRANSFERS)
    try:
        await send(context_of(app), {"payout_id": str(payout.id)})
    finally:
        simulators.control("faults/clear")
    await poll(app)
    await poll(app)
    said = await trail(app, payout.id)
    assert [action for action, _ in said][:5] == [
        "payout.request",
        "payout.send",
        "payout.put_back",
        "payout.send",
        "payout.lose_track",
    ]
    assert said[2][1] == {"reason": "unreachable"}
    steps = "select count(*) from status_history where subject = 'payout' and subject_id = :id"
    assert len(said) == await scalar(app.state.database, steps, id=payout.id)


async def test_two_workers_send_once(approved: Case, app: FastAPI) -> None:
    payout = await row(app, approved)
    context = context_of(app)
    await asyncio.gather(
        *(send(context, {"payout_id": str(payout.id)}) for _ in range(5)), return_exceptions=False
    )
    sent = await scalar(
        app.state.database,
        "select count(*) from status_history where subject_id = :id and to_status = 'sending'",
        id=payout.id,
    )
    assert sent == 1


async def test_a_notice_settles_and_replays_change_nothing(
    approved: Case, app: FastAPI, client: httpx.AsyncClient, simulators: Simulators
) -> None:
    await run_jobs(app)
    payout = await row(app, approved)
    package = (await approved.payout())["confirmation"]["package"]
    simulators.control("transfers/confirm", package_info=package, behaviour="dropped")
    gateway = make_gateway(client, simulators)
    content = {
        "mch_id": app.state.settings.wechat_pay_mchid,
        "out_bill_no": payout.out_bill_no,
        "transfer_bill_no": payout.outside_reference,
        "transfer_amount": payout.amount_fen,
        "state": "SUCCESS",
        "openid": "o-test",
        "create_time": "2026-11-22T10:00:00+08:00",
        "update_time": "2026-11-22T10:00:01+08:00",
    }

    def notice(**more: Any) -> tuple[dict[str, str], bytes]:
        resource = content | more.pop("resource", {})
        return gateway.notice("MCHTRANSFER.BILL.FINISHED", "mch_payment", resource, **more)

    async def deliver(made: tuple[dict[str, str], bytes]) -> httpx.Response:
        headers, body = made
        return await client.post("/v1/gateway/wechat-pay/transfers", headers=headers, content=body)

    assert (await deliver(notice(foreign=True))).status_code == 401
    assert (await deliver(notice(offset_seconds=-400))).status_code == 401
    wrong = await deliver(notice(resource={"transfer_amount": payout.amount_fen + 1}))
    assert (wrong.status_code, wrong.json()["code"]) == (409, "notice-differs")
    unknown = await deliver(notice(resource={"out_bill_no": "X" * 32}))
    assert unknown.status_code == 404
    assert (await row(app, approved)).status == "waiting_confirm"

    genuine = notice()
    answers = await asyncio.gather(*(deliver(genuine) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {204}
    late = await deliver(notice(resource={"state": "FAIL", "fail_reason": "OVERDUE_CLOSE"}))
    assert late.status_code == 204
    assert (await row(app, approved)).status == "paid"
    await run_jobs(app)
    assert (await approved.own())["status"] == "paid"
    paid = await scalar(
        app.state.database,
        "select count(*) from ledger_transaction where kind = 'benefit.paid'"
        " and reference_id = :id",
        id=payout.id,
    )
    assert paid == 1


async def test_an_unconfirmed_transfer_fails_and_is_issued_anew(
    approved: Case, app: FastAPI, simulators: Simulators
) -> None:
    await run_jobs(app)
    first = await row(app, approved)
    too_early = await approved.post(f"{approved.path}/payout", approved.rider)
    assert too_early.status_code == 409
    simulators.control("transfers/expire", out_bill_no=first.out_bill_no, behaviour="dropped")
    await poll(app)
    own = await approved.own()
    assert own["status"] == "approved"
    failed = await row(app, approved)
    assert (failed.status, failed.failure_code) == ("failed", "OVERDUE_CLOSE")
    answers = await asyncio.gather(
        *(approved.post(f"{approved.path}/payout", approved.rider) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    await run_jobs(app)
    second = await row(app, approved)
    assert second.out_bill_no != first.out_bill_no
    simulators.control("transfers/confirm", out_bill_no=second.out_bill_no, behaviour="dropped")
    await poll(app)
    assert (await approved.own())["status"] == "paid"
    expense = await scalar(
        app.state.database,
        "select count(*) from ledger_transaction where kind = 'benefit.approved'"
        " and reference_id = :id",
        id=approved.id,
    )
    assert expense == 1


async def test_what_was_not_confirmed_goes_to_a_bank_instead(
    approved: Case, app: FastAPI, simulators: Simulators
) -> None:
    """The rider is told that it failed, and chooses; somebody else's account is not there."""
    await run_jobs(app)
    first = await row(app, approved)
    account = {"account_number": "6222020000001231", "account_name": "张小明", "bank_code": "ICBC"}
    recorded = await approved.post("/v1/me/payout-accounts", approved.rider, account)
    assert recorded.status_code == 201, recorded.text
    choice = {"payout_account_id": recorded.json()["id"]}
    path, headers = f"{approved.path}/payout-account", approved.rider.headers
    early = await approved.client.put(path, headers=headers, json=choice)
    assert (early.status_code, early.json()["code"]) == (409, "payout-live")
    simulators.control("transfers/expire", out_bill_no=first.out_bill_no, behaviour="dropped")
    await poll(app)
    told = "select count(*) from message where subject_id = :id and template = 'payout_failed'"
    assert await scalar(app.state.database, told, id=first.id) == 1
    other = await make_rider(app)
    elsewhere = account | {"account_number": "6222020000001249"}
    foreign = await approved.post("/v1/me/payout-accounts", other, elsewhere)
    assert foreign.status_code == 201, foreign.text
    theirs = {"payout_account_id": foreign.json()["id"]}
    assert (await approved.client.put(path, headers=headers, json=theirs)).status_code == 404
    chosen = await approved.client.put(path, headers=headers, json=choice)
    assert chosen.status_code == 200, chosen.text
    answer = await approved.post(f"{approved.path}/payout", approved.rider)
    assert (answer.status_code, answer.json()["method"]) == (201, "bank"), answer.text
    await run_jobs(app)
    for _ in range(3):
        await poll(app)
    assert (await approved.own())["status"] == "paid"
    again = await approved.post(f"{approved.path}/payout", approved.rider)
    assert (again.status_code, again.json()["code"]) == (409, "invalid-transition")
    late = await approved.client.put(path, headers=headers, json=choice)
    assert (late.status_code, late.json()["code"]) == (409, "nothing-to-come")


ACCOUNT = {
    "account_number": "622202000000{ending}",
    "account_name": "张 小 明",
    "bank_code": "ICBC",
}


async def by_bank(case: Case, ending: str) -> None:
    account = ACCOUNT | {"account_number": f"622202000000{ending}"}
    recorded = await case.post("/v1/me/payout-accounts", case.rider, account)
    assert recorded.status_code == 201, recorded.text
    body = case.body() | {"payout_account_id": recorded.json()["id"]}
    await case.submitted(body)
    await case.approved(self_pay_fen=1_000_000, hospital_grade=2)


async def test_by_bank(case: Case, app: FastAPI) -> None:
    await by_bank(case, "1234")
    await run_jobs(app)
    assert (await case.payout())["method"] == "bank"
    for _ in range(40):
        await poll(app)
        if (await case.own())["status"] == "paid":
            break
        await asyncio.sleep(0.05)
    assert (await row(app, case)).status == "paid"
    assert (await case.own())["status"] == "paid"


async def test_a_bank_that_says_no(case: Case, app: FastAPI) -> None:
    await by_bank(case, "9991")
    await run_jobs(app)
    for _ in range(40):
        await poll(app)
        if (await row(app, case)).status == "failed":
            break
        await asyncio.sleep(0.05)
    assert (await case.payout())["failure_code"] == "name_mismatch"
    assert (await case.own())["status"] == "approved"


async def test_an_account_is_the_members_own_and_never_shown_whole(
    case: Case, app: FastAPI
) -> None:
    foreign = ACCOUNT | {"account_number": "6222020000001111", "account_name": "李四"}
    answer = await case.post("/v1/me/payout-accounts", case.rider, foreign)
    assert (answer.status_code, answer.json()["code"]) == (422, "account-name-differs")
    own = ACCOUNT | {"account_number": "6222020000002222"}
    recorded = await case.post("/v1/me/payout-accounts", case.rider, own)
    assert recorded.status_code == 201, recorded.text
    assert "6222020000002222" not in recorded.text
    again = await case.post("/v1/me/payout-accounts", case.rider, own)
    assert again.json()["code"] == "account-recorded-already"
    listed = await case.client.get("/v1/me/payout-accounts", headers=case.rider.headers)
    assert [each["account_ending"] for each in listed.json()["items"]] == ["2222"]
    plain = await scalar(
        app.state.database,
        "select count(*) from payout_account a where a::text like '%6222020000002222%'",
    )
    assert plain == 0
    changed = ACCOUNT | {"account_number": "6222020000003333"}
    second = await case.post("/v1/me/payout-accounts", case.rider, changed)
    assert second.json()["usable_from"] > recorded.json()["usable_from"]
    stranger = await make_rider(app)
    gone = f"/v1/me/payout-accounts/{second.json()['id']}"
    assert (await case.client.delete(gone, headers=stranger.headers)).status_code == 404
    assert (await case.client.delete(gone, headers=case.rider.headers)).status_code == 204


async def test_a_claim_with_nowhere_to_go_waits_for_an_account(case: Case, app: FastAPI) -> None:
    await scalar(
        app.state.database,
        "update member_account set openid_index = null where id = :id returning 1",
        id=case.rider.caller.account_id,
    )
    await case.submitted()
    approved = await case.approved(self_pay_fen=1_000_000, hospital_grade=2)
    assert approved["status"] == "approved"
    account = ACCOUNT | {"account_number": "6222020000004444"}
    await case.post("/v1/me/payout-accounts", case.rider, account)
    await run_jobs(app)
    assert (await case.own())["status"] == "paying"


async def test_no_handler_loses_an_error(
    approved: Case, app: FastAPI, simulators: Simulators
) -> None:
    """A refusal that time heals goes back to requested and asks for another run."""
    simulators.control(
        "faults", system="wechat-pay", mode="code", path=TRANSFERS, code="NOT_ENOUGH", status=403
    )
    payout = await row(app, approved)
    try:
        with pytest.raises(RetryLater):
            await JOBS["payouts.send"](context_of(app), {"payout_id": str(payout.id)})
    finally:
        simulators.control("faults/clear")
    assert (await row(app, approved)).status == "requested"
