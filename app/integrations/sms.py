"""Short messages: one call, a template and its parameters, never twice for one key."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import httpx
import msgspec

from app.integrations.signed_door import SignedDoor
from app.settings import Settings

SYSTEM = "sms"


@dataclass(frozen=True, slots=True)
class SmsReceipt:
    """The carrier took the message; delivery itself is not confirmed."""

    message_id: str


class Sms(Protocol):
    """Calls raise `Unreachable`, `OutcomeUnknown` or `Refused` with one of the codes:

    undeliverable, too_often, unknown_template, bad_request, bad_signature, key_reused.
    """

    async def send(
        self, phone: str, template: str, parameters: Mapping[str, str], idempotency_key: str
    ) -> SmsReceipt:
        """Send to an E.164 number; the same key again gives the same receipt, no message."""
        ...


class _ReceiptWire(msgspec.Struct):
    message_id: str


def create_sms(settings: Settings, http: httpx.AsyncClient) -> Sms:
    """The carrier at `sms_base_url`."""
    return Client(
        SignedDoor(
            system=SYSTEM,
            base_url=settings.sms_base_url.rstrip("/"),
            app_id="",
            secret=settings.sms_secret.get_secret_value().encode(),
            seconds=settings.outbound_timeout,
            http=http,
        )
    )


@dataclass(frozen=True, slots=True)
class Client:
    """`Sms` over HTTP; the phone number travels in the body only."""

    door: SignedDoor

    async def send(
        self, phone: str, template: str, parameters: Mapping[str, str], idempotency_key: str
    ) -> SmsReceipt:
        body = {
            "phone": phone,
            "template": template,
            "parameters": dict(sorted(parameters.items())),
            "idempotency_key": idempotency_key,
        }
        receipt = await self.door.ask("POST", "/v1/messages", _ReceiptWire, body)
        return SmsReceipt(receipt.message_id)
