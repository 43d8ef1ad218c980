"""Short messages: one call, a template and its parameters, never twice for one key."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


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
