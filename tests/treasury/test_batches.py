"""Batches of transfers: one file, one live row for each payout, results believed whole."""

import asyncio
import base64
import hashlib
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.kernel.clock import business_day, system_now
from app.kernel.workdays import workdays_after
from app.payouts import batch_jobs
from app.payouts.models import Payout
from app.worker import JOBS
from tests.claims.factories import poll, run_jobs
from tests.cover_fixtures import context_of, scalar
from tests.simulators_fixture import Simulators
from tests.treasury_fixtures import Municipal

pytestmark = pytest.mark.anyio

LARGE = 6_000_000


async def made(office: Municipal, *endings: str, channel: str = "door") -> tuple[Any, list[Payout]]:
    """Payouts that wait, and the batch of them; not handed in."""
    payouts = [await office.owe(LARGE + place, ending) for place, ending in enumerate(endings)]
    await run_jobs(office.app)
    answer = await office.post("payout-batches", {"channel": channel})
    assert answer.status_code == 201, answer.text
    return answer.json(), payouts


async def look(office: Municipal, batch_id: str) -> dict[str, Any]:
    """A look of the worker, with what follows from it."""
    await scalar(
        office.app.state.database,
        "update payout_batch set next_look_at = now() where id = :id returning 1",
        id=UUID(batch_id),
    )
    await batch_jobs.look_after(context_of(office.app), {})
    await run_jobs(office.app)
    view: dict[str, Any] = (await office.get(f"payout-batches/{batch_id}")).json()
    return view


async def until(office: Municipal, batch_id: str, status: str) -> dict[str, Any]:
    for _ in range(60):
        view = await look(office, batch_id)
        if view["status"] == status:
            return view
        await asyncio.sleep(0.03)
    raise AssertionError(view)


def tally(view: dict[str, Any]) -> dict[str, int]:
    return {each["outcome"]: each["rows"] for each in view["tally"]}


async def decided(simulators: Simulators, *payouts: Payout) -> None:
    """The bank has settled these."""
    await asyncio.sleep(0.15)


async def upload(office: Municipal, batch_id: str, content: bytes) -> Any:
    headers = office.supervisor.keyed | {"Content-Type": "text/csv"}
    return await office.client.post(
        f"/v1/staff/payout-batches/{batch_id}/results", headers=headers, content=content
    )


def result_of(simulators: Simulators, batch: dict[str, Any], **fate: Any) -> bytes:
    simulators.control("bank/batches/fate", number=batch["number"], **fate)
    told = simulators.control("bank/batches/result", number=batch["number"])
    simulators.control("bank/batches/fate", number=batch["number"])
    return base64.b64decode(told["content"])


async def test_small_money_goes_alone_and_large_waits(office: Municipal) -> None:
    small, large = await office.owe(5_000_000), await office.owe(5_000_001)
    await run_jobs(office.app)
    assert (await office.payout(small.id)).status == "accepted"
    waiting = await office.payout(large.id)
    assert (waiting.status, waiting.lane, waiting.next_poll_at) == ("requested", "batch", None)
    await poll(office.app)
    assert (await office.payout(large.id)).status == "requested"
    answer = await office.post(f"payouts/{large.id}/dispatch")
    assert answer.status_code == 200, answer.text
    await run_jobs(office.app)
    assert (await office.payout(large.id)).status == "accepted"
    again = await office.post(f"payouts/{large.id}/dispatch")
    assert again.json()["code"] == "payout-not-waiting-for-batch"


