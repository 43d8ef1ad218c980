"""Questions to the ledger, and its answers."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path
from pydantic import ConfigDict, Field

from app.kernel.schema import Body, Day, PositiveFen, View

AccountKind = Literal["asset", "liability", "income", "expense"]
Month = Annotated[
    str,
    Path(
        pattern=r"^(19|20)\d{2}-(0[1-9]|1[0-2])$",
        examples=["2026-10"],
        description="The month.",
    ),
]


class TrialBalanceLine(View):
    """One account; debits positive, so an income account's balance is negative."""

    account: str = Field(examples=["contributions:RIDER-ACC"])
    kind: str = Field(examples=["income"])
    name_zh: str = Field(examples=["互助费收入·骑手意外互助保障"])
    name_en: str = Field(examples=["Contributions, Rider accident mutual aid"])
    opening_fen: int = Field(examples=[0], description="Balance before the first day.")
    debit_fen: int = Field(examples=[0])
    credit_fen: int = Field(examples=[7500])
    balance_fen: int = Field(examples=[-7500])


class TrialBalanceView(View):
    """All accounts; `difference_fen` is zero as long as the books balance."""

    first: date | None = Field(description="First posting day; null: from the beginning.")
    on: date | None = Field(description="Up to and including this posting day; null: all.")
    lines: list[TrialBalanceLine]
    difference_fen: int = Field(examples=[0])


class LedgerAccountView(View):
    """An account; `plan_code` and `organisation_id` say whose pool or fund it is."""

    code: str = Field(examples=["fund:0192f0c1-7a10-7c3e-8a44-51d8ac9ec001"])
    kind: AccountKind
    name_zh: str = Field(examples=["某区总工会互助资金"])
    name_en: str = Field(examples=["Fund of a district union"])
    plan_code: str | None
    organisation_id: UUID | None


class FundAccountBody(Body):
    """What an organisation's fund is called on statements."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [{"name_zh": "某区总工会互助资金", "name_en": "Fund of a district union"}]
        },
    )

    name_zh: Annotated[str, Field(min_length=1, max_length=60)]
    name_en: Annotated[str, Field(min_length=1, max_length=80)]


class LedgerEntryView(View):
    """One line of an account; `posted_on` is later than `event_on` when that month was closed."""

    posted_on: date
    event_on: date
    transaction_id: UUID
    kind: str = Field(examples=["contribution.received"])
    reference_id: UUID = Field(description="What was posted: a payment, a payout, a refund …")
    amount_fen: int = Field(examples=[-2500], description="Debit positive, credit negative.")
    balance_fen: int = Field(examples=[-7500], description="The account's balance after it.")


class LedgerMonthLine(View):
    """One account in the frozen trial balance of a month."""

    account: str = Field(examples=["bank"])
    opening_fen: int
    debit_fen: int
    credit_fen: int
    closing_fen: int


class LedgerMonthView(View):
    """A closed month and its frozen trial balance."""

    month: str = Field(examples=["2026-10"])
    closed_at: datetime
    closed_by: UUID
    transactions: int = Field(examples=[15320])
    lines: list[LedgerMonthLine]


class LedgerMonthSummary(View):
    """A closed month."""

    month: str = Field(examples=["2026-10"])
    closed_at: datetime
    closed_by: UUID
    transactions: int


class LedgerMonthList(View):
    """Closed months, newest first, and the one that comes next; null while nothing is posted."""

    items: list[LedgerMonthSummary]
    next_cursor: str | None = None
    next: str | None = Field(examples=["2026-11"])


class ReversalBody(Body):
    """Why a transaction is taken back; no personal data."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"reason": "手续费重复入账，银行回单 20261103-7。"}]},
    )

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class SecondPersonBody(Body):
    """The second person's word."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"verdict": "approve"}]},
    )

    verdict: Literal["approve", "decline"]


class ReversalView(View):
    """A reversal; `proposed` waits for a second person, because the amount is large."""

    id: UUID
    transaction_id: UUID
    status: Literal["proposed", "posted", "declined"]
    amount_fen: int = Field(examples=[2500])
    posting_id: UUID | None
    proposed_at: datetime
    decided_at: datetime | None


class TransactionEntryView(View):
    account: str = Field(examples=["bank"])
    amount_fen: int = Field(examples=[2500])


class TransactionView(View):
    """One transaction with its entries, and its reversal if there is one."""

    id: UUID
    kind: str = Field(examples=["fee.posted"])
    reference_id: UUID
    event_on: date
    posted_on: date
    posted_at: datetime
    actor_kind: str
    actor_id: UUID
    entries: list[TransactionEntryView]
    reversal: ReversalView | None


class ReceiptBody(Body):
    """Money on the bank account's statement, and for what it came."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "bank_reference": "B000123456789012",
                    "account": "platform-receivables",
                    "amount_fen": 1250000,
                    "received_on": "2026-11-20",
                }
            ]
        },
    )

    bank_reference: Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{4,40}$")]
    account: Annotated[str, Field(pattern=r"^[a-z-]{2,30}(:[0-9A-Za-z-]{1,64})?$")]
    amount_fen: PositiveFen
    received_on: Day


class ReceiptView(View):
    """A recorded receipt and its posting."""

    id: UUID
    bank_reference: str
    account: str
    amount_fen: int
    received_on: date
    posting_id: UUID
