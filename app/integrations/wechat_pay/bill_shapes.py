"""The gateway's daily bills: payments and refunds, and all that moved; money in fen."""

from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class BillRow:
    """One line of the daily bill: a payment (`state` SUCCESS) or a refund (REFUND)."""

    at: datetime
    state: str
    transaction_id: str
    out_trade_no: str
    trade_type: str
    amount_fen: int
    payer_openid: str = field(repr=False)
    refund_id: str | None = None
    out_refund_no: str | None = None
    refund_fen: int = 0
    refund_state: str | None = None
    fee_fen: int = 0
    attach: str = ""


@dataclass(frozen=True, slots=True)
class TradeBill:
    """The gateway's account of one day; `amount_fen` and `refund_fen` are its own totals."""

    on: date
    rows: tuple[BillRow, ...]
    amount_fen: int
    refund_fen: int


@dataclass(frozen=True, slots=True)
class FundRow:
    """One movement of the merchant's account; money in is positive, money out negative.

    `business` is the gateway's word for its cause; `number` is ours, `gateway_number` its own.
    """

    at: datetime
    business: str
    number: str
    gateway_number: str
    amount_fen: int


@dataclass(frozen=True, slots=True)
class FundBill:
    """What moved on the merchant's account in one day; complete by its own counts and sums."""

    on: date
    rows: tuple[FundRow, ...]
