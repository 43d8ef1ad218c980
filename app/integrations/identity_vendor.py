"""The face-check vendor: start a check, fetch or receive its result; never a face image."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

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
