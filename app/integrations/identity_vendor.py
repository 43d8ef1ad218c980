"""The face-check vendor: start a check, fetch or receive its result; never a face image."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol
from urllib.parse import quote

import httpx
import msgspec

from app.integrations.signed_door import SignedDoor
from app.settings import Settings

SYSTEM = "identity_vendor"

VendorState = Literal["pending", "passed", "failed", "expired"]


@dataclass(frozen=True, slots=True)
class VendorTicket:
    """A started check: `reference` names it, `launch` is what the phone needs to begin."""

    reference: str
    launch: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class VendorResult:
    """How a check stands; `code` is "ok", "" while pending, or the reason of a failure.

    Reasons: mismatch, liveness_failed. `score` 0–100 is the vendor's, None until it ran;
    `evidence_reference` finds the vendor's own record, which it keeps for 3 days.
    """

    reference: str
    order_ref: str
    state: VendorState
    code: str = ""
    score: float | None = None
    evidence_reference: str | None = None


class IdentityVendor(Protocol):
    """Calls raise `Unreachable`, `OutcomeUnknown` or `Refused` with one of the codes:

    invalid_number, unsupported_document, unknown_reference, bad_request, bad_signature,
    too_often.
    """

    async def start(
        self, order_ref: str, name: str, id_number: str, callback_url: str
    ) -> VendorTicket:
        """Begin a check; the same `order_ref` with the same person gives the same ticket."""
        ...

    async def result(self, reference: str) -> VendorResult:
        """Ask how a check stands."""
        ...

    def verify_callback(
        self, headers: Mapping[str, str], raw_body: bytes, now: datetime
    ) -> VendorResult:
        """Prove the vendor's callback; raises BadSignature, StaleMessage or Unreadable."""
        ...


class _TicketWire(msgspec.Struct):
    reference: str
    launch: dict[str, str]


class _ResultWire(msgspec.Struct):
    reference: str
    order_ref: str
    state: VendorState
    code: str = ""
    score: float | None = None
    evidence_reference: str | None = None


def create_identity_vendor(settings: Settings, http: httpx.AsyncClient) -> IdentityVendor:
    """The vendor at `identity_vendor_base_url`."""
    return Client(
        SignedDoor(
            system=SYSTEM,
            base_url=settings.identity_vendor_base_url.rstrip("/"),
            app_id=settings.identity_vendor_app_id,
            secret=settings.identity_vendor_secret.get_secret_value().encode(),
            seconds=settings.outbound_timeout,
            http=http,
        )
    )


@dataclass(frozen=True, slots=True)
class Client:
    """`IdentityVendor` over HTTP; name and number travel in the body only."""

    door: SignedDoor

    async def start(
        self, order_ref: str, name: str, id_number: str, callback_url: str
    ) -> VendorTicket:
        body = {
            "order_ref": order_ref,
            "name": name,
            "id_number": id_number,
            "callback_url": callback_url,
        }
        ticket = await self.door.ask("POST", "/v1/checks", _TicketWire, body)
        return VendorTicket(ticket.reference, ticket.launch)

    async def result(self, reference: str) -> VendorResult:
        path = f"/v1/checks/{quote(reference, safe='')}"
        return _result(await self.door.ask("GET", path, _ResultWire))

    def verify_callback(
        self, headers: Mapping[str, str], raw_body: bytes, now: datetime
    ) -> VendorResult:
        return _result(self.door.verify_callback(headers, raw_body, now, _ResultWire))


def _result(wire: _ResultWire) -> VendorResult:
    return VendorResult(
        reference=wire.reference,
        order_ref=wire.order_ref,
        state=wire.state,
        code=wire.code,
        score=wire.score,
        evidence_reference=wire.evidence_reference,
    )