async def test_a_batch_from_file_to_result(office: Municipal, simulators: Simulators) -> None:
    batch, payouts = await made(office, "1234", "5678", "9992")
    assert (batch["rows"], batch["amount_fen"]) == (3, 3 * LARGE + 3)
    assert batch["status"] == "prepared"
    assert {(await office.payout(each.id)).status for each in payouts} == {"sending"}
    assert (await office.post("payout-batches", {})).json()["code"] == "nothing-to-batch"
    await run_jobs(office.app)
    view = await until(office, batch["id"], "settled")
    assert tally(view) == {"paid": 2, "failed": 1}
    rows = (await office.get(f"payout-batches/{batch['id']}/rows")).json()["items"]
    assert [row["outcome"] for row in rows] == ["paid", "paid", "failed"]
    assert rows[2]["code"] == "account_closed"
    failed = await office.payout(payouts[2].id)
    assert (failed.status, failed.failure_code) == ("failed", "account_closed")
    booked = "select coalesce(sum(amount_fen), 0) from ledger_entry where account_code = 'bank'"
    assert await scalar(office.app.state.database, booked) == -(2 * LARGE + 1)
    assert await office.unhealthy() == {}


async def test_the_file_opens_once_for_one_person(office: Municipal) -> None:
    batch, _ = await made(office, "1234", channel="hand")
    link = await office.post(f"payout-batches/{batch['id']}/file-links")
    url = link.json()["url"]
    foreign = await office.client.get(url, headers=office.another_supervisor.headers)
    assert foreign.status_code == 410
    opened = await office.client.get(url, headers=office.supervisor.headers)
    assert hashlib.sha256(opened.content).hexdigest() == batch["sha256"]
    words = opened.content.decode("gb18030")
    assert batch["number"] in words
    assert "张小明" in words
    used = await office.client.get(url, headers=office.supervisor.headers)
    assert (used.status_code, used.json()["code"]) == (410, "batch-file-link-expired")
    forged = await office.client.get(f"{url[:-2]}AA", headers=office.supervisor.headers)
    assert forged.status_code in (404, 410)
    read = "select count(*) from audit_entry where action = 'payout_batch.read'"
    assert await scalar(office.app.state.database, read) == 1
    plain = "select count(*) from payout_batch b where encode(sealed_file, 'escape') like '%62220%'"
    assert await scalar(office.app.state.database, plain) == 0


@pytest.mark.parametrize(
    ("fate", "code"),
    [
        ("wrong_control", "result-control-differs"),
        ("wrong_amount", "result-foreign"),
        ("foreign_row", "result-foreign"),
    ],
)
async def test_a_file_that_does_not_hold_changes_nothing(
    office: Municipal, simulators: Simulators, fate: str, code: str
) -> None:
    batch, payouts = await made(office, "1234", "5678")
    await run_jobs(office.app)
    await decided(simulators)
    refused = await upload(office, batch["id"], result_of(simulators, batch, fate=fate))
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert {(await office.payout(each.id)).status for each in payouts} == {"accepted"}
    # Fetched by the worker it is refused all the same.
    simulators.control("bank/batches/fate", number=batch["number"], fate=fate)
    assert tally(await look(office, batch["id"])) == {"pending": 2}
    simulators.control("bank/batches/fate", number=batch["number"])
    assert tally(await until(office, batch["id"], "settled")) == {"paid": 2}
    for rubbish in (b"", b"\xff\xfe", b"a,b\n1,2\n", "批次号,X,总笔数,1".encode("gb18030")):
        answer = await upload(office, batch["id"], rubbish)
        assert (answer.status_code, answer.json()["code"]) == (422, "result-unreadable")


async def test_the_same_file_again_changes_nothing(
    office: Municipal, simulators: Simulators
) -> None:
    batch, payouts = await made(office, "1234", "9990")
    await run_jobs(office.app)
    await decided(simulators)
    content = result_of(simulators, batch, fate="duplicate")
    first = await upload(office, batch["id"], content)
    assert (first.status_code, first.json()["rows"]) == (201, 2), first.text
    second = await upload(office, batch["id"], content)
    assert second.json()["id"] == first.json()["id"]
    await run_jobs(office.app)
    for _ in range(2):
        payload = {"result_id": first.json()["id"]}
        await JOBS["payouts.apply_result"](context_of(office.app), payload)
    assert (await office.payout(payouts[0].id)).status == "paid"
    booked = "select count(*) from ledger_transaction where kind = 'refund.paid'"
    assert await scalar(office.app.state.database, booked) == 1
    history = "select count(*) from status_history where subject = 'payout' and subject_id = :id"
    # requested, sending, accepted, paid
    assert await scalar(office.app.state.database, history, id=payouts[0].id) == 4
    assert (await office.get(f"payout-batches/{batch['id']}")).json()["status"] == "settled"
    assert await office.unhealthy() == {}


