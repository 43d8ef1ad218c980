"""WeChat Pay's notices: prove the raw body, open the sealed resource, read what it says."""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.integrations.errors import BadTag, Unreadable
from app.integrations.wechat_pay import wire
from app.integrations.wechat_pay.contract_shapes import Contract
from app.integrations.wechat_pay.shapes import Notice, Payment, Refund, Transfer
from app.integrations.wechat_pay.signing import SYSTEM, PlatformKeys

ALGORITHM = "AEAD_AES_256_GCM"


def open_resource(cipher: AESGCM, resource: wire.ResourceWire) -> bytes:
    """The plain text of a sealed resource; raises Unreadable or BadTag."""
    if resource.algorithm != ALGORITHM:
        raise Unreadable(SYSTEM, "algorithm")
    try:
        sealed = b64decode(resource.ciphertext, validate=True)
        return cipher.decrypt(resource.nonce.encode(), sealed, resource.associated_data.encode())
    except (InvalidTag, binascii.Error, ValueError):
        raise BadTag(SYSTEM) from None


def read_notice(
    keys: PlatformKeys,
    cipher: AESGCM,
    mchid: str,
    headers: Mapping[str, str],
    raw_body: bytes,
    now: datetime,
) -> Notice:
    """Prove, open and read one notice; nothing of the body is looked at before it is proven.

    Raises BadSignature, StaleMessage, UnknownSerial, BadTag, Unreadable.
    """
    keys.verify(headers, raw_body, now)
    envelope = wire.parse_notice(raw_body, wire.NoticeWire)
    if envelope.resource_type != "encrypt-resource":
        raise Unreadable(SYSTEM, "resource_type")
    plain = open_resource(cipher, envelope.resource)
    try:
        content = _content(envelope.event_type, plain, mchid)
        created_at = wire.instant(envelope.create_time)
    except ValueError as error:
        raise Unreadable(SYSTEM, str(error)) from error
    if created_at is None:
        raise Unreadable(SYSTEM, "create_time")
    return Notice(envelope.id, envelope.event_type, created_at, content)


def _content(event_type: str, plain: bytes, mchid: str) -> Payment | Refund | Transfer | Contract:
    family = event_type.partition(".")[0]
    if family == "TRANSACTION":
        # Merchant, app and amount of a payment are compared with the order by the caller.
        return wire.payment(wire.parse_notice(plain, wire.PaymentWire))
    if family == "REFUND":
        refund = wire.parse_notice(plain, wire.RefundWire)
        _our_own(refund.mchid, mchid)
        return wire.refund(refund)
    if family == "MCHTRANSFER":
        transfer = wire.parse_notice(plain, wire.TransferWire)
        _our_own(transfer.mch_id, mchid)
        return wire.transfer(transfer)
    if family == "PAPAY":
        contract = wire.parse_notice(plain, wire.ContractWire)
        _our_own(contract.mchid, mchid)
        return wire.contract(contract)
    raise Unreadable(SYSTEM, "event_type")


def _our_own(named: str, mchid: str) -> None:
    # `Refund` and `Transfer` carry no merchant, so it is compared here.
    if named != mchid:
        raise Unreadable(SYSTEM, "another merchant's")
