"""Money that an organisation gives from its own fund account to another fund."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base
from app.kernel.transitions import Lifecycle

FUND_TRANSFER = Lifecycle.of(
    "fund_transfer", initial=["proposed"], moves={"proposed": ["posted", "declined"]}
)


class FundTransfer(Base):
    """Proposed by one supervisor, posted or declined by another; `reversed_at` when the posting
    was taken back by its mirror image.
    """

    __tablename__ = "fund_transfer"
    __table_args__ = (
        CheckConstraint(FUND_TRANSFER.check(), name="status"),
        CheckConstraint("amount_fen > 0", name="amount_fen"),
        CheckConstraint("from_account <> to_account", name="two_accounts"),
        CheckConstraint("length(reason) between 1 and 500", name="reason"),
        CheckConstraint("decided_by <> proposed_by", name="two_people"),
        CheckConstraint("status = 'proposed' or decided_by is not null", name="decided"),
        CheckConstraint("status <> 'posted' or posting_id is not null", name="posting_id"),
        Index("ix_fund_transfer__from_account", "from_account", "id"),
        Index("ix_fund_transfer__to_account", "to_account", "id"),
        Index("ix_fund_transfer__posting_id", "posting_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    from_account: Mapped[str] = mapped_column(ForeignKey("ledger_account.code"))
    to_account: Mapped[str] = mapped_column(ForeignKey("ledger_account.code"))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str]
    status: Mapped[str]
    proposed_by: Mapped[UUID] = mapped_column(ForeignKey("staff_account.id"))
    proposed_at: Mapped[datetime]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff_account.id"))
    decided_at: Mapped[datetime | None]
    posting_id: Mapped[UUID | None] = mapped_column(ForeignKey("ledger_transaction.id"))
    reversed_at: Mapped[datetime | None]
