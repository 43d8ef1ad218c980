"""The gateway's notices: proven, applied once, harmless when repeated, late or wrong."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.billing.events import CLOSE_ATTEMPT, REQUEST_REFUND
from app.billing.jobs import JOBS
from app.kernel.clock import system_now
from app.kernel.database import Database
from tests.cover_fixtures import (
    Gateway,
    Rider,
    at_business_time,
    context_of,
    jobs_of,
    make_rider,
    order,
    scalar,
)

pytestmark = pytest.mark.anyio


async def look(client: httpx.AsyncClient, rider: Rider, order_id: str) -> dict[str, Any]:
    answer = await client.get(f"/v1/me/orders/{order_id}", headers=rider.headers)
    assert answer.status_code == 200, answer.text
    view: dict[str, Any] = answer.json()
    return view


async def entries(database: Database, reference: str) -> dict[str, int]:
    """Account → fen of everything posted for an order's attempts and refunds."""
    found: dict[str, int] = await scalar(
        database,
        "select jsonb_object_agg(account_code, fen) from (select account_code, sum(amount_fen) fen"
        " from ledger_entry e join ledger_transaction t on t.id = e.transaction_id"
        " where t.reference_id in (select id from payment_attempt where order_id = :id"
        " union select id from refund where order_id = :id) group by account_code) x",
        id=reference,
    )
    return found


async def test_paid_order_policy_and_postings_are_one(
    client: httpx.AsyncClient, rider: Rider, gateway: Gateway, database: Database
) -> None:
    view = await gateway.settle(rider, await order(client, rider, shares=3))
    assert (view["status"], view["policy"]["status"]) == ("paid", "in_force")
    assert await entries(database, view["id"]) == {
        "gateway-clearing": 7500,
        "contributions:RIDER-ACC": -7500,
    }
    slots = "select count(*) from share_slot where policy_id = :id and released_at is null"
    assert await scalar(database, slots, id=view["policy"]["id"]) == 3
    due = "select count(*) from due_thing where subject_id = :id"
    assert await scalar(database, due, id=view["id"]) == 0
    told = "select array_agg(name order by sequence) from event_log where subject_id = :id"
    assert await scalar(database, told, id=view["id"]) == ["order.opened", "order.paid"]
    assert await scalar(database, told, id=view["policy"]["id"]) == ["policy.issued"]


async def test_a_notice_replayed_a_hundred_times_settles_once(
    client: httpx.AsyncClient, rider: Rider, gateway: Gateway, database: Database
) -> None:
    made = await order(client, rider)
    paid = await gateway.pay(rider, made["id"])
    copies = [gateway.payment_notice(paid, 2500, notice_id="n" * 32 + paid["out_trade_no"])] * 40
    copies += [gateway.payment_notice(paid, 2500) for _ in range(60)]
    random.shuffle(copies)
    for batch in range(0, 100, 10):
        answers = await asyncio.gather(
            *(gateway.deliver(one) for one in copies[batch : batch + 10])
        )
        assert set(answers) == {204}
    assert await entries(database, made["id"]) == {
        "gateway-clearing": 2500,
        "contributions:RIDER-ACC": -2500,
    }
    policies = "select count(*) from policy where order_id = :id"
    assert await scalar(database, policies, id=made["id"]) == 1
    paid_moves = "select count(*) from status_history where subject_id = :id and to_status = 'paid'"
    assert await scalar(database, paid_moves, id=made["id"]) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"resource": {"amount": {"total": 1, "currency": "CNY"}}},
        {"resource": {"amount": {"total": 2500, "currency": "USD"}}},
        {"resource": {"mchid": "1999999999"}},
        {"resource": {"appid": "wx0000000000000000"}},
    ],
)
async def test_a_notice_that_differs_from_the_order_is_refused_and_alerted(
    client: httpx.AsyncClient,
    rider: Rider,
    gateway: Gateway,
    database: Database,
    wrong: dict[str, Any],
) -> None:
    made = await order(client, rider)
    paid = await gateway.pay(rider, made["id"])
    notice = gateway.payment_notice(paid, 2500, **wrong)
    assert await gateway.deliver(notice) == 409
    assert await gateway.deliver(notice) == 409
    status = "select status from contribution_order where id = :id"
    assert await scalar(database, status, id=made["id"]) == "open"
    alerts = (
        "select count(*) from event_log where name = 'payment.alert'"
        " and content->>'reference' = :number"
    )
    assert await scalar(database, alerts, number=paid["out_trade_no"]) == 1


