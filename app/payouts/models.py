"""Payouts and the accounts they go to."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base
from app.kernel.rotation import indexed
from app.kernel.transitions import Lifecycle

# `sending` is written before the call: whoever finds it there after a crash asks first.
PAYOUT = Lifecycle.of(
    "payout",
    initial=["requested"],
    moves={
        "requested": ["sending", "failed"],
        "sending": ["requested", "accepted", "waiting_confirm", "unknown", "paid", "failed"],
        "unknown": ["requested", "accepted", "waiting_confirm", "paid", "failed"],
        "accepted": ["waiting_confirm", "unknown", "paid", "failed"],
        "waiting_confirm": ["accepted", "paid", "failed"],
    },
)


class PayoutAccount(Base):
    """A bank account in the member's own name; number and holder are sealed.

    `account_index` finds the same account under other people without opening it.
    """

    __tablename__ = "payout_account"
    __table_args__ = (
        CheckConstraint("method in ('bank')", name="method"),
        Index(
            "uq_payout_account__person_id_account_index",
            "person_id",
            "account_index",
            unique=True,
            postgresql_where=text("retired_at is null"),
        ),
        Index("ix_payout_account__account_index", "account_index"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    method: Mapped[str]
    sealed: Mapped[bytes]
    account_index: Mapped[bytes] = mapped_column(info=indexed("bank-account", "account_number"))
    usable_from: Mapped[datetime]
    recorded_by_kind: Mapped[str]
    recorded_by: Mapped[UUID]
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())
    retired_at: Mapped[datetime | None]


class Payout(Base):
    """Money that is owed and sent under one number: `out_bill_no` never changes.

    A failed payout is followed by a new row, with a new number, only after the outside
    system itself said that the old one failed (reliability.md, invariant 9). `round` is
    the claim's round of review that it pays for: a later one pays the difference. A claim
    decided by rule has no approvers. `claimant_id` names the survivor whose share it is; null
    where the member is paid. `lane` is how money goes to a bank: by a call of its own
    or in a batch; null until that is chosen.
    """

    __tablename__ = "payout"
    __table_args__ = (
        UniqueConstraint("out_bill_no", name="uq_payout__out_bill_no"),
        CheckConstraint("amount_fen > 0", name="amount_fen"),
        CheckConstraint("method in ('wechat', 'bank')", name="method"),
        CheckConstraint(PAYOUT.check(), name="status"),
        CheckConstraint("(method = 'bank') = (payout_account_id is not null)", name="destination"),
        CheckConstraint("num_nonnulls(claim_id, refund_id, relief_case_id) = 1", name="one_cause"),
        CheckConstraint("by_rule or cardinality(approvers) >= 1", name="approvers"),
        CheckConstraint("lane in ('direct', 'batch')", name="lane"),
        CheckConstraint("claimant_id is null or claim_id is not null", name="share"),
        Index(
            "uq_payout__live_share",
            "claim_id",
            "round",
            "claimant_id",
            unique=True,
            postgresql_where=text("status <> 'failed' and claim_id is not null"),
            postgresql_nulls_not_distinct=True,
        ),
        Index(
            "uq_payout__share_under_way",
            "claim_id",
            "claimant_id",
            unique=True,
            postgresql_where=text("status not in ('failed', 'paid') and claim_id is not null"),
            postgresql_nulls_not_distinct=True,
        ),
        Index(
            "uq_payout__live_refund",
            "refund_id",
            unique=True,
            postgresql_where=text("status <> 'failed' and refund_id is not null"),
        ),
        Index(
            "uq_payout__live_relief_case",
            "relief_case_id",
            unique=True,
            postgresql_where=text("status <> 'failed' and relief_case_id is not null"),
        ),
        Index("ix_payout__claim_id", "claim_id"),
        Index("ix_payout__payee_person_id", "payee_person_id"),
        Index(
            "ix_payout__next_poll_at",
            "next_poll_at",
            postgresql_where=text(
                "status in ('requested', 'sending', 'unknown', 'accepted', 'waiting_confirm')"
            ),
        ),
        Index(
            "ix_payout__waiting_for_batch",
            "id",
            postgresql_where=text("lane = 'batch' and status = 'requested'"),
        ),
        Index(
            "ix_payout__settled_at",
            "settled_at",
            postgresql_where=text("status = 'paid'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    claim_id: Mapped[UUID | None] = mapped_column(ForeignKey("claim.id"))
    claimant_id: Mapped[UUID | None] = mapped_column(ForeignKey("claim_claimant.id"))
    refund_id: Mapped[UUID | None]
    relief_case_id: Mapped[UUID | None] = mapped_column(ForeignKey("relief_case.id"))
    round: Mapped[int] = mapped_column(server_default=text("1"))
    plan_code: Mapped[str]
    method: Mapped[str]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    payee_person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("member_account.id"))
    payout_account_id: Mapped[UUID | None] = mapped_column(ForeignKey("payout_account.id"))
    approvers: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    by_rule: Mapped[bool] = mapped_column(server_default=text("false"))
    status: Mapped[str]
    out_bill_no: Mapped[str]
    outside_reference: Mapped[str | None]
    failure_code: Mapped[str | None]
    sealed_package: Mapped[bytes | None]
    confirm_before: Mapped[datetime | None]
    requested_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    next_poll_at: Mapped[datetime | None]
    lane: Mapped[str | None]
    stop_requested_at: Mapped[datetime | None]
