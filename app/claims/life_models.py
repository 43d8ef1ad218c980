"""Appeals, promises and their stops, escalations, signals, hand-overs, receipts as read."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base
from app.kernel.transitions import Lifecycle

HANDOVER = Lifecycle.of(
    "claim_handover",
    initial=["offered"],
    moves={"offered": ["accepted", "declined", "lapsed"]},
)


class ClaimAppeal(Base):
    """The member's one appeal against a decision; `sealed` holds the member's words.

    `organisation_id` is who decides it: the parent of the organisation that decided.
    """

    __tablename__ = "claim_appeal"
    __table_args__ = (
        UniqueConstraint("claim_id", name="uq_claim_appeal__claim_id"),
        CheckConstraint("outcome in ('upheld', 'decided_anew')", name="outcome"),
        CheckConstraint("(outcome is null) = (ended_at is null)", name="ended"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    claim_id: Mapped[UUID] = mapped_column(ForeignKey("claim.id"))
    decision_id: Mapped[UUID] = mapped_column(ForeignKey("decision.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    sealed: Mapped[bytes]
    appealed_by_kind: Mapped[str]
    appealed_by: Mapped[UUID]
    appealed_at: Mapped[datetime]
    outcome: Mapped[str | None]
    ended_at: Mapped[datetime | None]


class ClaimPromise(Base):
    """A dated promise to the member: to decide, or to have paid.

    `length` and `unit` are the plan's; `nudge_at` is when 80 % of the time is over. It
    ends with `kept`, `late` or, when the claim was withdrawn, `void`.
    """

    __tablename__ = "claim_promise"
    __table_args__ = (
        CheckConstraint("clock in ('review', 'payout')", name="clock"),
        CheckConstraint("unit in ('calendar_days', 'working_days')", name="unit"),
        CheckConstraint("length > 0", name="length"),
        CheckConstraint("outcome in ('kept', 'late', 'void')", name="outcome"),
        CheckConstraint("(outcome is null) = (ended_at is null)", name="ended"),
        Index(
            "uq_claim_promise__open",
            "claim_id",
            "clock",
            unique=True,
            postgresql_where=text("ended_at is null"),
        ),
        Index("ix_claim_promise__claim_id", "claim_id"),
        Index(
            "ix_claim_promise__nudged",
            "claim_id",
            postgresql_where=text("nudged_at is not null and ended_at is null"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    claim_id: Mapped[UUID] = mapped_column(ForeignKey("claim.id"))
    clock: Mapped[str]
    length: Mapped[int]
    unit: Mapped[str]
    calendar_known: Mapped[bool]
    started_at: Mapped[datetime]
    due_at: Mapped[datetime]
    nudge_at: Mapped[datetime]
    nudged_at: Mapped[datetime | None]
    missed_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    ended_at: Mapped[datetime | None]


class ClaimPromiseStop(Base):
    """A span in which a promise stood still, and why; open while `resumed_at` is null."""

    __tablename__ = "claim_promise_stop"
    __table_args__ = (
        CheckConstraint("resumed_at >= stopped_at", name="span"),
        Index(
            "uq_claim_promise_stop__open",
            "promise_id",
            unique=True,
            postgresql_where=text("resumed_at is null"),
        ),
        Index("ix_claim_promise_stop__promise_id", "promise_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    promise_id: Mapped[UUID] = mapped_column(ForeignKey("claim_promise.id"))
    reason_code: Mapped[str]
    stopped_at: Mapped[datetime]
    due_before: Mapped[datetime]
    resumed_at: Mapped[datetime | None]
    due_after: Mapped[datetime | None]


class ClaimEscalation(Base):
    """A missed promise, handed to the parent organisation; the member sees it."""

    __tablename__ = "claim_escalation"
    __table_args__ = (
        UniqueConstraint("promise_id", name="uq_claim_escalation__promise_id"),
        Index("ix_claim_escalation__claim_id", "claim_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    claim_id: Mapped[UUID] = mapped_column(ForeignKey("claim.id"))
    promise_id: Mapped[UUID] = mapped_column(ForeignKey("claim_promise.id"))
    from_organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    to_organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    escalated_at: Mapped[datetime]


class ClaimSignal(Base):
    """Something odd, with its evidence (ids, words and numbers); a person judges it.

    `evidence_key` names what it is about, so that the same is raised once.
    """

    __tablename__ = "claim_signal"
    __table_args__ = (
        UniqueConstraint("claim_id", "kind", "evidence_key", name="uq_claim_signal__once"),
        CheckConstraint("verdict in ('harmless', 'confirmed')", name="verdict"),
        CheckConstraint(
            "(verdict is null) = (judged_at is null) and (verdict is null) = (judged_by is null)",
            name="judged",
        ),
        Index("ix_claim_signal__open", "claim_id", postgresql_where=text("verdict is null")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    claim_id: Mapped[UUID] = mapped_column(ForeignKey("claim.id"))
    kind: Mapped[str]
    evidence_key: Mapped[str]
    evidence: Mapped[dict[str, Any]]
    raised_at: Mapped[datetime]
    judged_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff_account.id"))
    judged_at: Mapped[datetime | None]
    verdict: Mapped[str | None]
    sealed: Mapped[bytes | None]


class ClaimHandover(Base):
    """A leased claim offered to a named colleague."""

    __tablename__ = "claim_handover"
    __table_args__ = (
        CheckConstraint(HANDOVER.check(), name="status"),
        CheckConstraint("from_staff_id <> to_staff_id", name="two_people"),
        CheckConstraint("status <> 'offered' or answered_at is null", name="answered"),
        Index(
            "uq_claim_handover__open",
            "claim_id",
            unique=True,
            postgresql_where=text("status = 'offered'"),
        ),
        Index(
            "ix_claim_handover__to_staff_id",
            "to_staff_id",
            postgresql_where=text("status = 'offered'"),
        ),
        Index("ix_claim_handover__claim_id", "claim_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    claim_id: Mapped[UUID] = mapped_column(ForeignKey("claim.id"))
    from_staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_account.id"))
    to_staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_account.id"))
    status: Mapped[str]
    offered_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]


class ClaimReceiptReading(Base):
    """What the printed code on a document says of a receipt; before tax unless `whole`."""

    __tablename__ = "claim_receipt_reading"
    __table_args__ = (
        CheckConstraint("amount_fen >= 0", name="amount_fen"),
        Index("ix_claim_receipt_reading__document_id", "document_id"),
    )

    receipt_id: Mapped[UUID] = mapped_column(ForeignKey("claim_receipt.id"), primary_key=True)
    document_id: Mapped[UUID] = mapped_column(ForeignKey("claim_document.id"), primary_key=True)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    issued_on: Mapped[date]
    whole: Mapped[bool]
    read_at: Mapped[datetime]
