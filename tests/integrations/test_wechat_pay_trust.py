"""Which keys are believed for how long, and which bills are read."""

import gzip
import hashlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import msgspec
import pytest
import respx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.integrations.errors import BadSignature, OutcomeUnknown, UnknownSerial
from app.integrations.wechat_pay import create_wechat_pay
from app.integrations.wechat_pay.bills import read_bill
from app.integrations.wechat_pay.signing import PlatformKeys, load_merchant_key
from app.settings import Settings
from app.simulators import config
from app.simulators.wechat_pay import bill_rows
from app.simulators.wechat_pay.keys import PayKeys
from tests.integrations import orders
from tests.simulators_fixture import Simulators


@pytest.fixture(scope="session")
def known(simulators: Simulators) -> config.SimulatorConfig:
    return config.load(simulators.directory)


@pytest.fixture(scope="session")
def gateway_keys(known: config.SimulatorConfig) -> PayKeys:
    return PayKeys(known)


def public_pem(keys: PayKeys) -> bytes:
    return keys.certificate.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def test_certificate_is_believed_until_it_ends(
    known: config.SimulatorConfig, gateway_keys: PayKeys
) -> None:
    platform = PlatformKeys()
    assert platform.trust_certificates(known.platform_certificate) == 1
    now = datetime.now(UTC)
    headers = gateway_keys.signed_headers(b"{}")
    platform.verify(headers, b"{}", now)
    padded = headers | {"Wechatpay-Serial": f"00{gateway_keys.serial.lower()}"}
    platform.verify(padded, b"{}", now)
    end = gateway_keys.certificate.not_valid_after_utc
    later = headers | {"Wechatpay-Timestamp": str(int((end + timedelta(days=1)).timestamp()))}
    with pytest.raises(UnknownSerial):
        platform.verify(later, b"{}", end + timedelta(days=1))
    just_before = headers | {"Wechatpay-Timestamp": str(int(end.timestamp()) - 1)}
    with pytest.raises(BadSignature):  # still believed, but this time was never signed
        platform.verify(just_before, b"{}", end - timedelta(seconds=1))


async def test_named_public_key_instead_of_certificates(
    settings: Settings, gateway_keys: PayKeys, tmp_path: Path, http: httpx.AsyncClient
) -> None:
    file = tmp_path / "public.pem"
    file.write_bytes(public_pem(gateway_keys))
    named = settings.model_copy(
        update={
            "wechat_pay_platform_certificates_file": None,
            "wechat_pay_public_key_file": file,
            "wechat_pay_public_key_id": "PUB_KEY_ID_0100",
        }
    )

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["wechatpay-serial"] == "PUB_KEY_ID_0100"
        body = b'{"code_url":"weixin://wxpay/bizpayurl?pr=1"}'
        headers = gateway_keys.signed_headers(body) | {"Wechatpay-Serial": "PUB_KEY_ID_0100"}
        return httpx.Response(200, content=body, headers=headers)

    with respx.mock as router:
        router.post(url__startswith=settings.wechat_pay_base_url).mock(side_effect=answer)
        pay = create_wechat_pay(named, http)
        code_url = await pay.prepay_native(orders.order("https://merchant.invalid/notice"))
        assert code_url == "weixin://wxpay/bizpayurl?pr=1"


def test_only_rsa_keys_are_taken(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = tmp_path / "key.pem"
    file.write_bytes(private)
    with pytest.raises(ValueError, match="RSA"):
        load_merchant_key(file, "1900000001", "ABC")
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with pytest.raises(ValueError, match="RSA"):
        PlatformKeys().trust_public_key("PUB_KEY_ID_1", public)


async def test_bill_is_fetched_from_the_gateway_only(
    settings: Settings, gateway_keys: PayKeys, http: httpx.AsyncClient
) -> None:
    body = msgspec.json.encode(
        {"hash_type": "SHA1", "hash_value": "0", "download_url": "http://elsewhere.invalid/bill"}
    )
    with respx.mock as router:
        router.get(url__startswith=settings.wechat_pay_base_url).mock(
            side_effect=lambda _: httpx.Response(
                200, content=body, headers=gateway_keys.signed_headers(body)
            )
        )
        with pytest.raises(OutcomeUnknown, match="foreign address"):
            await create_wechat_pay(settings, http).trade_bill(date(2026, 11, 1))


HEADER = bill_rows.TRADE_HEADER.split(",")
CELLS = {
    "交易时间": "2026-11-22 10:00:00",
    "订单金额": "75.00",
    "申请退款金额": "0.00",
    "手续费": "0.00000",
}


def bill(amount: str = "75.00", count: str = "1", rows: int = 1) -> bytes:
    line = ",".join(f"`{(CELLS | {'订单金额': amount}).get(name, '')}" for name in HEADER)
    sums = ",".join(f"`{each}" for each in (count, "75.00", "0.00", "0", "0", "75.00", "0.00"))
    return "\r\n".join(
        [bill_rows.TRADE_HEADER, *[line] * rows, bill_rows.TRADE_SUMMARY, sums]
    ).encode()


def read(text: bytes, sha1: str | None = None) -> int:
    digest = sha1 or hashlib.sha1(text, usedforsecurity=False).hexdigest()
    return read_bill(date(2026, 11, 22), gzip.compress(text), digest).amount_fen


def test_bill_is_compared_with_its_digest() -> None:
    assert read(bill()) == 7500
    assert read(b"\xef\xbb\xbf" + bill()) == 7500
    with pytest.raises(OutcomeUnknown):
        read(bill(), "0" * 40)
    with pytest.raises(OutcomeUnknown):
        read_bill(date(2026, 11, 22), b"not gzip", "0" * 40)
    with pytest.raises(OutcomeUnknown):
        read_bill(date(2026, 11, 22), gzip.compress(bill())[:-9], "0" * 40)


@pytest.mark.parametrize(
    "text",
    [b"", b"one line", bill(count="2"), bill(rows=0), bill(amount="0.001"), bill(amount="x")],
)
def test_bills_that_do_not_add_up(text: bytes) -> None:
    with pytest.raises(OutcomeUnknown):
        read(text)
