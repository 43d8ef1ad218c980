"""Batches of bank transfers: the file out, its rows, and the result files that came back."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base
from app.kernel.transitions import Lifecycle

# `submitting` is written before the call: whoever finds it there after a crash asks first.
BATCH = Lifecycle.of(
    "payout_batch",
    initial=["prepared"],
    moves={
        "prepared": ["submitting", "submitted"],
        "submitting": ["prepared", "unknown", "submitted", "refused"],
        "unknown": ["prepared", "submitted", "refused"],
        "submitted": ["settled"],
    },
)
# A row holds its payout while it is one of these.
LIVE_ROW = "outcome in ('pending', 'unknown')"


class PayoutBatch(Base):
    """One file of transfers; `sealed_file` holds account numbers, `sha256` is of the plain file.

    `channel` says who hands it in: the worker at the bank's door, or a person by hand.
    """

    __tablename__ = "payout_batch"
    __table_args__ = (
        UniqueConstraint("number", name="uq_payout_batch__number"),
        CheckConstraint(BATCH.check(), name="status"),
        CheckConstraint("channel in ('door', 'hand')", name="channel"),
        CheckConstraint("rows > 0 and amount_fen > 0", name="control"),
        Index(
            "ix_payout_batch__unsettled",
            "next_look_at",
            postgresql_where=text("status not in ('settled', 'refused')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str]
    business_on: Mapped[date]
    channel: Mapped[str]
    status: Mapped[str]
    rows: Mapped[int]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[bytes]
    sealed_file: Mapped[bytes]
    refusal_code: Mapped[str | None]
    made_by_kind: Mapped[str]
    made_by: Mapped[UUID]
    made_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    next_look_at: Mapped[datetime | None]


class PayoutBatchRow(Base):
    """One payout in one batch; in one live batch at a time."""

    __tablename__ = "payout_batch_row"
    __table_args__ = (
        CheckConstraint(
            "outcome in ('pending', 'paid', 'failed', 'unknown', 'released')", name="outcome"
        ),
        Index(
            "uq_payout_batch_row__live",
            "payout_id",
            unique=True,
            postgresql_where=text(LIVE_ROW),
        ),
        Index("ix_payout_batch_row__payout_id", "payout_id"),
    )

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("payout_batch.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    payout_id: Mapped[UUID] = mapped_column(ForeignKey("payout.id"))
    reference: Mapped[str]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    outcome: Mapped[str]
    code: Mapped[str | None]
    bank_reference: Mapped[str | None]
    told_at: Mapped[datetime | None]


class PayoutBatchResult(Base):
    """A result file as it came, known by its digest; `lines` name no account and no person."""

    __tablename__ = "payout_batch_result"
    __table_args__ = (
        UniqueConstraint("batch_id", "sha256", name="uq_payout_batch_result__file"),
        CheckConstraint("source in ('bank', 'staff')", name="source"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("payout_batch.id"))
    sha256: Mapped[bytes]
    rows: Mapped[int]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    lines: Mapped[list[Any]]
    source: Mapped[str]
    received_by_kind: Mapped[str]
    received_by: Mapped[UUID]
    received_at: Mapped[datetime]
    applied_at: Mapped[datetime | None]


class PayoutBatchLink(Base):
    """A download of a batch's file: one person, once."""

    __tablename__ = "payout_batch_link"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("payout_batch.id"))
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_account.id"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
