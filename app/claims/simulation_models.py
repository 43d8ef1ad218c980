"""Simulations: a draft of a plan replayed against claims that were decided."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base
from app.kernel.transitions import Lifecycle

SIMULATION = Lifecycle.of(
    "plan_simulation",
    initial=["requested"],
    moves={
        "requested": ["running", "failed", "cancelled"],
        "running": ["done", "failed", "cancelled"],
        "done": [],
        "failed": [],
        "cancelled": [],
    },
)


class PlanSimulation(Base):
    """One replay, how far it is, and what it has found so far; ids and sums, nobody's data.

    `document` is the draft as it was when the replay was asked for: it may change or go
    meanwhile, so `version_id` refers to nothing. Only claims decided up to `as_of`
    (business clock) are looked at. `sums` are committed together with `through_person_id`,
    the last person replayed: a run that was killed goes on there and counts nothing twice.
    `starts` counts runs that have not finished a slice.
    """

    __tablename__ = "plan_simulation"
    __table_args__ = (
        CheckConstraint(SIMULATION.check(), name="status"),
        CheckConstraint("from_on <= to_on", name="days"),
        CheckConstraint("claims_done >= 0 and starts >= 0 and worked_ms >= 0", name="progress"),
        CheckConstraint("status <> 'done' or result is not null", name="result"),
        Index("ix_plan_simulation__organisation_id", "organisation_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    requested_by: Mapped[UUID] = mapped_column(ForeignKey("staff_account.id"))
    requested_at: Mapped[datetime]
    version_id: Mapped[UUID]
    version_number: Mapped[int]
    plan_code: Mapped[str]
    document: Mapped[dict[str, Any]]
    against: Mapped[str] = mapped_column(ForeignKey("plan.code"))
    benefits: Mapped[dict[str, Any]]
    from_on: Mapped[date]
    to_on: Mapped[date]
    as_of: Mapped[datetime]
    status: Mapped[str]
    failure_code: Mapped[str | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    starts: Mapped[int]
    through_person_id: Mapped[UUID | None]
    claims_total: Mapped[int | None] = mapped_column(BigInteger)
    claims_done: Mapped[int] = mapped_column(BigInteger)
    worked_ms: Mapped[int] = mapped_column(BigInteger)
    sums: Mapped[dict[str, Any]]
    result: Mapped[dict[str, Any] | None]