async def test_unproven_notices_change_nothing(
    client: httpx.AsyncClient, rider: Rider, gateway: Gateway, database: Database
) -> None:
    made = await order(client, rider)
    paid = await gateway.pay(rider, made["id"])
    headers, body = gateway.payment_notice(paid, 2500)
    altered = body.replace(b"TRANSACTION", b"TRANSACTIOM", 1)
    old = gateway.payment_notice(paid, 2500, offset_seconds=-301)
    foreign = gateway.payment_notice(paid, 2500, foreign=True)
    bare = {"Content-Type": "application/json"}
    for unproven in ((headers, altered), old, foreign, (bare, body), (headers, b"")):
        assert await gateway.deliver(unproven) == 401
    status = "select status from contribution_order where id = :id"
    assert await scalar(database, status, id=made["id"]) == "open"


async def test_an_unknown_trade_is_not_found_and_alerted(
    gateway: Gateway, database: Database
) -> None:
    paid = {"out_trade_no": "B-NOBODY-KNOWS", "transaction_id": "4200000000"}
    assert await gateway.deliver(gateway.payment_notice(paid, 2500)) == 404
    alerts = (
        "select count(*) from event_log where name = 'payment.alert'"
        " and content->>'reference' = 'B-NOBODY-KNOWS'"
    )
    assert await scalar(database, alerts) == 1


async def test_money_after_closing_is_suspended_and_sent_back(
    app: FastAPI, client: httpx.AsyncClient, rider: Rider, gateway: Gateway, database: Database
) -> None:
    made = await order(client, rider)
    paid = await gateway.pay(rider, made["id"])
    await client.post(f"/v1/me/orders/{made['id']}/cancellation", headers=rider.headers)
    assert await gateway.deliver(gateway.payment_notice(paid, 2500)) == 204
    view = await look(client, rider, made["id"])
    assert (view["status"], view["policy"]) == ("refunding", None)
    assert view["refund"]["reason_code"] == "paid_after_close"
    assert await entries(database, made["id"]) == {
        "gateway-clearing": 2500,
        "suspense": 0,
        "refunds-payable": -2500,
    }
    await refund_through_the_gateway(app, gateway, database, made["id"])
    view = await look(client, rider, made["id"])
    assert (view["status"], view["refund"]["status"]) == ("refunded", "succeeded")
    assert set((await entries(database, made["id"])).values()) == {0}
    told = (
        "select content->>'reason_code' from event_log"
        " where name = 'order.suspended' and subject_id = :id"
    )
    assert await scalar(database, told, id=made["id"]) == "paid_after_close"


async def refund_through_the_gateway(
    app: FastAPI, gateway: Gateway, database: Database, order_id: str
) -> None:
    """The worker asks for the refund; the gateway pays it and tells us, twice."""
    refund = "select id::text from refund where order_id = :id"
    refund_id = await scalar(database, refund, id=order_id)
    [payload] = await jobs_of(database, REQUEST_REFUND, refund_id)
    await JOBS[REQUEST_REFUND](context_of(app), payload)
    number = "select out_refund_no from refund where order_id = :id"
    told = app.state.outside.wechat_pay
    for _ in range(100):
        state = await told.query_refund(await scalar(database, number, id=order_id))
        if state.state == "SUCCESS":
            break
        await asyncio.sleep(0.02)
    notice = gateway.notice(
        "REFUND.SUCCESS",
        "refund",
        {
            "mchid": told.mchid,
            "out_trade_no": state.out_trade_no,
            "out_refund_no": state.out_refund_no,
            "transaction_id": state.transaction_id,
            "refund_id": state.refund_id,
            "refund_status": "SUCCESS",
            "success_time": system_now().isoformat(timespec="seconds"),
            "amount": {"total": state.total_fen, "refund": state.refund_fen},
        },
    )
    assert [await gateway.deliver(notice), await gateway.deliver(notice)] == [204, 204]
    walked = (
        "select string_agg(to_status, ' ' order by position) from status_history h"
        " where subject_id = :id and exists"
        " (select from audit_entry a where a.recorded_at = h.recorded_at)"
    )
    assert await scalar(database, walked, id=refund_id) == "requested accepted succeeded"


