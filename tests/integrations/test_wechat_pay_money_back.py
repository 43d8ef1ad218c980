"""Refunds, transfers and the daily bill through our client at the simulated gateway."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app.integrations.errors import Refused
from app.integrations.http import create_http
from app.integrations.wechat_pay import (
    OrderRequest,
    Refund,
    Transfer,
    WeChatPay,
    create_wechat_pay,
)
from tests.integrations import orders
from tests.simulators_fixture import Catcher, Simulators, run_simulators

SHANGHAI = ZoneInfo("Asia/Shanghai")


async def paid_order(pay: WeChatPay, simulators: Simulators, notify_url: str) -> OrderRequest:
    order = orders.order(notify_url)
    simulators.control("pay", prepay_id=await pay.prepay_jsapi(order, orders.openid()))
    return order


async def refund_at_the_end(pay: WeChatPay, out_refund_no: str) -> Refund:
    for _ in range(200):
        if (refund := await pay.query_refund(out_refund_no)).state != "PROCESSING":
            return refund
        await asyncio.sleep(0.02)
    raise AssertionError("the refund never ended")


async def test_refund_is_taken_finished_and_told(
    pay: WeChatPay, simulators: Simulators, catcher: Catcher
) -> None:
    order = await paid_order(pay, simulators, catcher.url("refund"))
    request = orders.refund(order, refund_fen=2500)
    assert (await pay.refund(request)).state == "PROCESSING"
    done = await refund_at_the_end(pay, request.out_refund_no)
    assert (done.state, done.refund_fen, done.total_fen) == ("SUCCESS", 2500, 7500)
    assert (await pay.query_order(order.out_trade_no)).state == "REFUND"
    told = [
        pay.decrypt_and_verify_notice(each.headers, each.body, datetime.now(UTC))
        for each in catcher.wait("refund", 2)
    ]
    assert {notice.event_type for notice in told} == {"TRANSACTION.SUCCESS", "REFUND.SUCCESS"}
    assert [each.content for each in told if each.event_type == "REFUND.SUCCESS"] == [done]


async def test_same_refund_number_pays_once_and_no_more_than_was_paid(
    pay: WeChatPay, simulators: Simulators, catcher: Catcher
) -> None:
    order = await paid_order(pay, simulators, catcher.url("refund-once"))
    request = orders.refund(order, refund_fen=5000)
    first, again = await pay.refund(request), await pay.refund(request)
    assert first.refund_id == again.refund_id
    for wrong in (
        replace(request, refund_fen=1),
        orders.refund(order, refund_fen=2501),
        orders.refund(order, total_fen=7501),
    ):
        with pytest.raises(Refused) as refused:
            await pay.refund(wrong)
        assert refused.value.code == "INVALID_REQUEST"
    await pay.refund(orders.refund(order, refund_fen=2500))
    with pytest.raises(Refused) as refused:
        await pay.query_refund(orders.number("R"))
    assert refused.value.code == "RESOURCE_NOT_EXISTS"


async def test_refund_that_the_bank_sends_back(
    pay: WeChatPay, simulators: Simulators, catcher: Catcher
) -> None:
    order = await paid_order(pay, simulators, catcher.url("abnormal"))
    simulators.control("refunds/next", state="ABNORMAL")
    request = orders.refund(order)
    await pay.refund(request)
    done = await refund_at_the_end(pay, request.out_refund_no)
    assert (done.state, done.succeeded_at) == ("ABNORMAL", None)


async def test_transfer_waits_for_the_rider_and_succeeds(
    pay: WeChatPay, simulators: Simulators, catcher: Catcher
) -> None:
    request = orders.transfer(catcher.url("transfer"))
    waiting = await pay.transfer(request)
    assert waiting.state == "WAIT_USER_CONFIRM"
    assert waiting.package_info is not None
    assert await pay.transfer(request) == waiting
    parameters = pay.transfer_parameters(waiting.package_info)
    assert parameters == {"mchId": pay.mchid, "appId": pay.appid, "package": waiting.package_info}

    chosen = {"package_info": parameters["package"], "openid": orders.openid()}
    assert simulators.client.post("/control/transfers/confirm", json=chosen).status_code == 403
    simulators.control("transfers/confirm", **(chosen | {"openid": request.openid}))
    done = await pay.query_transfer(request.out_bill_no)
    assert (done.state, done.amount_fen, done.openid) == ("SUCCESS", 150_000, request.openid)
    caught = catcher.wait("transfer")[0]
    notice = pay.decrypt_and_verify_notice(caught.headers, caught.body, datetime.now(UTC))
    assert notice.event_type == "MCHTRANSFER.BILL.FINISHED"
    assert notice.content == done


async def test_transfer_may_stay_accepted_for_a_while(
    pay: WeChatPay, simulators: Simulators, catcher: Catcher
) -> None:
    simulators.control("transfers/next", seconds=0.1)
    request = orders.transfer(catcher.url("accepted"))
    first = await pay.transfer(request)
    assert (first.state, first.package_info) == ("ACCEPTED", None)
    await asyncio.sleep(0.4)
    now = await pay.transfer(request)
    assert (now.state, now.transfer_bill_no) == ("WAIT_USER_CONFIRM", first.transfer_bill_no)
    assert now.package_info


@pytest.mark.parametrize("how", ["control", "clock"])
async def test_unconfirmed_transfer_fails(tmp_path: Path, catcher: Catcher, how: str) -> None:
    with run_simulators(tmp_path) as own:
        settings = own.settings()
        async with create_http(settings) as http:
            pay = create_wechat_pay(settings, http)
            request = orders.transfer(catcher.url(f"overdue-{how}"))
            await pay.transfer(request)
            if how == "control":
                own.control("transfers/expire", out_bill_no=request.out_bill_no)
            else:
                own.control("clock", advance_seconds=86_401)
                catcher.wait("overdue-clock")
            done = await pay.query_transfer(request.out_bill_no)
            assert (done.state, done.fail_reason) == ("FAIL", "OVERDUE_CLOSE")
            assert await pay.transfer(request) == Transfer(
                request.out_bill_no, done.transfer_bill_no, "FAIL"
            )


async def test_transfer_can_be_taken_back_before_it_is_confirmed(
    pay: WeChatPay, simulators: Simulators, catcher: Catcher
) -> None:
    request = orders.transfer(catcher.url("cancel"))
    await pay.transfer(request)
    assert (await pay.cancel_transfer(request.out_bill_no)).state == "CANCELING"
    catcher.wait("cancel")
    assert (await pay.query_transfer(request.out_bill_no)).state == "CANCELLED"
    paid = orders.transfer(catcher.url("cancel-late"))
    await pay.transfer(paid)
    simulators.control("transfers/confirm", out_bill_no=paid.out_bill_no)
    with pytest.raises(Refused):
        await pay.cancel_transfer(paid.out_bill_no)


async def test_large_transfer_carries_the_sealed_name(
    pay: WeChatPay, simulators: Simulators, catcher: Catcher
) -> None:
    known = simulators.control("wechat/codes", phone="+8613800000021", name="测试骑手")
    large = orders.transfer(
        catcher.url("name"), amount_fen=200_000, user_name="测试骑手", openid=known["openid"]
    )
    assert (await pay.transfer(large)).state == "WAIT_USER_CONFIRM"
    # Sealed differently each time, and still the same request.
    assert (await pay.transfer(large)).state == "WAIT_USER_CONFIRM"
    with pytest.raises(ValueError, match="name"):
        await pay.transfer(orders.transfer(catcher.url("name"), amount_fen=200_000))
    wrong = replace(large, out_bill_no=orders.number("P"), user_name="测试乘客")
    await pay.transfer(wrong)
    failed = await pay.query_transfer(wrong.out_bill_no)
    assert (failed.state, failed.fail_reason) == ("FAIL", "REAL_NAME_CHECK_FAIL")
    assert "测试骑手" not in repr(large)


async def test_same_transfer_number_with_other_content_is_refused(
    pay: WeChatPay, catcher: Catcher
) -> None:
    request = orders.transfer(catcher.url("reuse"))
    await pay.transfer(request)
    with pytest.raises(Refused) as refused:
        await pay.transfer(replace(request, amount_fen=1))
    assert refused.value.code == "INVALID_REQUEST"
    with pytest.raises(Refused) as refused:
        await pay.transfer(orders.transfer(catcher.url("reuse"), out_bill_no="with-dash"))
    assert refused.value.code == "PARAM_ERROR"
    with pytest.raises(Refused) as refused:
        await pay.query_transfer(orders.number("P"))
    assert refused.value.code == "NOT_FOUND"


async def test_daily_bill_lists_payments_and_refunds(tmp_path: Path, catcher: Catcher) -> None:
    with run_simulators(tmp_path) as own:
        settings = own.settings()
        async with create_http(settings) as http:
            pay = create_wechat_pay(settings, http)
            order = await paid_order(pay, own, catcher.url("bill"))
            other = await paid_order(pay, own, catcher.url("bill"))
            request = orders.refund(order, refund_fen=2500)
            await pay.refund(request)
            done = await refund_at_the_end(pay, request.out_refund_no)
            today = datetime.now(UTC).astimezone(SHANGHAI).date()
            with pytest.raises(Refused):
                await pay.trade_bill(today)
            own.control("clock", advance_seconds=86_400)
            bill = await pay.trade_bill(today)
            with pytest.raises(Refused) as refused:
                await pay.trade_bill(date(2020, 1, 1))
            assert refused.value.code == "NO_STATEMENT_EXIST"
    assert (bill.on, bill.amount_fen, bill.refund_fen) == (today, 15_000, 2500)
    by_state = {(row.out_trade_no, row.state): row for row in bill.rows}
    assert set(by_state) == {
        (order.out_trade_no, "SUCCESS"),
        (other.out_trade_no, "SUCCESS"),
        (order.out_trade_no, "REFUND"),
    }
    payment, refund = (by_state[order.out_trade_no, state] for state in ("SUCCESS", "REFUND"))
    assert (payment.amount_fen, payment.refund_fen, payment.refund_id) == (7500, 0, None)
    assert (refund.amount_fen, refund.refund_fen) == (0, 2500)
    assert (refund.refund_id, refund.out_refund_no) == (done.refund_id, done.out_refund_no)
    assert abs(payment.at - datetime.now(UTC)) < timedelta(minutes=1)
