"""A merchant made of bare requests: signs by hand, so that it can also sign wrongly."""

import json
import secrets
import time
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from app.simulators import config
from tests.simulators_fixture import Simulators

JSAPI = "/v3/pay/transactions/jsapi"


@cache
def merchant_key(directory: Path) -> rsa.RSAPrivateKey:
    key = load_pem_private_key((directory / config.MERCHANT_KEY_FILE).read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


@cache
def foreign_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def number(prefix: str = "S") -> str:
    return f"{prefix}{secrets.token_hex(12)}"


def order(simulators: Simulators, notify_url: str, /, **changes: Any) -> dict[str, Any]:
    known = config.load(simulators.directory)
    given = {
        "appid": known.appid,
        "mchid": known.mchid,
        "description": "骑手意外互助保障",
        "out_trade_no": number(),
        "notify_url": notify_url,
        "amount": {"total": 7500, "currency": "CNY"},
        "payer": {"openid": "o1234567890"},
    }
    return given | changes


def post(
    simulators: Simulators,
    path: str,
    content: Any,
    *,
    key: rsa.RSAPrivateKey | None = None,
    sent: bytes | None = None,
    offset: int = 0,
    authorization: str | None = None,
    **fields: str,
) -> httpx.Response:
    """POST a signed request; keyword arguments spoil it in one way each."""
    known = config.load(simulators.directory)
    body = json.dumps(content).encode()
    timestamp, nonce = str(int(time.time()) + offset), secrets.token_hex(8)
    text = f"POST\n{path}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"
    signature = (key or merchant_key(simulators.directory)).sign(
        text, padding.PKCS1v15(), hashes.SHA256()
    )
    given = {
        "mchid": known.mchid,
        "nonce_str": nonce,
        "signature": b64encode(signature).decode(),
        "timestamp": timestamp,
        "serial_no": known.merchant_serial,
    } | fields
    pairs = ",".join(f'{name}="{value}"' for name, value in given.items())
    header = f"WECHATPAY2-SHA256-RSA2048 {pairs}" if authorization is None else authorization
    return simulators.client.post(
        f"/wechat-pay{path}",
        content=body if sent is None else sent,
        headers={"Authorization": header, "Content-Type": "application/json"},
    )


def prepay_id(simulators: Simulators, notify_url: str, **changes: Any) -> tuple[str, str]:
    """A fresh order's number and prepay_id."""
    asked = order(simulators, notify_url, **changes)
    answer = post(simulators, JSAPI, asked)
    assert answer.status_code == 200, answer.text
    return asked["out_trade_no"], answer.json()["prepay_id"]
