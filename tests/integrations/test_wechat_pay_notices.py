"""Notices as the simulated gateway sends them, honest and otherwise, before our verifier."""

import time
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from app.integrations.errors import (
    BadSignature,
    BadTag,
    StaleMessage,
    UnknownSerial,
    Unreadable,
    Untrusted,
)
from app.integrations.wechat_pay import Notice, Payment, WeChatPay
from app.simulators import config
from app.simulators.wechat_pay.keys import PayKeys
from tests.integrations import orders
from tests.simulators_fixture import Catcher, Caught, Simulators


async def notices(
    pay: WeChatPay, simulators: Simulators, catcher: Catcher, count: int, behaviour: Any
) -> list[Caught]:
    """Pay a fresh order with a behaviour; what was sent for it."""
    path = orders.number("notice-")
    order = orders.order(catcher.url(path))
    simulators.control(
        "pay", prepay_id=await pay.prepay_jsapi(order, orders.openid()), behaviour=behaviour
    )
    return catcher.wait(path, count)


def opened(pay: WeChatPay, caught: Caught, now: datetime | None = None) -> Notice:
    return pay.decrypt_and_verify_notice(caught.headers, caught.body, now or datetime.now(UTC))


@pytest.fixture(scope="session")
def gateway_keys(simulators: Simulators) -> PayKeys:
    return PayKeys(config.load(simulators.directory))


def test_headers_are_found_in_any_usual_case(verifier: WeChatPay, gateway_keys: PayKeys) -> None:
    body = sealed_notice(gateway_keys, payment(verifier))
    headers = gateway_keys.signed_headers(body)
    lower = {name.lower(): value for name, value in headers.items()}
    now = datetime.now(UTC)
    assert verifier.decrypt_and_verify_notice(
        headers, body, now
    ) == verifier.decrypt_and_verify_notice(lower, body, now)


async def test_duplicates_share_one_id(
    pay: WeChatPay, simulators: Simulators, catcher: Catcher
) -> None:
    caught = await notices(pay, simulators, catcher, 5, {"copies": 5})
    assert len({opened(pay, each).id for each in caught}) == 1
    assert len({each.body for each in caught}) == 5


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        ("foreign_signature", BadSignature),
        ("probe", BadSignature),
        ("stale", StaleMessage),
    ],
)
async def test_dishonest_notices_are_not_believed(
    pay: WeChatPay,
    simulators: Simulators,
    catcher: Catcher,
    behaviour: str,
    error: type[Untrusted],
) -> None:
    caught = (await notices(pay, simulators, catcher, 1, behaviour))[0]
    with pytest.raises(error):
        opened(pay, caught)


async def test_wrong_amount_is_genuine_and_for_the_caller_to_see(
    pay: WeChatPay, simulators: Simulators, catcher: Catcher
) -> None:
    content = opened(pay, (await notices(pay, simulators, catcher, 1, "wrong_amount"))[0]).content
    assert isinstance(content, Payment)
    assert content.amount_fen == 1
    assert (await pay.query_order(content.out_trade_no)).amount_fen == 7500


async def test_replay_is_believed_for_five_minutes_only(
    pay: WeChatPay, simulators: Simulators, catcher: Catcher
) -> None:
    caught = (await notices(pay, simulators, catcher, 1, "normal"))[0]
    first = opened(pay, caught)
    # Within the window the id tells that it is the same one; the caller keeps the ledger.
    assert opened(pay, caught, datetime.now(UTC) + timedelta(seconds=290)) == first
    for minutes in (6, -6):
        with pytest.raises(StaleMessage):
            opened(pay, caught, datetime.now(UTC) + timedelta(minutes=minutes))


async def test_any_altered_byte_breaks_the_signature(
    pay: WeChatPay, simulators: Simulators, catcher: Catcher
) -> None:
    caught = (await notices(pay, simulators, catcher, 1, "normal"))[0]
    for position in range(0, len(caught.body), 7):
        altered = bytearray(caught.body)
        altered[position] ^= 1
        with pytest.raises(BadSignature):
            opened(pay, Caught(caught.path, caught.headers, bytes(altered)))
    for name in ("wechatpay-signature", "wechatpay-nonce"):
        headers = caught.headers | {name: "A" + caught.headers[name][1:] + "A"}
        with pytest.raises(BadSignature):
            opened(pay, Caught(caught.path, headers, caught.body))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"wechatpay-serial": "1234"}, UnknownSerial),
        ({"wechatpay-serial": ""}, UnknownSerial),
        ({"wechatpay-signature": ""}, BadSignature),
        ({"wechatpay-signature": "not base64!"}, BadSignature),
        ({"wechatpay-timestamp": ""}, BadSignature),
        ({"wechatpay-timestamp": "soon"}, BadSignature),
        ({"wechatpay-timestamp": "9" * 40}, BadSignature),
        ({"wechatpay-timestamp": "１２３"}, BadSignature),
        ({"wechatpay-timestamp": "-5"}, BadSignature),
    ],
)
def test_missing_or_odd_headers(
    verifier: WeChatPay, gateway_keys: PayKeys, change: dict[str, str], error: type[Untrusted]
) -> None:
    body = sealed_notice(gateway_keys, payment(verifier))
    good = {name.lower(): value for name, value in gateway_keys.signed_headers(body).items()}
    with pytest.raises(error):
        verifier.decrypt_and_verify_notice(good | change, body, datetime.now(UTC))
    with pytest.raises(BadSignature):
        verifier.decrypt_and_verify_notice({}, body, datetime.now(UTC))


