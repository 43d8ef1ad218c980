"""Administrative areas, the tree of organisations, and partner platforms."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    CHAR,
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base
from app.kernel.transitions import Lifecycle


class Kind(StrEnum):
    """What an organisation is (domain.md, "The organisations")."""

    MUNICIPAL_OFFICE = "municipal_office"
    AGENCY = "agency"
    UNIT = "unit"
    SITE = "site"


# Which kinds may stand under which.
CHILDREN: dict[Kind, frozenset[Kind]] = {
    Kind.MUNICIPAL_OFFICE: frozenset({Kind.AGENCY, Kind.UNIT}),
    Kind.AGENCY: frozenset({Kind.UNIT, Kind.SITE}),
    Kind.UNIT: frozenset({Kind.UNIT, Kind.SITE}),
    Kind.SITE: frozenset(),
}

PARTNER = Lifecycle.of(
    "partner", initial=["active"], moves={"active": ["suspended"], "suspended": ["active"]}
)


class Area(Base):
    """A district or county by its GB/T 2260 code.

    Valid on days d with valid_from ≤ d < valid_to; a null end is open. `successor_code`
    names the area that took over.
    """

    __tablename__ = "area"

    code: Mapped[str] = mapped_column(CHAR(6), primary_key=True)
    name: Mapped[str]
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    successor_code: Mapped[str | None] = mapped_column(CHAR(6), ForeignKey("area.code"))


class Organisation(Base):
    """A node of the tree; `lineage` runs from the root to the organisation itself.

    `version` counts changes and is its ETag.
    """

    __tablename__ = "organisation"
    __table_args__ = (
        CheckConstraint(
            "kind in (" + ", ".join(f"'{kind}'" for kind in Kind) + ")",
            name="kind",
        ),
        CheckConstraint("lineage[cardinality(lineage)] = id", name="lineage"),
        CheckConstraint("(parent_id is null) = (kind = 'municipal_office')", name="root"),
        CheckConstraint("valid_to > valid_from", name="validity"),
        UniqueConstraint("parent_id", "name", name="uq_organisation__parent_id_name"),
        Index("ix_organisation__lineage", "lineage", postgresql_using="gin"),
        Index(
            "uq_organisation__uscc",
            "uscc",
            unique=True,
            postgresql_where=text("valid_to is null and uscc is not null"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))
    kind: Mapped[str]
    name: Mapped[str]
    area_code: Mapped[str | None] = mapped_column(CHAR(6), ForeignKey("area.code"))
    uscc: Mapped[str | None]
    lineage: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    successor_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))
    version: Mapped[int]
    created_at: Mapped[datetime]


class Partner(Base):
    """A platform company that pushes rosters; managed by an agency or office."""

    __tablename__ = "partner"
    __table_args__ = (
        CheckConstraint(PARTNER.check(), name="status"),
        UniqueConstraint("organisation_id", "name", name="uq_partner__organisation_id_name"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    uscc: Mapped[str]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    status: Mapped[str]
    version: Mapped[int]
    created_at: Mapped[datetime]
