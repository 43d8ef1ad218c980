"""Bank transfers: submit by reference, ask by reference, never new money for the same one."""

import binascii
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Protocol
from urllib.parse import quote

import httpx
import msgspec

from app.integrations.errors import OutcomeUnknown
from app.integrations.signed_door import SignedDoor
from app.settings import Settings

SYSTEM = "bank"

BankState = Literal["pending", "paid", "rejected"]
LineKind = Literal["transfer", "receipt", "fee"]


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


@dataclass(frozen=True, slots=True)
class BankBatch:
    """A batch file as the bank holds it; `sha256` is of the file's bytes, in hex."""

    number: str
    rows: int
    amount_fen: int
    sha256: str


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line of the account's statement; money in is positive, money out negative.

    `reference` is ours for transfers, and empty for what we did not order.
    """

    bank_reference: str
    reference: str
    kind: LineKind
    amount_fen: int
    at: datetime


class Bank(Protocol):
    """Calls raise `Unreachable`, `OutcomeUnknown` or `Refused` with one of the codes:

    reference_reused (same reference, other content), unknown_reference, bad_account,
    bad_amount, bad_request, bad_signature, insufficient_funds; of batches number_reused,
    control_mismatch, bad_file, unknown_batch; of statements day_not_over.
    """

    async def submit_transfer(self, request: BankTransferRequest) -> BankTransfer:
        """Hand in a transfer; accepted means pending. Sent again it gives its present state."""
        ...

    async def query_transfer(self, reference: str) -> BankTransfer:
        """The truth about a transfer; `Refused("unknown_reference")` if it never arrived."""
        ...

    async def submit_batch(self, batch: BankBatch, content: bytes) -> BankBatch:
        """Hand in a file of transfers; the same file again is the same batch."""
        ...

    async def query_batch(self, number: str) -> BankBatch:
        """What arrived under a number; `Refused("unknown_batch")` if nothing did."""
        ...

    async def batch_results(self, number: str) -> tuple[bytes, ...]:
        """The result files of a batch so far, oldest first, as they are; perhaps none."""
        ...

    async def statement(self, day: date) -> tuple[StatementLine, ...]:
        """The account's lines of a past day, complete by their count and sum."""
        ...


class _BatchWire(msgspec.Struct):
    number: str
    rows: int
    amount_fen: int
    sha256: str


class _FilesWire(msgspec.Struct):
    files: list[str]


class _LineWire(msgspec.Struct):
    bank_reference: str
    reference: str
    kind: LineKind
    amount_fen: int
    at: datetime


class _StatementWire(msgspec.Struct):
    day: str
    rows: list[_LineWire]
    count: int
    amount_fen: int


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

    async def submit_batch(self, batch: BankBatch, content: bytes) -> BankBatch:
        body = {
            "number": batch.number,
            "rows": batch.rows,
            "amount_fen": batch.amount_fen,
            "sha256": batch.sha256,
            "content": b64encode(content).decode("ascii"),
        }
        return _same_batch(await self.door.ask("POST", "/v1/batches", _BatchWire, body), batch)

    async def query_batch(self, number: str) -> BankBatch:
        wire = await self.door.ask("GET", f"/v1/batches/{quote(number, safe='')}", _BatchWire)
        if wire.number != number:
            raise OutcomeUnknown(SYSTEM, "an answer about another batch")
        return BankBatch(wire.number, wire.rows, wire.amount_fen, wire.sha256)

    async def batch_results(self, number: str) -> tuple[bytes, ...]:
        path = f"/v1/batches/{quote(number, safe='')}/results"
        wire = await self.door.ask("GET", path, _FilesWire)
        try:
            return tuple(b64decode(file, validate=True) for file in wire.files)
        except binascii.Error as error:
            raise OutcomeUnknown(SYSTEM, "result file not understood") from error

    async def statement(self, day: date) -> tuple[StatementLine, ...]:
        wire = await self.door.ask("GET", f"/v1/statements/{day.isoformat()}", _StatementWire)
        total = sum(row.amount_fen for row in wire.rows)
        if (wire.day, wire.count, wire.amount_fen) != (day.isoformat(), len(wire.rows), total):
            raise OutcomeUnknown(SYSTEM, "statement incomplete")
        return tuple(
            StatementLine(row.bank_reference, row.reference, row.kind, row.amount_fen, row.at)
            for row in wire.rows
        )


def _same_batch(wire: _BatchWire, asked: BankBatch) -> BankBatch:
    told = BankBatch(wire.number, wire.rows, wire.amount_fen, wire.sha256)
    if told != asked:
        raise OutcomeUnknown(SYSTEM, "an answer about another batch")
    return told


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
