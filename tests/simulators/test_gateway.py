"""The simulated payment gateway believes nobody without the merchant's signature."""

from typing import Any

import pytest

from tests.simulators import gateway
from tests.simulators_fixture import Simulators

NOTIFY = "https://merchant.invalid/notice"


def test_signed_request_is_served_and_answered_under_signature(simulators: Simulators) -> None:
    answer = gateway.post(simulators, gateway.JSAPI, gateway.order(simulators, NOTIFY))
    assert answer.status_code == 200
    assert {"wechatpay-signature", "wechatpay-serial", "wechatpay-nonce"} <= set(answer.headers)
    assert answer.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize(
    "spoilt",
    [
        {"authorization": ""},
        {"authorization": "Bearer abc"},
        {"mchid": "1900000000"},
        {"serial_no": "ABCDEF"},
        {"nonce_str": "another"},
        {"timestamp": "1690000000"},
        {"timestamp": "soon"},
        {"signature": "AAAA"},
        {"signature": "not base64"},
        {"offset": -301},
        {"offset": 301},
        {"sent": b"{}"},
    ],
)
def test_spoilt_requests_are_401_and_unsigned(
    simulators: Simulators, spoilt: dict[str, Any]
) -> None:
    answer = gateway.post(simulators, gateway.JSAPI, gateway.order(simulators, NOTIFY), **spoilt)
    assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_ERROR")
    assert "wechatpay-signature" not in answer.headers


def test_foreign_key_is_refused(simulators: Simulators) -> None:
    asked = gateway.order(simulators, NOTIFY)
    answer = gateway.post(simulators, gateway.JSAPI, asked, key=gateway.foreign_key())
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"mchid": "1900000000"}, "APPID_MCHID_NOT_MATCH"),
        ({"appid": "wx0"}, "APPID_MCHID_NOT_MATCH"),
        ({"payer": None}, "PARAM_ERROR"),
        ({"payer": {"openid": "x"}}, "PARAM_ERROR"),
        ({"amount": {"total": "7500"}}, "PARAM_ERROR"),
        ({"amount": {"total": True}}, "PARAM_ERROR"),
        ({"amount": {"total": 75.5}}, "PARAM_ERROR"),
        ({"amount": {"total": 1, "currency": "USD"}}, "PARAM_ERROR"),
        ({"time_expire": "tomorrow"}, "PARAM_ERROR"),
        ({"notify_url": "ftp://127.0.0.1/x"}, "PARAM_ERROR"),
        ({"notify_url": ""}, "PARAM_ERROR"),
    ],
)
def test_fields_are_checked(simulators: Simulators, changes: dict[str, Any], code: str) -> None:
    asked = gateway.order(simulators, NOTIFY, **changes)
    answer = gateway.post(simulators, gateway.JSAPI, asked)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert "wechatpay-signature" in answer.headers


def test_name_must_be_sealed_to_the_right_certificate(simulators: Simulators) -> None:
    asked = {
        "appid": gateway.order(simulators, NOTIFY)["appid"],
        "out_bill_no": gateway.number("P"),
        "transfer_scene_id": "1000",
        "openid": "o1234567890",
        "transfer_amount": 200_000,
        "transfer_remark": "互助金",
    }
    path = "/v3/fund-app/mch-transfer/transfer-bills"
    for name in ({}, {"user_name": "测试骑手"}, {"user_name": "AAAA"}):
        answer = gateway.post(simulators, path, asked | name)
        assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")
    too_much = asked | {"transfer_amount": 2_000_001}
    assert gateway.post(simulators, path, too_much).status_code == 400
