"""What both sides say of one movement of money, in one shape; money in positive, out negative."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from app.integrations.bank import Bank
from app.integrations.errors import Refused
from app.integrations.outside import Outside
from app.integrations.wechat_pay import BillRow, WeChatPay

Source = Literal["gateway_trade", "gateway_transfer", "bank"]
Kind = Literal["payment", "refund", "transfer", "bank_transfer", "receipt", "fee"]
Key = tuple[Kind, str]

NO_BILL = frozenset({"NO_STATEMENT_EXIST"})
# Bills do not exist yet, or the outside clock says that the day is not over.
NOT_YET = frozenset({"INVALID_REQUEST", "day_not_over", "STATEMENT_CREATING"})
TRANSFER = "商家转账"
REFUNDED = "SUCCESS"


class BillNotReady(Exception):
    """The outside system has not made the day's bill yet: asked again later."""


@dataclass(frozen=True, slots=True)
class Theirs:
    """A line of a bill or statement."""

    kind: Kind
    number: str
    amount_fen: int
    at: datetime
    status: str = "SUCCESS"
    fee_fen: int = 0

    @property
    def key(self) -> Key:
        return self.kind, self.number


@dataclass(frozen=True, slots=True)
class Ours:
    """A row of ours; `amount_fen` counts only when it is `booked`."""

    kind: Kind
    number: str
    subject_id: UUID
    amount_fen: int
    status: str
    booked: bool
    at: datetime | None

    @property
    def key(self) -> Key:
        return self.kind, self.number

    @property
    def booked_fen(self) -> int:
        return self.amount_fen if self.booked else 0


async def of_day(outside: Outside, source: Source, day: date) -> list[Theirs]:
    """The outside system's lines of a day; raises BillNotReady and what its client raises."""
    try:
        if source == "gateway_trade":
            return await _trades(outside.wechat_pay, day)
        if source == "gateway_transfer":
            return await _transfers(outside.wechat_pay, day)
        return await _statement(outside.bank, day)
    except Refused as refused:
        if refused.code in NO_BILL:
            return []
        if refused.code in NOT_YET:
            raise BillNotReady from refused
        raise


async def _trades(gateway: WeChatPay, day: date) -> list[Theirs]:
    return [_trade(row) for row in (await gateway.trade_bill(day)).rows if _moved(row)]


def _moved(row: BillRow) -> bool:
    """A refund on its way has moved nothing yet."""
    return row.out_refund_no is None or row.refund_state == REFUNDED


def _trade(row: BillRow) -> Theirs:
    if row.out_refund_no is None:
        return Theirs("payment", row.out_trade_no, row.amount_fen, row.at, row.state, row.fee_fen)
    status = row.refund_state or row.state
    return Theirs("refund", row.out_refund_no, -row.refund_fen, row.at, status, row.fee_fen)


async def _transfers(gateway: WeChatPay, day: date) -> list[Theirs]:
    bill = await gateway.fund_bill(day)
    return [
        Theirs("transfer", row.number, row.amount_fen, row.at)
        for row in bill.rows
        if row.business == TRANSFER
    ]


async def _statement(bank: Bank, day: date) -> list[Theirs]:
    kinds: dict[str, Kind] = {"transfer": "bank_transfer", "receipt": "receipt", "fee": "fee"}
    return [
        Theirs(
            kinds[line.kind],
            line.reference if line.kind == "transfer" else line.bank_reference,
            line.amount_fen,
            line.at,
        )
        for line in await bank.statement(day)
    ]


def fees_of(lines: Sequence[Theirs]) -> list[Theirs]:
    """Charges that came with other lines, as lines of their own."""
    return [Theirs("fee", line.number, -line.fee_fen, line.at) for line in lines if line.fee_fen]
