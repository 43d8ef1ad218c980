"""One household, one file: who belongs to it, how it stands, and when it is looked at again."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base
from app.kernel.transitions import Lifecycle

HOUSEHOLD = Lifecycle.of(
    "household",
    initial=["open"],
    moves={
        "open": ["review_due", "open", "exited"],
        "review_due": ["open", "exited"],
        "exited": [],
    },
)
RELATIONS = ("self", "spouse", "child", "parent", "sibling", "other")
EXIT_REASONS = (
    "hardship-ended",
    "left-the-union",
    "moved-away",
    "deceased",
    "stated-falsely",
    "own-wish",
)


def among(column: str, words: tuple[str, ...]) -> str:
    """A CHECK that a column holds one of these words."""
    return f"{column} in (" + ", ".join(f"'{word}'" for word in words) + ")"


class Household(Base):
    """A family's file; address and notes are sealed, `review_due_on` is on the business clock."""

    __tablename__ = "household"
    __table_args__ = (
        UniqueConstraint("number", name="uq_household__number"),
        CheckConstraint(HOUSEHOLD.check(), name="status"),
        CheckConstraint("status <> 'exited' or exited_at is not null", name="exited"),
        CheckConstraint(among("exit_reason", EXIT_REASONS), name="exit_reason"),
        Index("ix_household__organisation_id", "organisation_id", "status", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    status: Mapped[str]
    sealed: Mapped[bytes]
    opened_by: Mapped[UUID] = mapped_column(ForeignKey("staff_account.id"))
    opened_at: Mapped[datetime]
    review_due_on: Mapped[date]
    reviewed_at: Mapped[datetime | None]
    exited_at: Mapped[datetime | None]
    exit_reason: Mapped[str | None]


class HouseholdMember(Base):
    """Somebody of a household: a person of the service, or kin known by name only (sealed).

    `staff_id` is the account of kin who work here: they never sit over the household's cases.
    """

    __tablename__ = "household_member"
    __table_args__ = (
        CheckConstraint(among("relation", RELATIONS), name="relation"),
        CheckConstraint("num_nonnulls(person_id, sealed) = 1", name="one_kind"),
        Index(
            "uq_household_member__live_person",
            "person_id",
            unique=True,
            postgresql_where=text("left_at is null"),
        ),
        Index("ix_household_member__household_id", "household_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    household_id: Mapped[UUID] = mapped_column(ForeignKey("household.id"))
    relation: Mapped[str]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    sealed: Mapped[bytes | None]
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_account.id"))
    joined_at: Mapped[datetime]
    left_at: Mapped[datetime | None]


class HouseholdSituation(Base):
    """How a household stands, as known after one change; the newest counts. Append-only."""

    __tablename__ = "household_situation"
    __table_args__ = (
        UniqueConstraint("household_id", "version", name="uq_household_situation__version"),
        CheckConstraint(among("occasion", ("opened", "changed", "reviewed")), name="occasion"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    household_id: Mapped[UUID] = mapped_column(ForeignKey("household.id"))
    version: Mapped[int]
    occasion: Mapped[str]
    names: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    sealed: Mapped[bytes]
    recorded_by: Mapped[UUID] = mapped_column(ForeignKey("staff_account.id"))
    recorded_at: Mapped[datetime]
