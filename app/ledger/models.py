"""Accounts, transactions and entries; the database refuses what does not balance."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base

ACCOUNT_KINDS = ("asset", "liability", "income", "expense")
_WORDS = ", ".join(f"'{word}'" for word in ACCOUNT_KINDS)


class LedgerAccount(Base):
    """Where money is or whom it belongs to; one of its own per plan where `plan_code` is set."""

    __tablename__ = "ledger_account"
    __table_args__ = (CheckConstraint(f"kind in ({_WORDS})", name="kind"),)

    code: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    plan_code: Mapped[str | None]


class LedgerTransaction(Base):
    """One business fact in money; a fact (`kind`, `reference_id`) is posted once."""

    __tablename__ = "ledger_transaction"
    __table_args__ = (
        UniqueConstraint("kind", "reference_id", name="uq_ledger_transaction__fact"),
        Index("ix_ledger_transaction__reference_id", "reference_id"),
        Index("ix_ledger_transaction__event_on", "event_on"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    reference_id: Mapped[UUID]
    event_on: Mapped[date]
    posted_at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID]


class LedgerEntry(Base):
    """One side of a transaction: debit positive, credit negative, never zero."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        CheckConstraint("amount_fen <> 0", name="amount_fen"),
        Index("ix_ledger_entry__transaction_id", "transaction_id"),
        Index("ix_ledger_entry__account_code", "account_code", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transaction.id"))
    account_code: Mapped[str] = mapped_column(ForeignKey("ledger_account.code"))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
