"""The table behind the queue, filled by the database itself."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base


class ClaimQueue(Base):
    """Where a submitted claim stands in the queue of each organisation that manages it.

    One row for each ancestor of the deciding organisation, kept in step by a trigger on
    `claim`: a page for any scope is one range of one index (decision 0006).
    """

    __tablename__ = "claim_queue"
    __table_args__ = (Index("ix_claim_queue__claim_id", "claim_id"),)

    organisation_id: Mapped[UUID] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(primary_key=True)
    rank_at: Mapped[datetime] = mapped_column(primary_key=True)
    claim_id: Mapped[UUID] = mapped_column(primary_key=True)