async def test_partial_and_late_rows_come_with_the_next_file(
    office: Municipal, simulators: Simulators
) -> None:
    batch, payouts = await made(office, "1234", "5678", "4321")
    late = [payouts[2].out_bill_no]
    simulators.control("bank/batches/fate", number=batch["number"], fate="late", references=late)
    await run_jobs(office.app)
    await decided(simulators)
    assert tally(await look(office, batch["id"])) == {"paid": 2, "pending": 1}
    simulators.control("bank/batches/fate", number=batch["number"])
    assert tally(await until(office, batch["id"], "settled")) == {"paid": 3}
    results = "select count(*) from payout_batch_result"
    assert await scalar(office.app.state.database, results) == 2


async def test_a_row_without_a_result_is_asked_about_and_keeps_its_number(
    office: Municipal, simulators: Simulators
) -> None:
    batch, [silent] = await made(office, "1234")
    simulators.control("bank/batches/fate", number=batch["number"], fate="silent")
    await run_jobs(office.app)
    await decided(simulators)
    assert tally(await look(office, batch["id"])) == {"pending": 1}
    due = "select due_at from due_thing where job = 'payouts.ask_rows'"
    third = workdays_after(business_day(system_now()), 3)
    assert business_day(await scalar(office.app.state.database, due)) == third
    payload = {"subject_id": batch["id"]}
    await JOBS["payouts.ask_rows"](context_of(office.app), payload)
    assert (await office.payout(silent.id)).status == "unknown"
    await poll(office.app)
    paid = await office.payout(silent.id)
    assert (paid.status, paid.out_bill_no) == ("paid", silent.out_bill_no)
    assert tally(await until(office, batch["id"], "settled")) == {"paid": 1}
    assert await office.unhealthy() == {}


async def test_a_row_the_bank_does_not_know_is_asked_about(
    office: Municipal, simulators: Simulators
) -> None:
    batch, payouts = await made(office, "1234", "5678")
    unknown = [payouts[0].out_bill_no]
    simulators.control(
        "bank/batches/fate", number=batch["number"], fate="unknown", references=unknown
    )
    await run_jobs(office.app)
    await decided(simulators)
    assert tally(await look(office, batch["id"])) == {"unknown": 1, "paid": 1}
    await poll(office.app)
    assert (await office.payout(payouts[0].id)).status == "paid"
    assert await office.unhealthy() == {}


@pytest.mark.parametrize("mode", ["silent", "time_out", "error", "foreign_signature"])
async def test_a_hand_in_without_an_answer_is_asked_about(
    office: Municipal, simulators: Simulators, mode: str
) -> None:
    batch, [payout] = await made(office, "1234")
    simulators.control("faults", system="bank", mode=mode, path="/v1/batches", delay_ms=50)
    try:
        await run_jobs(office.app, rounds=1)
    finally:
        simulators.control("faults/clear")
    assert (await office.get(f"payout-batches/{batch['id']}")).json()["status"] == "unknown"
    assert tally(await until(office, batch["id"], "settled")) == {"paid": 1}
    assert (await office.payout(payout.id)).out_bill_no == payout.out_bill_no


