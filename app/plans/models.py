"""Plans and their numbered versions; a published version never changes again."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, column, func, text
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base
from app.kernel.transitions import Lifecycle
from app.plans.terms import FROZEN_TERMS, PlanTerms

PLAN_VERSION = Lifecycle.of(
    "plan_version",
    ["draft"],
    {
        "draft": ["published"],
        "published": ["closed"],  # no longer sold; policies under it go on
        "closed": ["published", "retired"],
        "retired": [],
    },
)


class Plan(Base):
    """A mutual-aid product; whether it is on sale follows from its versions."""

    __tablename__ = "plan"
    __table_args__ = (CheckConstraint("kind in ('purchased', 'gifted')", name="kind"),)

    code: Mapped[str] = mapped_column(primary_key=True)
    name_zh: Mapped[str]
    name_en: Mapped[str]
    kind: Mapped[str]


class PlanVersion(Base):
    """One edition of a plan's terms; a trigger refuses changes once it has been published."""

    __tablename__ = "plan_version"
    __table_args__ = (
        CheckConstraint(PLAN_VERSION.check(), name="status"),
        CheckConstraint("number >= 1", name="number"),
        UniqueConstraint("plan_code", "number", name="uq_plan_version__number"),
        ExcludeConstraint(
            (column("plan_code"), "="),
            (func.tstzrange(column("effective_from"), column("effective_to")), "&&"),
            where=text("status = 'published'"),
            using="gist",
            name="ex_plan_version__one_on_sale",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan_code: Mapped[str] = mapped_column(ForeignKey("plan.code"))
    number: Mapped[int]
    status: Mapped[str]
    effective_from: Mapped[datetime]
    effective_to: Mapped[datetime | None]
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)

    @property
    def terms(self) -> PlanTerms:
        """The typed document; parsed once per process when it can no longer change."""
        if self.status == "draft":
            return PlanTerms.model_validate(self.document)
        return FROZEN_TERMS.read(self.id, self.document)
