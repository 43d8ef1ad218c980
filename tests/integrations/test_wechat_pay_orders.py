"""Orders through our client at the simulated gateway."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from app.integrations.errors import Refused
from app.integrations.wechat_pay import WeChatPay
from tests.integrations import orders
from tests.simulators_fixture import Catcher, Simulators


async def test_jsapi_order_is_paid_and_told(
    pay: WeChatPay, simulators: Simulators, catcher: Catcher
) -> None:
    order, payer = orders.order(catcher.url("jsapi"), attach="携带 a+b"), orders.openid()
    prepay_id = await pay.prepay_jsapi(order, payer)
    unpaid = await pay.query_order(order.out_trade_no)
    assert (unpaid.state, unpaid.amount_fen, unpaid.paid_at) == ("NOTPAY", None, None)

    parameters = pay.client_parameters(prepay_id)
    assert parameters["package"] == f"prepay_id={prepay_id}"
    simulators.control("pay", parameters=parameters, openid=payer)

    paid = await pay.query_order(order.out_trade_no)
    assert (paid.state, paid.amount_fen, paid.payer_openid) == ("SUCCESS", 7500, payer)
    assert (paid.mchid, paid.appid, paid.attach) == (pay.mchid, pay.appid, "携带 a+b")
    assert paid.paid_at is not None
    assert abs(paid.paid_at - datetime.now(UTC)) < timedelta(seconds=10)

    caught = catcher.wait("jsapi")[0]
    notice = pay.decrypt_and_verify_notice(caught.headers, caught.body, datetime.now(UTC))
    assert notice.event_type == "TRANSACTION.SUCCESS"
    assert notice.content == paid


async def test_native_code_is_paid_by_anybody(
    pay: WeChatPay, simulators: Simulators, catcher: Catcher
) -> None:
    order = orders.order(catcher.url("native"))
    code_url = await pay.prepay_native(order)
    assert code_url.startswith("weixin://wxpay/bizpayurl?pr=")
    payer = orders.openid()
    simulators.control("pay", code_url=code_url, openid=payer)
    paid = await pay.query_order(order.out_trade_no)
    assert (paid.trade_type, paid.payer_openid) == ("NATIVE", payer)


async def test_same_order_again_gives_the_same_prepay_id(pay: WeChatPay, catcher: Catcher) -> None:
    order, payer = orders.order(catcher.url("again")), orders.openid()
    assert await pay.prepay_jsapi(order, payer) == await pay.prepay_jsapi(order, payer)
    with pytest.raises(Refused) as refused:
        await pay.prepay_jsapi(replace(order, amount_fen=1), payer)
    assert refused.value.code == "OUT_TRADE_NO_USED"


async def test_every_allowed_character_of_an_order_number_is_signed_as_sent(
    pay: WeChatPay, catcher: Catcher
) -> None:
    order = orders.order(catcher.url("odd"), out_trade_no=orders.number("A_-|*")[:32])
    await pay.prepay_jsapi(order, orders.openid())
    assert (await pay.query_order(order.out_trade_no)).out_trade_no == order.out_trade_no
    assert quote(order.out_trade_no, safe="") != order.out_trade_no


async def test_closed_order_can_be_neither_paid_nor_opened_again(
    pay: WeChatPay, simulators: Simulators, catcher: Catcher
) -> None:
    order, payer = orders.order(catcher.url("closed")), orders.openid()
    prepay_id = await pay.prepay_jsapi(order, payer)
    await pay.close_order(order.out_trade_no)
    assert (await pay.query_order(order.out_trade_no)).state == "CLOSED"
    response = simulators.client.post("/control/pay", json={"prepay_id": prepay_id})
    assert response.status_code == 409
    with pytest.raises(Refused) as refused:
        await pay.prepay_jsapi(order, payer)
    assert refused.value.code == "ORDER_CLOSED"


async def test_paid_order_cannot_be_closed(
    pay: WeChatPay, simulators: Simulators, catcher: Catcher
) -> None:
    order = orders.order(catcher.url("paid"))
    simulators.control("pay", prepay_id=await pay.prepay_jsapi(order, orders.openid()))
    for call in (pay.close_order(order.out_trade_no), pay.prepay_jsapi(order, orders.openid())):
        with pytest.raises(Refused):
            await call
    with pytest.raises(Refused) as refused:
        await pay.close_order(order.out_trade_no)
    assert refused.value.code == "ORDERPAID"


async def test_unknown_order(pay: WeChatPay) -> None:
    with pytest.raises(Refused) as refused:
        await pay.query_order(orders.number())
    assert refused.value.code == "ORDER_NOT_EXIST"


async def test_only_the_payer_pays_and_only_with_our_signature(
    pay: WeChatPay, simulators: Simulators, catcher: Catcher
) -> None:
    order = orders.order(catcher.url("payer"))
    prepay_id = await pay.prepay_jsapi(order, orders.openid())
    stranger = {"prepay_id": prepay_id, "openid": orders.openid()}
    assert simulators.client.post("/control/pay", json=stranger).status_code == 403
    forged = {"parameters": pay.client_parameters(prepay_id) | {"nonceStr": "another"}}
    assert simulators.client.post("/control/pay", json=forged).status_code == 400
    assert (await pay.query_order(order.out_trade_no)).state == "NOTPAY"


@pytest.mark.parametrize(
    "wrong",
    [
        {"out_trade_no": "short"},
        {"out_trade_no": "x" * 33},
        {"out_trade_no": "bad number!"},
        {"amount_fen": 0},
        {"description": "长" * 128},
        {"attach": "a" * 129},
        {"notify_url": "http://merchant.invalid/notice"},
        {"notify_url": "https://merchant.invalid/notice?order=1"},
        {"notify_url": "https://merchant.invalid/" + "n" * 255},
        {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)},
        {"expires_at": datetime(2099, 1, 1)},  # noqa: DTZ001
    ],
)
async def test_gateway_refuses_bad_fields(pay: WeChatPay, wrong: dict[str, Any]) -> None:
    good = orders.order("https://merchant.invalid/notice")
    with pytest.raises(Refused) as refused:
        await pay.prepay_native(replace(good, **wrong))
    assert refused.value.code == "PARAM_ERROR"
    assert "merchant" not in str(refused.value)