def payment(pay: WeChatPay, **changes: Any) -> dict[str, Any]:
    content = {
        "mchid": pay.mchid,
        "appid": pay.appid,
        "out_trade_no": orders.number(),
        "trade_state": "SUCCESS",
        "amount": {"total": 7500, "payer_total": 7500, "currency": "CNY"},
    }
    return content | changes


def sealed_notice(keys: PayKeys, content: Any, **changes: Any) -> bytes:
    envelope = {
        "id": orders.number(),
        "create_time": "2026-11-22T10:00:00+08:00",
        "event_type": "TRANSACTION.SUCCESS",
        "resource_type": "encrypt-resource",
        "resource": keys.seal_json(content, ""),
    }
    return msgspec.json.encode(envelope | changes)


def read(pay: WeChatPay, keys: PayKeys, body: bytes) -> Notice:
    return pay.decrypt_and_verify_notice(keys.signed_headers(body), body, datetime.now(UTC))


def test_flipped_tag_or_other_key_does_not_open(verifier: WeChatPay, gateway_keys: PayKeys) -> None:
    resource = gateway_keys.seal_json(payment(verifier), "transaction")
    sealed = bytearray(b64decode(resource["ciphertext"]))
    sealed[-1] ^= 1
    for change in (
        {"ciphertext": b64encode(sealed).decode()},
        {"ciphertext": "%%%"},
        {"ciphertext": ""},
        {"associated_data": "refund"},
        {"nonce": "000000000000"},
        {"nonce": ""},
    ):
        body = sealed_notice(gateway_keys, None, resource=resource | change)
        with pytest.raises(BadTag):
            read(verifier, gateway_keys, body)


@pytest.mark.parametrize(
    "amount",
    [{"total": True}, {"total": "7500"}, {"total": 75.0}, {"total": 7.5e3}, {"total": None}, {}],
)
def test_money_is_a_whole_number_or_nothing(
    verifier: WeChatPay, gateway_keys: PayKeys, amount: dict[str, Any]
) -> None:
    with pytest.raises(Unreadable):
        read(verifier, gateway_keys, sealed_notice(gateway_keys, payment(verifier, amount=amount)))


def test_genuine_and_still_unreadable(verifier: WeChatPay, gateway_keys: PayKeys) -> None:
    good = payment(verifier)
    refund = {
        "mchid": "1900000000",
        "out_trade_no": orders.number(),
        "out_refund_no": orders.number("R"),
        "refund_id": "1",
        "transaction_id": "2",
        "refund_status": "SUCCESS",
        "amount": {"total": 1, "refund": 1},
    }
    for body in (
        b"",
        b"[]",
        b"null",
        b"\xff\xfe",
        sealed_notice(gateway_keys, good, resource_type="plain"),
        sealed_notice(gateway_keys, good, event_type="COMPLAINT.CREATE"),
        sealed_notice(gateway_keys, good, create_time=""),
        sealed_notice(gateway_keys, good, create_time="yesterday"),
        sealed_notice(
            gateway_keys, good, resource=gateway_keys.seal_json(good, "") | {"algorithm": "none"}
        ),
        sealed_notice(gateway_keys, payment(verifier, trade_state="HAPPY")),
        sealed_notice(gateway_keys, payment(verifier, success_time="2026-11-22")),
        sealed_notice(gateway_keys, refund, event_type="REFUND.SUCCESS"),
    ):
        with pytest.raises(Unreadable):
            read(verifier, gateway_keys, body)


def test_verification_is_quick(verifier: WeChatPay, gateway_keys: PayKeys) -> None:
    """The budget is 150 µs on a quiet machine; the test allows for a busy one."""
    body = sealed_notice(gateway_keys, payment(verifier))
    headers, now = gateway_keys.signed_headers(body), datetime.now(UTC)
    best = min(_seconds(verifier, headers, body, now) for _ in range(200))
    assert best < 0.000_6


def _seconds(pay: WeChatPay, headers: dict[str, str], body: bytes, now: datetime) -> float:
    started = time.perf_counter()
    pay.decrypt_and_verify_notice(headers, body, now)
    return time.perf_counter() - started
