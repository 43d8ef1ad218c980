"""Decisions, their lines, and what they use of limits; all written once."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base


class Decision(Base):
    """One person's verdict, or the rule's, on one round of review; append-only.

    `sealed` holds the note, the facts it stands on, the engine's explanation and, where
    `partly`, what each changed fact cost. `uphold` leaves standing what was decided before.
    Who decided in one stage decides in no other.
    """

    __tablename__ = "decision"
    __table_args__ = (
        UniqueConstraint("claim_id", "round", "step", name="uq_decision__claim_id_round_step"),
        CheckConstraint("verdict in ('approve', 'deny', 'return', 'uphold')", name="verdict"),
        CheckConstraint("step in ('first', 'second')", name="step"),
        CheckConstraint("(verdict = 'approve') = (amount_fen is not null)", name="amount"),
        CheckConstraint("amount_fen > 0", name="amount_fen"),
        CheckConstraint("verdict <> 'deny' or reason_code is not null", name="reason"),
        CheckConstraint("by_rule = (decided_by is null)", name="by_rule"),
        CheckConstraint("not partly or verdict = 'approve'", name="partly"),
        Index("uq_decision__two_people", "claim_id", "round", "decided_by", unique=True),
        ExcludeConstraint(
            ("claim_id", "="),
            ("decided_by", "="),
            ("stage", "<>"),
            name="ex_decision__other_people_on_appeal",
            using="gist",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    claim_id: Mapped[UUID] = mapped_column(ForeignKey("claim.id"))
    round: Mapped[int]
    step: Mapped[str]
    verdict: Mapped[str]
    amount_fen: Mapped[int | None] = mapped_column(BigInteger)
    reason_code: Mapped[str | None]
    sealed: Mapped[bytes]
    stage: Mapped[int] = mapped_column(server_default=text("1"))
    partly: Mapped[bool] = mapped_column(server_default=text("false"))
    by_rule: Mapped[bool] = mapped_column(server_default=text("false"))
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff_account.id"))
    decided_at: Mapped[datetime]


class ClaimLine(Base):
    """What one benefit pays for the claim, as decided; append-only.

    `sealed` holds facts and explanation; `outcome` the words and numbers that carry
    nothing personal (which caps bit).
    """

    __tablename__ = "claim_line"
    __table_args__ = (
        UniqueConstraint("decision_id", "benefit_code", name="uq_claim_line__decision_id_benefit"),
        CheckConstraint("amount_fen >= 0", name="amount_fen"),
        Index("ix_claim_line__claim_id", "claim_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    claim_id: Mapped[UUID] = mapped_column(ForeignKey("claim.id"))
    decision_id: Mapped[UUID] = mapped_column(ForeignKey("decision.id"))
    benefit_code: Mapped[str]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    outcome: Mapped[dict[str, Any]]
    sealed: Mapped[bytes]


class BenefitUse(Base):
    """What one decision uses of limits: fen and the plan's counters; a reversed one no more.

    Written with the decision, while the person's claims are locked. `counters` are whole
    numbers or exact fractions as text (docs/decisions/0010-plans-as-data.md).
    """

    __tablename__ = "benefit_use"
    __table_args__ = (
        CheckConstraint("amount_fen >= 0", name="amount_fen"),
        UniqueConstraint("decision_id", name="uq_benefit_use__decision_id"),
        Index(
            "ix_benefit_use__person_id",
            "person_id",
            "event_on",
            postgresql_where=text("reversed_at is null"),
        ),
        Index("ix_benefit_use__claim_id", "claim_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    claim_id: Mapped[UUID] = mapped_column(ForeignKey("claim.id"))
    decision_id: Mapped[UUID] = mapped_column(ForeignKey("decision.id"))
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incident.id"))
    policy_id: Mapped[UUID] = mapped_column(ForeignKey("policy.id"))
    plan_code: Mapped[str]
    benefit_code: Mapped[str]
    event_on: Mapped[date]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    counters: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    recorded_at: Mapped[datetime]
    reversed_at: Mapped[datetime | None]
