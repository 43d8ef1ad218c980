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
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base
from app.kernel.transitions import Lifecycle

ACCOUNT_KINDS = ("asset", "liability", "income", "expense")
_WORDS = ", ".join(f"'{word}'" for word in ACCOUNT_KINDS)


class LedgerAccount(Base):
    """Where money is or whom it belongs to: of a plan's pool, of an organisation, or of all."""

    __tablename__ = "ledger_account"
    __table_args__ = (
        CheckConstraint(f"kind in ({_WORDS})", name="kind"),
        CheckConstraint("num_nonnulls(plan_code, organisation_id) <= 1", name="one_owner"),
        Index(
            "ix_ledger_account__organisation_id",
            "organisation_id",
            postgresql_where=text("organisation_id is not null"),
        ),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    plan_code: Mapped[str | None]
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))


class LedgerTransaction(Base):
    """One business fact in money; a fact (`kind`, `reference_id`) is posted once.

    `event_on` is the day of the fact. `posted_on` is the day under which the books carry it:
    the same, or the first open day when the fact's month is closed. The database sets it.
    """

    __tablename__ = "ledger_transaction"
    __table_args__ = (
        UniqueConstraint("kind", "reference_id", name="uq_ledger_transaction__fact"),
        Index("ix_ledger_transaction__reference_id", "reference_id"),
        Index("ix_ledger_transaction__event_on", "event_on"),
        Index("ix_ledger_transaction__posted_on", "posted_on"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    reference_id: Mapped[UUID]
    event_on: Mapped[date]
    posted_on: Mapped[date]
    posted_at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID]


class LedgerEntry(Base):
    """One side of a transaction: debit positive, credit negative, never zero.

    `posted_on` is the transaction's, so that a statement reads one index.
    """

    __tablename__ = "ledger_entry"
    __table_args__ = (
        CheckConstraint("amount_fen <> 0", name="amount_fen"),
        Index("ix_ledger_entry__transaction_id", "transaction_id"),
        Index("ix_ledger_entry__account_code", "account_code", "posted_on", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transaction.id"))
    account_code: Mapped[str] = mapped_column(ForeignKey("ledger_account.code"))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    posted_on: Mapped[date]


class LedgerPeriod(Base):
    """A closed month, named by its first day; months close in order and stay closed."""

    __tablename__ = "ledger_period"
    __table_args__ = (CheckConstraint("extract(day from month) = 1", name="month"),)

    month: Mapped[date] = mapped_column(primary_key=True)
    transactions: Mapped[int] = mapped_column(BigInteger)
    closed_by: Mapped[UUID] = mapped_column(ForeignKey("staff_account.id"))
    closed_at: Mapped[datetime]


class LedgerPeriodBalance(Base):
    """One account in the trial balance of a closed month; later statements start from here."""

    __tablename__ = "ledger_period_balance"
    __table_args__ = (
        CheckConstraint("closing_fen = opening_fen + debit_fen - credit_fen", name="closing_fen"),
        Index("ix_ledger_period_balance__account_code", "account_code", "month"),
    )

    month: Mapped[date] = mapped_column(ForeignKey("ledger_period.month"), primary_key=True)
    account_code: Mapped[str] = mapped_column(ForeignKey("ledger_account.code"), primary_key=True)
    opening_fen: Mapped[int] = mapped_column(BigInteger)
    debit_fen: Mapped[int] = mapped_column(BigInteger)
    credit_fen: Mapped[int] = mapped_column(BigInteger)
    closing_fen: Mapped[int] = mapped_column(BigInteger)


REVERSAL = Lifecycle.of(
    "ledger_reversal",
    initial=["proposed", "posted"],
    moves={"proposed": ["posted", "declined"]},
)


class LedgerReversal(Base):
    """Why a transaction is taken back, and by whom; its posting has the kind `reversal`."""

    __tablename__ = "ledger_reversal"
    __table_args__ = (
        CheckConstraint(REVERSAL.check(), name="status"),
        CheckConstraint("length(reason) between 1 and 500", name="reason"),
        CheckConstraint("decided_by is null or decided_by <> proposed_by", name="two_people"),
        CheckConstraint("status <> 'posted' or posting_id is not null", name="posting_id"),
        Index(
            "uq_ledger_reversal__transaction_id",
            "transaction_id",
            unique=True,
            postgresql_where=text("status <> 'declined'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transaction.id"))
    reason: Mapped[str]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str]
    posting_id: Mapped[UUID | None] = mapped_column(ForeignKey("ledger_transaction.id"))
    proposed_by: Mapped[UUID] = mapped_column(ForeignKey("staff_account.id"))
    proposed_at: Mapped[datetime]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff_account.id"))
    decided_at: Mapped[datetime | None]


class LedgerReceipt(Base):
    """Money that came into the bank account, by hand: from a sponsor, or for a fund.

    One whose posting was reversed counts no more, and its line may be booked rightly.
    """

    __tablename__ = "ledger_receipt"
    __table_args__ = (
        Index(
            "uq_ledger_receipt__standing_reference",
            "bank_reference",
            unique=True,
            postgresql_where=text("reversed_at is null"),
        ),
        CheckConstraint("amount_fen > 0", name="amount_fen"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    bank_reference: Mapped[str]
    account_code: Mapped[str] = mapped_column(ForeignKey("ledger_account.code"))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    received_on: Mapped[date]
    recorded_by: Mapped[UUID] = mapped_column(ForeignKey("staff_account.id"))
    recorded_at: Mapped[datetime]
    reversed_at: Mapped[datetime | None]
