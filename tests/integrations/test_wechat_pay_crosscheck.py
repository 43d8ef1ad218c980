"""An independent implementation, wechatpayv3, confirms both directions of the protocol."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import respx
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate
from wechatpayv3 import WeChatPay as ForeignMerchant
from wechatpayv3 import WeChatPayType
from wechatpayv3.utils import load_public_key, rsa_decrypt, rsa_verify

from app.integrations.wechat_pay import WeChatPay, create_wechat_pay
from app.integrations.wechat_pay.signing import load_merchant_key
from app.settings import Settings
from app.simulators import config
from tests.integrations import orders
from tests.simulators_fixture import Catcher, Simulators


@pytest.fixture(scope="session")
def merchant(simulators: Simulators, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """wechatpayv3 as our merchant, sent to the simulated gateway."""
    known = config.load(simulators.directory)
    certificates = tmp_path_factory.mktemp("certificates")
    (certificates / "platform.pem").write_bytes(known.platform_certificate)
    foreign = ForeignMerchant(
        wechatpay_type=WeChatPayType.JSAPI,
        mchid=known.mchid,
        private_key=(simulators.directory / config.MERCHANT_KEY_FILE).read_text(),
        cert_serial_no=known.merchant_serial,
        appid=known.appid,
        apiv3_key=known.api_v3_key,
        notify_url="https://merchant.invalid/notice",
        cert_dir=str(certificates),
    )
    foreign._core._gate_way = f"{simulators.base_url}/wechat-pay"
    return foreign


def answered(answer: tuple[int, str], status: int = 200) -> dict[str, Any]:
    assert answer[0] == status, answer[1]
    return json.loads(answer[1]) if answer[1] else {}


def test_foreign_merchant_is_served(
    merchant: Any, simulators: Simulators, catcher: Catcher
) -> None:
    number, payer = orders.number(), orders.openid()
    opened = answered(
        merchant.pay(
            description="骑手意外互助保障",
            out_trade_no=number,
            amount={"total": 7500, "currency": "CNY"},
            payer={"openid": payer},
            notify_url=catcher.url("foreign"),
        )
    )
    timestamp, nonce, package = "1690000000", "nonce", f"prepay_id={opened['prepay_id']}"
    pay_sign = merchant.sign(data=[merchant._appid, timestamp, nonce, package])
    simulators.control(
        "pay",
        openid=payer,
        parameters={
            "timeStamp": timestamp,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": pay_sign,
        },
    )
    assert answered(merchant.query(out_trade_no=number))["trade_state"] == "SUCCESS"
    caught = catcher.wait("foreign")[0]
    notice = merchant.callback(caught.headers, caught.body)
    assert notice["event_type"] == "TRANSACTION.SUCCESS"
    assert notice["resource"]["amount"]["total"] == 7500
    assert merchant.callback(caught.headers, caught.body.replace(b"SUCCESS", b"FAILURE")) is None

    refund_number = orders.number("R")
    asked = merchant.refund(
        out_refund_no=refund_number,
        out_trade_no=number,
        amount={"refund": 1, "total": 7500, "currency": "CNY"},
        notify_url=catcher.url("foreign"),
    )
    assert answered(asked)["status"] == "PROCESSING"
    refund = merchant.callback(catcher.wait("foreign", 2)[1].headers, catcher.at("foreign")[1].body)
    assert refund["resource"]["out_refund_no"] == refund_number
    assert answered(merchant.query_refund(refund_number))["status"] == "SUCCESS"


def test_foreign_merchant_closes_and_is_refused(merchant: Any) -> None:
    number = orders.number()
    opened = merchant.pay(
        description="骑手意外互助保障",
        out_trade_no=number,
        amount={"total": 7500},
        pay_type=WeChatPayType.NATIVE,
    )
    assert answered(opened)["code_url"].startswith("weixin://")
    assert merchant.close(number)[0] == 204
    assert answered(merchant.query(out_trade_no=number))["trade_state"] == "CLOSED"
    again = merchant.pay(
        description="骑手意外互助保障",
        out_trade_no=number,
        amount={"total": 7500},
        pay_type=WeChatPayType.NATIVE,
    )
    assert answered(again, 400)["code"] == "ORDER_CLOSED"


def test_foreign_merchant_transfers(
    merchant: Any, simulators: Simulators, catcher: Catcher
) -> None:
    number = orders.number("P")
    sent = answered(
        merchant.mch_transfer_bills(
            out_bill_no=number,
            transfer_scene_id="1000",
            openid=orders.openid(),
            transfer_amount=1000,
            transfer_remark="互助金",
            transfer_scene_report_infos=[{"info_type": "活动名称", "info_content": "互助金给付"}],
            notify_url=catcher.url("foreign-transfer"),
        )
    )
    assert sent["state"] == "WAIT_USER_CONFIRM"
    simulators.control("transfers/confirm", package_info=sent["package_info"])
    assert answered(merchant.mch_transfer_bills_query(out_bill_no=number))["state"] == "SUCCESS"
    caught = catcher.wait("foreign-transfer")[0]
    told = merchant.callback(caught.headers, caught.body)
    assert told["resource"]["out_bill_no"] == number


def test_foreign_merchant_downloads_certificates(merchant: Any, simulators: Simulators) -> None:
    known = merchant._core._certificates[0].serial_number
    merchant._core._update_certificates()
    assert [each.serial_number for each in merchant._core._certificates] == [known]


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


@pytest.fixture
def merchant_key(simulators: Simulators) -> Any:
    return load_public_key((simulators.directory / config.MERCHANT_PUBLIC_FILE).read_text())


def fields(authorization: str) -> dict[str, str]:
    scheme, _, rest = authorization.partition(" ")
    assert scheme == "WECHATPAY2-SHA256-RSA2048"
    pairs = (each.partition("=") for each in rest.split(","))
    return {name: value.strip('"') for name, _, value in pairs}


async def test_our_requests_carry_a_signature_that_others_accept(
    settings: Settings,
    http: httpx.AsyncClient,
    wire: respx.MockRouter,
    simulators: Simulators,
    merchant_key: Any,
) -> None:
    pay = create_wechat_pay(settings, http)
    route = wire.route(url__startswith=settings.wechat_pay_base_url).mock(
        return_value=httpx.Response(400, json={"code": "PARAM_ERROR", "message": "no"})
    )
    order = orders.order("https://merchant.invalid/notice")
    for call, path in (
        (pay.prepay_jsapi(order, orders.openid()), "/v3/pay/transactions/jsapi"),
        (pay.query_refund("R*1"), "/v3/refund/domestic/refunds/R%2A1"),
        (
            pay.query_order(order.out_trade_no),
            f"/v3/pay/transactions/out-trade-no/{order.out_trade_no}?mchid={pay.mchid}",
        ),
    ):
        with pytest.raises(Exception, match="PARAM_ERROR"):
            await call
        request = route.calls.last.request
        assert request.url.raw_path.decode() == f"/wechat-pay{path}"
        given = fields(request.headers["authorization"])
        assert set(given) == {"mchid", "nonce_str", "signature", "timestamp", "serial_no"}
        assert (given["mchid"], given["serial_no"]) == (
            settings.wechat_pay_mchid,
            settings.wechat_pay_merchant_serial,
        )
        # rsa_verify puts a line feed behind each of its three texts.
        first = f"{request.method}\n{path}\n{given['timestamp']}"
        body = request.content.decode()
        assert rsa_verify(first, given["nonce_str"], body, given["signature"], merchant_key)
        assert not rsa_verify(
            first, given["nonce_str"], body + " ", given["signature"], merchant_key
        )


async def test_our_sealed_name_opens_elsewhere(
    settings: Settings, http: httpx.AsyncClient, wire: respx.MockRouter, simulators: Simulators
) -> None:
    route = wire.post(url__startswith=settings.wechat_pay_base_url).mock(
        return_value=httpx.Response(400, json={"code": "PARAM_ERROR"})
    )
    request = orders.transfer(
        "https://merchant.invalid/n", amount_fen=200_000, user_name="测试骑手"
    )
    with pytest.raises(Exception, match="PARAM_ERROR"):
        await create_wechat_pay(settings, http).transfer(request)
    sent = route.calls.last.request
    known = config.load(simulators.directory)
    key = load_pem_private_key(known.platform_private_key, None)
    assert rsa_decrypt(json.loads(sent.content)["user_name"], key) == "测试骑手"
    assert sent.headers["wechatpay-serial"] == settings_serial(known)
    assert "测试骑手" not in sent.content.decode()


def settings_serial(known: config.SimulatorConfig) -> str:
    return format(load_pem_x509_certificate(known.platform_certificate).serial_number, "X")


def test_our_pay_sign_is_what_others_compute(verifier: WeChatPay, merchant: Any) -> None:
    given = verifier.client_parameters("wx221000000000")
    assert given["package"] == "prepay_id=wx221000000000"
    data = [verifier.appid, given["timeStamp"], given["nonceStr"], given["package"]]
    # PKCS#1 v1.5 signatures are deterministic: the other side must come to the same one.
    assert merchant.sign(data=data) == given["paySign"]
    assert merchant.sign(data=[*data[:3], "prepay_id=other"]) != given["paySign"]


async def test_both_read_the_same_notice(
    pay: WeChatPay, merchant: Any, simulators: Simulators, catcher: Catcher
) -> None:
    order = orders.order(catcher.url("both"))
    simulators.control("pay", prepay_id=await pay.prepay_jsapi(order, orders.openid()))
    caught = catcher.wait("both")[0]
    ours = pay.decrypt_and_verify_notice(caught.headers, caught.body, datetime.now(UTC))
    theirs = merchant.callback(caught.headers, caught.body)
    assert ours.id == theirs["id"]
    assert ours.content.out_trade_no == theirs["resource"]["out_trade_no"]  # type: ignore[union-attr]


def test_exact_authorization_text(settings: Settings) -> None:
    assert settings.wechat_pay_merchant_key_file is not None
    key = load_merchant_key(settings.wechat_pay_merchant_key_file, "1900000001", "abc123")
    text = key.authorization(
        "GET", "/v3/certificates", b"", timestamp=1554208460, nonce_str="593BEC0C930BF1AF"
    )
    signature = key.sign(b"GET\n/v3/certificates\n1554208460\n593BEC0C930BF1AF\n\n")
    assert text == (
        'WECHATPAY2-SHA256-RSA2048 mchid="1900000001",nonce_str="593BEC0C930BF1AF",'
        f'signature="{signature}",timestamp="1554208460",serial_no="ABC123"'
    )


async def test_certificates_are_refreshed(pay: WeChatPay) -> None:
    assert await pay.refresh_platform_certificates() == 1


async def test_missing_keys_are_named(settings: Settings, http: httpx.AsyncClient) -> None:
    for change, message in (
        ({"wechat_pay_merchant_key_file": None}, "MERCHANT_KEY_FILE"),
        ({"wechat_pay_api_v3_key": settings.bank_secret}, "32 characters"),
        ({"wechat_pay_platform_certificates_file": None}, "PLATFORM_CERTIFICATES"),
    ):
        with pytest.raises(ValueError, match=message):
            create_wechat_pay(settings.model_copy(update=change), http)
