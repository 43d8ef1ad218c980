"""Units that have joined a plan as a whole, and the people who joined with them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base


class GroupJoining(Base):
    """That a unit met a plan's group rules, with how many people it had then.

    The newest of a unit and plan rules. `shares` are what everybody takes where the plan
    wants equal shares; `evidence` says which proof of the headcount was seen.
    """

    __tablename__ = "group_joining"
    __table_args__ = (
        CheckConstraint("headcount >= 1", name="headcount"),
        CheckConstraint("shares >= 1", name="shares"),
        CheckConstraint("length(evidence) between 1 and 200", name="evidence"),
        Index("ix_group_joining__organisation_id", "organisation_id", "plan_code", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    plan_code: Mapped[str] = mapped_column(ForeignKey("plan.code"))
    headcount: Mapped[int]
    shares: Mapped[int]
    evidence: Mapped[str]
    declared_by: Mapped[UUID] = mapped_column(ForeignKey("staff_account.id"))
    declared_at: Mapped[datetime]


class GroupPerson(Base):
    """Somebody who joined with the unit."""

    __tablename__ = "group_person"

    group_id: Mapped[UUID] = mapped_column(ForeignKey("group_joining.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
