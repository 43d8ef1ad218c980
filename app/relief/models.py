"""Funds, the numbered versions of their formulas, and what was given to them."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base
from app.kernel.transitions import Lifecycle

RELIEF_FUND = Lifecycle.of(
    "relief_fund", initial=["open"], moves={"open": ["closed"], "closed": ["open"]}
)
RELIEF_FORMULA = Lifecycle.of(
    "relief_formula",
    initial=["draft"],
    moves={"draft": ["published"], "published": ["closed"], "closed": []},
)


class ReliefFund(Base):
    """Money for relief that an organisation keeps, and how many of its board must sit.

    The balance is `contributed_fen` less `granted_fen`, and the same as the balance of the
    ledger account: whoever grants holds this row's lock, and the CHECK has the last word.
    """

    __tablename__ = "relief_fund"
    __table_args__ = (
        UniqueConstraint("code", name="uq_relief_fund__code"),
        CheckConstraint(RELIEF_FUND.check(), name="status"),
        CheckConstraint("quorum between 1 and 30", name="quorum"),
        CheckConstraint("granted_fen between 0 and contributed_fen", name="balance"),
        Index("ix_relief_fund__organisation_id", "organisation_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    status: Mapped[str]
    quorum: Mapped[int]
    account_code: Mapped[str] = mapped_column(ForeignKey("ledger_account.code"))
    contributed_fen: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    granted_fen: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    created_by_kind: Mapped[str]
    created_by: Mapped[UUID]
    created_at: Mapped[datetime]

    @property
    def balance_fen(self) -> int:
        """What may still be granted."""
        return self.contributed_fen - self.granted_fen


class ReliefFormula(Base):
    """One version of a fund's formula; a trigger refuses changes once it was published.

    One version is in force at a time; cases keep the one that they were opened under.
    """

    __tablename__ = "relief_formula"
    __table_args__ = (
        UniqueConstraint("fund_id", "number", name="uq_relief_formula__number"),
        CheckConstraint(RELIEF_FORMULA.check(), name="status"),
        CheckConstraint("number >= 1", name="number"),
        Index(
            "uq_relief_formula__in_force",
            "fund_id",
            unique=True,
            postgresql_where=text("status = 'published'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    fund_id: Mapped[UUID] = mapped_column(ForeignKey("relief_fund.id"))
    number: Mapped[int]
    status: Mapped[str]
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    drafted_at: Mapped[datetime]
    published_at: Mapped[datetime | None]


class ReliefContribution(Base):
    """Money given to a fund, as it came into the bank account. Append-only.

    It counts as long as its receipt was not reversed.
    """

    __tablename__ = "relief_contribution"
    __table_args__ = (
        UniqueConstraint("receipt_id", name="uq_relief_contribution__receipt_id"),
        CheckConstraint("amount_fen > 0", name="amount_fen"),
        Index("ix_relief_contribution__fund_id", "fund_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    fund_id: Mapped[UUID] = mapped_column(ForeignKey("relief_fund.id"))
    receipt_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_receipt.id"))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    received_on: Mapped[date]
    recorded_by: Mapped[UUID] = mapped_column(ForeignKey("staff_account.id"))
    recorded_at: Mapped[datetime]