async def test_the_second_payment_of_one_order_goes_back(
    app: FastAPI, client: httpx.AsyncClient, plans: None, gateway: Gateway, database: Database
) -> None:
    rider = await make_rider(app, openid="o-second-payer-0001")
    made = await order(client, rider)
    first = await gateway.pay(rider, made["id"])
    path = f"/v1/me/orders/{made['id']}/payments"
    jsapi = await client.post(path, headers=rider.keyed, json={"trade_type": "jsapi"})
    assert jsapi.status_code == 201, jsapi.text
    second = gateway.simulators.control(
        "pay", parameters=jsapi.json()["client_parameters"], behaviour="dropped"
    )
    for paid in (first, second):
        assert await gateway.deliver(gateway.payment_notice(paid, 2500)) == 204
    view = await look(client, rider, made["id"])
    assert (view["status"], view["policy"]["status"]) == ("paid", "in_force")
    assert view["refund"]["reason_code"] == "paid_twice"
    await refund_through_the_gateway(app, gateway, database, made["id"])
    view = await look(client, rider, made["id"])
    assert (view["status"], view["refund"]["status"]) == ("paid", "succeeded")
    assert await entries(database, made["id"]) == {
        "gateway-clearing": 2500,
        "contributions:RIDER-ACC": -2500,
        "suspense": 0,
        "refunds-payable": 0,
    }


async def test_starting_a_payment_again_resumes_it(
    client: httpx.AsyncClient, rider: Rider, database: Database
) -> None:
    made = await order(client, rider)
    path = f"/v1/me/orders/{made['id']}/payments"
    answers = await asyncio.gather(
        *(client.post(path, headers=rider.keyed, json={"trade_type": "native"}) for _ in range(6))
    )
    taken = [answer.json() for answer in answers if answer.status_code == 201]
    assert len({view["code_url"] for view in taken}) == 1
    assert taken[0]["code_svg"].startswith("<svg")
    attempts = "select count(*) from payment_attempt where order_id = :id"
    assert await scalar(database, attempts, id=made["id"]) == 1


async def test_jsapi_needs_a_wechat_login(client: httpx.AsyncClient, rider: Rider) -> None:
    made = await order(client, rider)
    answer = await client.post(
        f"/v1/me/orders/{made['id']}/payments",
        headers=rider.keyed,
        json={"trade_type": "jsapi"},
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "wechat-login-needed")


async def test_a_silent_payment_is_found_when_the_member_looks(
    client: httpx.AsyncClient, rider: Rider, gateway: Gateway, database: Database
) -> None:
    made = await order(client, rider)
    await gateway.pay(rider, made["id"])
    assert (await look(client, rider, made["id"]))["status"] == "open"
    await age_attempts(database, made["id"])
    assert (await look(client, rider, made["id"]))["status"] == "paid"


async def age_attempts(database: Database, order_id: str) -> None:
    """As if the gateway had been silent for an hour."""
    await scalar(
        database,
        "update payment_attempt set asked_at = asked_at - interval '1 hour'"
        " where order_id = :id returning 1",
        id=order_id,
    )


async def test_the_reconciler_finds_silent_payments(
    app: FastAPI, client: httpx.AsyncClient, rider: Rider, gateway: Gateway, database: Database
) -> None:
    made = await order(client, rider)
    await gateway.pay(rider, made["id"])
    await age_attempts(database, made["id"])
    await JOBS["billing.reconcile"](context_of(app), {})
    status = "select status from contribution_order where id = :id"
    assert await scalar(database, status, id=made["id"]) == "paid"


async def test_an_order_that_ran_out_is_closed_here_and_at_the_gateway(
    app: FastAPI, client: httpx.AsyncClient, rider: Rider, gateway: Gateway, database: Database
) -> None:
    made = await order(client, rider, shares=3)
    path = f"/v1/me/orders/{made['id']}/payments"
    await client.post(path, headers=rider.keyed, json={"trade_type": "native"})
    context = context_of(app)
    await JOBS["billing.close_order"](context, {"subject_id": made["id"]})
    assert (await look(client, rider, made["id"]))["status"] == "open"
    await at_business_time(database, system_now() + timedelta(minutes=31))
    try:
        await JOBS["billing.close_order"](context, {"subject_id": made["id"]})
        assert (await look(client, rider, made["id"]))["status"] == "closed"
        [payload] = await jobs_of(
            database,
            CLOSE_ATTEMPT,
            await scalar(
                database,
                "select id::text from payment_attempt where order_id = :id",
                id=made["id"],
            ),
        )
        await JOBS[CLOSE_ATTEMPT](context, payload)
        await JOBS[CLOSE_ATTEMPT](context, payload)
        status = "select status from payment_attempt where order_id = :id"
        assert await scalar(database, status, id=made["id"]) == "closed"
        assert (await order(client, rider, shares=3))["status"] == "open"
    finally:
        await at_business_time(database, system_now())


