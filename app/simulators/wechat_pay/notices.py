"""Notices to the merchant, honest by default and wrong in the asked-for way."""

import secrets
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from app.simulators.store import Record
from app.simulators.wechat_pay.keys import PayKeys
from app.simulators.world import World

KIND = "wechat-pay"

Word = Literal[
    "normal",
    "twice",
    "late",
    "reordered",
    "dropped",
    "wrong_amount",
    "foreign_signature",
    "probe",
    "stale",
]


class Behaviour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the notice of one event comes: how often, when, and what is wrong with it."""

    copies: Annotated[int, Meta(ge=1, le=1000)] = 1
    delay_seconds: Annotated[float, Meta(ge=0, le=86_400)] = 0.0
    gap_seconds: Annotated[float, Meta(ge=0, le=3600)] = 0.0
    fate: Literal["waiting", "held", "dropped"] = "waiting"
    amount_fen: int | None = None
    signature: Literal["ours", "foreign", "probe"] = "ours"
    timestamp_offset_seconds: float = 0.0


WORDS: dict[Word, Behaviour] = {
    "normal": Behaviour(),
    "twice": Behaviour(copies=2, gap_seconds=1.0),
    "late": Behaviour(delay_seconds=5.0),
    "reordered": Behaviour(fate="held"),
    "dropped": Behaviour(fate="dropped"),
    "wrong_amount": Behaviour(amount_fen=1),
    "foreign_signature": Behaviour(signature="foreign"),
    "probe": Behaviour(signature="probe"),
    "stale": Behaviour(timestamp_offset_seconds=-3600.0),
}


def behaviour(asked: Word | Behaviour) -> Behaviour:
    return asked if isinstance(asked, Behaviour) else WORDS[asked]


def queue(
    world: World,
    *,
    url: str,
    event_type: str,
    original_type: str,
    resource: Record,
    parent: str,
    how: Behaviour,
) -> str:
    """Put one event's notice or notices into the outbox; the notice id they all share."""
    if how.amount_fen is not None and "amount" in resource:
        resource = resource | {"amount": resource["amount"] | {"total": how.amount_fen}}
    elif how.amount_fen is not None:
        resource = resource | {"transfer_amount": how.amount_fen}
    notice_id = secrets.token_hex(16)
    content = {
        "notice_id": notice_id,
        "create_time": world.clock.now().isoformat(timespec="seconds"),
        "event_type": event_type,
        "original_type": original_type,
        "resource": resource,
        "signature": how.signature,
        "timestamp_offset_seconds": how.timestamp_offset_seconds,
    }
    for copy in range(how.copies):
        delay = how.delay_seconds + copy * how.gap_seconds
        world.outbox.send(KIND, url, content, parent=parent, delay_seconds=delay, fate=how.fate)
    return notice_id


def make(keys: PayKeys, content: dict[str, Any]) -> tuple[dict[str, str], bytes]:
    """Headers and body of one try: sealed and signed anew."""
    body = msgspec.json.encode(
        {
            "id": content["notice_id"],
            "create_time": content["create_time"],
            "resource_type": "encrypt-resource",
            "event_type": content["event_type"],
            "summary": content["event_type"],
            "resource": keys.seal_json(content["resource"], content["original_type"])
            | {"original_type": content["original_type"]},
        }
    )
    headers = keys.signed_headers(
        body,
        foreign=content["signature"] == "foreign",
        offset_seconds=content["timestamp_offset_seconds"],
    )
    if content["signature"] == "probe":
        # WeChat itself sends such requests now and then, to see whether we verify at all.
        noise = secrets.token_hex(24)
        headers["Wechatpay-Signature"] = f"WECHATPAY/SIGNTEST/{noise}"
    return headers | {"Content-Type": "application/json"}, body
