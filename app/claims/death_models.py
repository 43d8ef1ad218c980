"""Reports of deaths, and the survivors who claim."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base
from app.kernel.transitions import Lifecycle

# What an office reports counts at once; what a claimant reports, once an office confirms it.
DEATH_REPORT = Lifecycle.of(
    "death_report",
    initial=["reported", "confirmed"],
    moves={"reported": ["confirmed", "declined"], "confirmed": ["withdrawn"]},
)


class DeathReport(Base):
    """Somebody is said to have died; confirmed, it blocks the person's data.

    `sealed` holds {name, document_type, document_number, issuing_country} as a claimant
    typed them, {evidence} that was seen, and {reason} of an end. `person_id` is null as long
    as nobody is known by these. `organisation_id` is the office that answers.
    """

    __tablename__ = "death_report"
    __table_args__ = (
        CheckConstraint(DEATH_REPORT.check(), name="status"),
        CheckConstraint(
            "status not in ('confirmed', 'withdrawn')"
            " or (person_id is not null and confirmed_at is not null and confirmed_by is not null)",
            name="confirmed",
        ),
        CheckConstraint(
            "status not in ('declined', 'withdrawn')"
            " or (ended_at is not null and ended_by is not null)",
            name="ended",
        ),
        Index(
            "uq_death_report__confirmed",
            "person_id",
            unique=True,
            postgresql_where=text("status = 'confirmed'"),
        ),
        Index("ix_death_report__organisation_id", "organisation_id", "status", "id"),
        Index("ix_death_report__reported_by", "reported_by", "reported_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    died_on: Mapped[date]
    relation: Mapped[str | None]
    status: Mapped[str]
    sealed: Mapped[bytes]
    reported_by_kind: Mapped[str]
    reported_by: Mapped[UUID]
    reported_at: Mapped[datetime]
    confirmed_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff_account.id"))
    confirmed_at: Mapped[datetime | None]
    ended_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff_account.id"))
    ended_at: Mapped[datetime | None]


class ClaimClaimant(Base):
    """A survivor with a share of a claim; who is no longer one has `removed_at`.

    `beneficiary_id` is the entry of the policy that names them; null for a legal heir.
    `share_percent` of all claimants are the weights by which the money is split.
    `kinship_document_id` is the accepted paper in which a reviewer read the relation.
    """

    __tablename__ = "claim_claimant"
    __table_args__ = (
        CheckConstraint("share_percent between 1 and 100", name="share_percent"),
        CheckConstraint(
            "(kinship_document_id is null) = (kinship_proven_at is null)"
            " and (kinship_document_id is null) = (kinship_proven_by is null)",
            name="kinship",
        ),
        Index(
            "uq_claim_claimant__live",
            "claim_id",
            "person_id",
            unique=True,
            postgresql_where=text("removed_at is null"),
        ),
        Index("ix_claim_claimant__claim_id", "claim_id", "position"),
        Index("ix_claim_claimant__person_id", "person_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    claim_id: Mapped[UUID] = mapped_column(ForeignKey("claim.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    beneficiary_id: Mapped[UUID | None] = mapped_column(ForeignKey("beneficiary.id"))
    position: Mapped[int]
    relation: Mapped[str]
    share_percent: Mapped[int]
    kinship_document_id: Mapped[UUID | None] = mapped_column(ForeignKey("claim_document.id"))
    kinship_proven_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff_account.id"))
    kinship_proven_at: Mapped[datetime | None]
    entered_by_kind: Mapped[str]
    entered_by: Mapped[UUID]
    entered_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
