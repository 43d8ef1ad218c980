"""Bank transfers: submit by reference, ask by reference, never new money for the same one."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol
from urllib.parse import quote

import httpx
import msgspec

from app.integrations.errors import OutcomeUnknown
from app.integrations.signed_door import SignedDoor
from app.settings import Settings

SYSTEM = "bank"

BankState = Literal["pending", "paid", "rejected"]


@dataclass(frozen=True, slots=True)
class BankTransferRequest:
    """Money to a bank account; `reference` ≤ 32 alphanumeric, `remark` ≤ 60 characters."""

    reference: str
    account_number: str = field(repr=False)
    account_name: str = field(repr=False)
    bank_code: str
    amount_fen: int
    remark: str


@dataclass(frozen=True, slots=True)
class BankTransfer:
    """How a transfer stands; `code` says why it was rejected, else empty.

    Codes: account_not_found, name_mismatch, account_closed.
    """

    reference: str
    state: BankState
    amount_fen: int
    code: str = ""
    bank_reference: str | None = None
    settled_at: datetime | None = None


class Bank(Protocol):
    """Calls raise `Unreachable`, `OutcomeUnknown` or `Refused` with one of the codes:

    reference_reused (same reference, other content), unknown_reference, bad_account,
    bad_amount, bad_request, bad_signature, insufficient_funds.
    """

    async def submit_transfer(self, request: BankTransferRequest) -> BankTransfer:
        """Hand in a transfer; accepted means pending. Sent again it gives its present state."""
        ...

    async def query_transfer(self, reference: str) -> BankTransfer:
        """The truth about a transfer; `Refused("unknown_reference")` if it never arrived."""
        ...


class _TransferWire(msgspec.Struct):
    reference: str
    state: BankState
    amount_fen: int
    code: str = ""
    bank_reference: str | None = None
    settled_at: datetime | None = None


def create_bank(settings: Settings, http: httpx.AsyncClient) -> Bank:
    """The bank at `bank_base_url`."""
    return Client(
        SignedDoor(
            system=SYSTEM,
            base_url=settings.bank_base_url.rstrip("/"),
            app_id="",
            secret=settings.bank_secret.get_secret_value().encode(),
            seconds=settings.outbound_timeout,
            http=http,
        )
    )


@dataclass(frozen=True, slots=True)
class Client:
    """`Bank` over HTTP; account number and name travel in the body only."""

    door: SignedDoor

    async def submit_transfer(self, request: BankTransferRequest) -> BankTransfer:
        body = {
            "reference": request.reference,
            "account_number": request.account_number,
            "account_name": request.account_name,
            "bank_code": request.bank_code,
            "amount_fen": request.amount_fen,
            "remark": request.remark,
        }
        answer = await self.door.ask("POST", "/v1/transfers", _TransferWire, body)
        return _transfer(answer, request.reference)

    async def query_transfer(self, reference: str) -> BankTransfer:
        path = f"/v1/transfers/{quote(reference, safe='')}"
        return _transfer(await self.door.ask("GET", path, _TransferWire), reference)


def _transfer(wire: _TransferWire, asked: str) -> BankTransfer:
    if wire.reference != asked:
        # Believing it would settle one payout with another's money.
        raise OutcomeUnknown(SYSTEM, "an answer about another transfer")
    return BankTransfer(
        reference=wire.reference,
        state=wire.state,
        amount_fen=wire.amount_fen,
        code=wire.code,
        bank_reference=wire.bank_reference,
        settled_at=wire.settled_at,
    )
