"""Agreements with partners, the snapshots they push, and the riders they have now."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    column,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base
from app.kernel.rotation import indexed
from app.kernel.transitions import Lifecycle

ROSTER = Lifecycle.of(
    "roster",
    ["accepted"],
    {
        "accepted": ["reading", "superseded"],
        "reading": ["applying", "held", "refused", "superseded"],
        # Too many riders are missing: nothing is applied until the partner confirms.
        "held": ["reading", "superseded"],
        "applying": ["applied"],
        "applied": [],
        "refused": [],
        "superseded": [],
    },
)
UNFINISHED = ("accepted", "reading", "applying")
MEDIA_TYPES = ("application/json", "text/csv")
DEFAULT_HOLD_PERCENT = 30


class Agreement(Base):
    """What a managing organisation has agreed with a partner: cover for each rider.

    `starts_on` and `ends_on` are the first and last day on which a roster gives new
    cover. Cover waits for the rider's identity unless `without_identity`. A roster in
    which more than `hold_missing_percent` of the present riders are missing is held.
    """

    __tablename__ = "agreement"
    __table_args__ = (
        CheckConstraint("shares >= 1", name="shares"),
        CheckConstraint("ends_on >= starts_on", name="days"),
        CheckConstraint("hold_missing_percent between 0 and 100", name="hold_missing_percent"),
        ExcludeConstraint(
            (column("partner_id"), "="),
            (column("plan_code"), "="),
            (func.daterange(column("starts_on"), column("ends_on"), text("'[]'")), "&&"),
            using="gist",
            name="ex_agreement__one_per_plan",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    partner_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"))
    plan_code: Mapped[str] = mapped_column(ForeignKey("plan.code"))
    shares: Mapped[int]
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    without_identity: Mapped[bool]
    hold_missing_percent: Mapped[int]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("staff_account.id"))
    created_at: Mapped[datetime]


class Roster(Base):
    """One snapshot and how far it has been applied; (partner, sequence) names it.

    Every row of the file up to `applied_through` has its answer. `sealed_report` holds
    what is wrong with the file as a whole: {errors, ignored_columns}.
    """

    __tablename__ = "roster"
    __table_args__ = (
        CheckConstraint(ROSTER.check(), name="status"),
        CheckConstraint("sequence >= 1", name="sequence"),
        UniqueConstraint("partner_id", "sequence", name="uq_roster__sequence"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    partner_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"))
    sequence: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str]
    media_type: Mapped[str]
    body_hash: Mapped[bytes]
    body_bytes: Mapped[int]
    received_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    row_count: Mapped[int | None]
    applied_through: Mapped[int]
    enrolled: Mapped[int]
    updated: Mapped[int]
    unchanged: Mapped[int]
    refused: Mapped[int]
    # Of the riders the partner had: how many the file does not name, how many of those
    # the roster before it still named.
    missing_riders: Mapped[int | None]
    newly_missing: Mapped[int | None]
    sealed_report: Mapped[bytes | None]


class RosterChunk(Base):
    """A piece of a pushed file, encrypted; gone once the roster is finished.

    Chunks come before their roster's row exists, hence no foreign key.
    """

    __tablename__ = "roster_chunk"
    __table_args__ = (
        UniqueConstraint("roster_id", "number", name="uq_roster_chunk__number"),
        Index("ix_roster_chunk__created_at", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    roster_id: Mapped[UUID]
    number: Mapped[int]
    sealed: Mapped[bytes]
    created_at: Mapped[datetime]


class RosterAnswers(Base):
    """The answers to up to a thousand consecutive rows of a roster, sealed as one record."""

    __tablename__ = "roster_answers"
    __table_args__ = (
        UniqueConstraint("roster_id", "last_row", name="uq_roster_answers__last_row"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    roster_id: Mapped[UUID] = mapped_column(ForeignKey("roster.id"))
    first_row: Mapped[int]
    last_row: Mapped[int]
    enrolled: Mapped[int]
    updated: Mapped[int]
    unchanged: Mapped[int]
    refused: Mapped[int]
    sealed: Mapped[bytes]


class Rider(Base):
    """A person as one partner lists them, under the partner's own reference.

    `row_hash` is a keyed hash of the row as it arrived: a row that hashes the same
    changes nothing. `sealed` holds {phone}, as the partner states it. `covered_until` is
    null while the policy waits for identity. `missing_since` is the sequence of the first
    roster that no longer named the rider.
    """

    __tablename__ = "rider"
    __table_args__ = (
        CheckConstraint("length(row_hash) = 16", name="row_hash"),
        UniqueConstraint("partner_id", "rider_ref", name="uq_rider__rider_ref"),
        Index("ix_rider__person_id", "person_id"),
        Index(
            "ix_rider__missing",
            "partner_id",
            "rider_ref",
            postgresql_where=text("missing_since is not null"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    partner_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"))
    rider_ref: Mapped[str]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    agreement_id: Mapped[UUID] = mapped_column(ForeignKey("agreement.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    policy_id: Mapped[UUID] = mapped_column(ForeignKey("policy.id"))
    covered_until: Mapped[datetime | None]
    phone_index: Mapped[bytes] = mapped_column(info=indexed("phone", "phone"))
    row_hash: Mapped[bytes]
    sealed: Mapped[bytes]
    joined_sequence: Mapped[int] = mapped_column(BigInteger)
    changed_sequence: Mapped[int] = mapped_column(BigInteger)
    missing_since: Mapped[int | None] = mapped_column(BigInteger)
