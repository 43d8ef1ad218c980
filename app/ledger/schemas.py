"""Answers about the ledger."""

from datetime import date

from pydantic import Field

from app.kernel.schema import View


class TrialBalanceLine(View):
    """One account; debits positive, so an income account's balance is negative."""

    account: str = Field(examples=["contributions:RIDER-ACC"])
    kind: str = Field(examples=["income"])
    name_zh: str = Field(examples=["互助费收入·骑手意外互助保障"])
    name_en: str = Field(examples=["Contributions, Rider accident mutual aid"])
    debit_fen: int = Field(examples=[0])
    credit_fen: int = Field(examples=[7500])
    balance_fen: int = Field(examples=[-7500])


class TrialBalanceView(View):
    """All accounts; `difference_fen` is zero as long as the books balance."""

    on: date | None = Field(description="Facts up to and including this day; null: all.")
    lines: list[TrialBalanceLine]
    difference_fen: int = Field(examples=[0])
