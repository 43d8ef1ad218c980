"""The durable, sequenced event log, and publishing: one row, one job per subscriber."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base
from app.kernel.ids import new_id
from app.kernel.jobs import enqueue
from app.kernel.principal import Principal


class LoggedEvent(Base):
    """A fact that happened; append-only. `content` holds ids, words and numbers only.

    `sequence` orders what one reader sees; transactions commit out of order, so a
    reader follows `sequence` with a short overlap.
    """

    __tablename__ = "event_log"

    sequence: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    id: Mapped[UUID] = mapped_column(unique=True)
    name: Mapped[str]
    version: Mapped[int]
    subject: Mapped[str]
    subject_id: Mapped[UUID] = mapped_column(index=True)
    tenant_id: Mapped[UUID | None]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID]
    on_behalf_of: Mapped[UUID | None]
    content: Mapped[dict[str, Any]]


async def publish(
    session: AsyncSession,
    name: str,
    *,
    subject: str,
    subject_id: UUID,
    actor: Principal,
    at: datetime,
    on_behalf_of: UUID | None = None,
    tenant_id: UUID | None = None,
    content: Mapping[str, Any] | None = None,
    version: int = 1,
) -> None:
    """Write the event and enqueue one job for each subscriber, in this transaction."""
    event_id = new_id()
    await session.execute(
        insert(LoggedEvent).values(
            id=event_id,
            name=name,
            version=version,
            subject=subject,
            subject_id=subject_id,
            tenant_id=tenant_id,
            at=at,
            actor_kind=actor.kind,
            actor_id=actor.id,
            on_behalf_of=on_behalf_of,
            content=dict(content or {}),
        )
    )
    for job in session.info["subscriptions"].get(name, ()):
        await enqueue(session, job, {"event_id": str(event_id), "subject_id": str(subject_id)})


async def heard(session: AsyncSession, payload: Mapping[str, Any]) -> LoggedEvent:
    """The event that a subscriber's job is about."""
    event_id = UUID(payload["event_id"])
    return (await session.scalars(select(LoggedEvent).where(LoggedEvent.id == event_id))).one()
