"""What a tablet sent from a site, and what it was answered the first time."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base


class OnSiteEnrolment(Base):
    """One item of a tablet's batch, known by the `client_ref` that the tablet made up.

    `sealed_answer` is the first answer; repeating the item returns it.
    """

    __tablename__ = "on_site_enrolment"
    __table_args__ = (
        UniqueConstraint("staff_id", "client_ref", name="uq_on_site_enrolment__client_ref"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_account.id"))
    client_ref: Mapped[str]
    request_hash: Mapped[bytes]
    registration_id: Mapped[UUID] = mapped_column(ForeignKey("registration.id"))
    order_id: Mapped[UUID | None]
    sealed_answer: Mapped[bytes]
    seen_at: Mapped[datetime]
    created_at: Mapped[datetime]
