"""Bank transfers: submit by reference, ask by reference, never new money for the same one."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

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