async def test_what_was_paid_in_time_is_taken_when_the_order_runs_out(
    app: FastAPI, client: httpx.AsyncClient, rider: Rider, gateway: Gateway, database: Database
) -> None:
    made = await order(client, rider)
    await gateway.pay(rider, made["id"])
    await age_attempts(database, made["id"])
    await at_business_time(database, system_now() + timedelta(minutes=31))
    try:
        await JOBS["billing.close_order"](context_of(app), {"subject_id": made["id"]})
    finally:
        await at_business_time(database, system_now())
    assert (await look(client, rider, made["id"]))["status"] == "paid"


async def test_a_payment_after_midnight_still_gets_its_places(
    client: httpx.AsyncClient, rider: Rider, gateway: Gateway, database: Database
) -> None:
    """The order was opened before midnight, so its places were reserved for a day earlier."""
    made = await order(client, rider, shares=3)
    await scalar(
        database,
        "update share_slot set period = tstzrange(lower(period) - interval '1 day',"
        " upper(period) - interval '1 day') where order_id = :id returning 1",
        id=made["id"],
    )
    view = await gateway.settle(rider, made)
    moved = (
        "select count(*) from share_slot s join policy p on p.id = s.policy_id"
        " and p.period = s.period where p.id = :id"
    )
    assert await scalar(database, moved, id=view["policy"]["id"]) == 3


async def test_money_for_places_that_are_gone_is_suspended(
    app: FastAPI, client: httpx.AsyncClient, rider: Rider, gateway: Gateway, database: Database
) -> None:
    made, other = await order(client, rider), await order(client, await make_rider(app))
    paid = await gateway.pay(rider, made["id"])
    await scalar(
        database,
        "update share_slot set period = tstzrange(lower(period) - interval '9 years',"
        " upper(period) - interval '9 years') where order_id = :id returning 1",
        id=made["id"],
    )
    blocker = (
        "insert into share_slot (id, person_id, plan_code, slot, period, order_id)"
        " select gen_random_uuid(), o.person_id, 'RIDER-ACC', 1, o.reserved_period, b.id"
        " from contribution_order o, contribution_order b where o.id = :id and b.id = :other"
        " returning 1"
    )
    assert await scalar(database, blocker, id=made["id"], other=other["id"]) == 1
    assert await gateway.deliver(gateway.payment_notice(paid, 2500)) == 204
    view = await look(client, rider, made["id"])
    assert (view["status"], view["refund"]["reason_code"]) == ("refunding", "shares_taken")
    assert view["policy"] is None


async def test_refund_before_the_start(
    app: FastAPI, client: httpx.AsyncClient, rider: Rider, gateway: Gateway, database: Database
) -> None:
    view = await gateway.settle(rider, await order(client, rider, shares=2))
    path = f"/v1/me/orders/{view['id']}/refund"
    headers = rider.keyed
    answer = await client.post(path, headers=headers)
    assert (answer.status_code, answer.json()["status"]) == (202, "refunding")
    assert (await client.post(path, headers=headers)).content == answer.content
    assert (await client.post(path, headers=rider.keyed)).status_code == 409
    await refund_through_the_gateway(app, gateway, database, view["id"])
    view = await look(client, rider, view["id"])
    assert (view["status"], view["policy"]["status"]) == ("refunded", "cancelled")
    assert set((await entries(database, view["id"])).values()) == {0}
    assert (await order(client, rider, shares=3))["status"] == "open"


async def test_no_refund_once_cover_has_started(
    client: httpx.AsyncClient, rider: Rider, gateway: Gateway, database: Database
) -> None:
    view = await gateway.settle(rider, await order(client, rider))
    await at_business_time(database, system_now() + timedelta(days=2))
    try:
        answer = await client.post(f"/v1/me/orders/{view['id']}/refund", headers=rider.keyed)
    finally:
        await at_business_time(database, system_now())
    assert (answer.status_code, answer.json()["code"]) == (409, "cover-has-started")


async def test_a_gift_is_not_refunded(client: httpx.AsyncClient, rider: Rider) -> None:
    view = await order(client, rider, "SH-GIG-C")
    answer = await client.post(f"/v1/me/orders/{view['id']}/refund", headers=rider.keyed)
    assert (answer.status_code, answer.json()["code"]) == (409, "refund-not-offered")


async def test_refund_before_success_and_foreign_refunds_are_harmless(gateway: Gateway) -> None:
    notice = gateway.notice(
        "REFUND.SUCCESS",
        "refund",
        {
            "mchid": "1999999999",
            "out_trade_no": "T-1-unknown",
            "out_refund_no": "R-1-unknown",
            "transaction_id": "42",
            "refund_id": "50",
            "refund_status": "SUCCESS",
            "amount": {"total": 1, "refund": 1},
        },
    )
    assert await gateway.deliver(notice) == 401