async def test_a_refused_file_frees_its_payouts_for_another(
    office: Municipal, simulators: Simulators
) -> None:
    batch, [payout] = await made(office, "1234")
    simulators.control(
        "faults", system="bank", mode="code", path="/v1/batches", code="insufficient_funds"
    )
    try:
        await run_jobs(office.app, rounds=1)
    finally:
        simulators.control("faults/clear")
    view = (await office.get(f"payout-batches/{batch['id']}")).json()
    assert (view["status"], view["refusal_code"]) == ("refused", "insufficient_funds")
    assert tally(view) == {"released": 1}
    again = await office.post("payout-batches", {})
    assert again.json()["rows"] == 1
    await run_jobs(office.app)
    assert tally(await until(office, again.json()["id"], "settled")) == {"paid": 1}
    assert (await office.payout(payout.id)).out_bill_no == payout.out_bill_no
    assert await office.unhealthy() == {}


async def test_two_makers_never_take_the_same_payout(office: Municipal) -> None:
    for place in range(4):
        await office.owe(LARGE + place)
    await run_jobs(office.app)
    answers = await asyncio.gather(*(office.post("payout-batches", {}) for _ in range(6)))
    rows = sum(answer.json()["rows"] for answer in answers if answer.status_code == 201)
    assert rows == 4
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert await office.unhealthy() == {}


async def test_by_hand(office: Municipal, simulators: Simulators) -> None:
    batch, [payout] = await made(office, "1234", channel="hand")
    await run_jobs(office.app)
    assert (await office.get(f"payout-batches/{batch['id']}")).json()["status"] == "prepared"
    early = await upload(office, batch["id"], b"anything")
    assert (early.status_code, early.json()["code"]) == (409, "batch-not-submitted")
    url = (await office.post(f"payout-batches/{batch['id']}/file-links")).json()["url"]
    content = (await office.client.get(url, headers=office.supervisor.headers)).content
    simulators.control(
        "bank/batches/submit",
        number=batch["number"],
        rows=batch["rows"],
        amount_fen=batch["amount_fen"],
        sha256=batch["sha256"],
        content=base64.b64encode(content).decode(),
    )
    submitted = await office.post(f"payout-batches/{batch['id']}/submission")
    assert (submitted.status_code, submitted.json()["status"]) == (200, "submitted")
    await decided(simulators)
    done = await upload(office, batch["id"], result_of(simulators, batch))
    assert done.status_code == 201, done.text
    await run_jobs(office.app)
    assert (await office.payout(payout.id)).status == "paid"
    by_door, _ = await made(office, "1234")
    refused = await office.post(f"payout-batches/{by_door['id']}/submission")
    assert refused.json()["code"] == "batch-not-by-hand"


async def test_the_worker_makes_the_days_batch_after_its_hour(office: Municipal) -> None:
    today = date(2027, 3, 3)
    count = "select count(*) from payout_batch"
    await office.today_is(today)
    await office.owe(LARGE)
    await run_jobs(office.app)
    await batch_jobs.make_daily(context_of(office.app), {})
    assert await scalar(office.app.state.database, count) == 0
    await office.today_is(today + timedelta(days=1))
    await batch_jobs.make_daily(context_of(office.app), {})
    assert await scalar(office.app.state.database, count) == 1
    await batch_jobs.make_daily(context_of(office.app), {})
    assert await scalar(office.app.state.database, count) == 1


async def test_what_waits_for_a_batch_can_be_stopped_and_what_is_in_one_cannot(
    office: Municipal,
) -> None:
    payout = await office.owe(LARGE)
    await run_jobs(office.app)
    stopped = await office.post(f"payouts/{payout.id}/stop", {"reason": "wrong_payee"})
    assert (stopped.status_code, stopped.json()["status"]) == (200, "failed"), stopped.text
    assert stopped.json()["failure_code"] == "stopped"
    assert (await office.post("payout-batches", {})).status_code == 409
    _, [held] = await made(office, "1234")
    refused = await office.post(f"payouts/{held.id}/stop", {"reason": "wrong_payee"})
    assert (refused.status_code, refused.json()["code"]) == (409, "payout-not-stoppable")
