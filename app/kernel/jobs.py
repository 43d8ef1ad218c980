"""Jobs: enqueued through the session, so that they exist if and only if the fact does.

A feature's `jobs.py` offers `JOBS: Mapping[str, Handler]`; names live in its
`events.py`. Handlers are idempotent: a job may run more than once.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from pgqueuer.adapters.persistence.qb import QueryQueueBuilder
from pgqueuer.domain.settings import DBSettings
from sqlalchemy import BigInteger, Index, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.clock import business_now
from app.kernel.database import Base, Database
from app.kernel.vault import Vault
from app.settings import Settings

QUEUE_SETTINGS = DBSettings(db_schema="pgqueuer")
# Twice the same pending key is one job: a second enqueue is skipped.
ENQUEUE = QueryQueueBuilder(settings=QUEUE_SETTINGS).build_enqueue_query("skip")


@dataclass(frozen=True)
class JobContext:
    """What a handler works with: transactions, the vault, and the outside systems."""

    database: Database
    vault: Vault
    settings: Settings
    outside: Any

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        return self.database.transaction()

    async def business_now(self, session: AsyncSession) -> datetime:
        return await business_now(session, sandbox=self.settings.sandbox)


Handler = Callable[[JobContext, Mapping[str, Any]], Awaitable[None]]


class RetryLater(Exception):
    """Raised by a handler whose outside system gave no answer; the job runs again."""

    def __init__(self, after: timedelta) -> None:
        super().__init__(f"retry after {after}")
        self.after = after


async def enqueue(
    session: AsyncSession,
    job: str,
    payload: Mapping[str, Any],
    *,
    after: timedelta | None = None,
    dedupe_key: str | None = None,
    priority: int = 0,
) -> None:
    """Add a job to this transaction. `payload` holds ids only, never personal data.

    `after` is measured on the system clock; business deadlines go through `schedule`.
    `dedupe_key` skips the job while one with the same key is queued *or running*, which
    may have read its facts already: only for jobs that are asked for again anyway.
    """
    connection = await session.connection()
    await connection.exec_driver_sql(
        ENQUEUE,
        (
            [priority],
            [job],
            [msgspec.json.encode(payload)],
            [after or timedelta()],
            [dedupe_key],
            ["{}"],
        ),
    )


class JobStart(Base):
    """How often a job was started: a crash leaves no other trace."""

    __tablename__ = "job_start"

    job_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    starts: Mapped[int]


class DueThing(Base):
    """A deadline on the business clock: when it passes, the job is enqueued."""

    __tablename__ = "due_thing"
    __table_args__ = (Index("ix_due_thing__due_at", "due_at"),)

    job: Mapped[str] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    due_at: Mapped[datetime]


async def schedule(session: AsyncSession, job: str, subject_id: UUID, due_at: datetime) -> None:
    """Run `job` with `{"subject_id": …}` once the business clock reaches `due_at`.

    One deadline per job and subject: a second call moves it.
    """
    await session.execute(
        text(
            "insert into due_thing (job, subject_id, due_at) values (:job, :subject_id, :due_at)"
            " on conflict (job, subject_id) do update set due_at = excluded.due_at"
        ),
        {"job": job, "subject_id": subject_id, "due_at": due_at},
    )


async def unschedule(session: AsyncSession, job: str, subject_id: UUID) -> None:
    """Forget the deadline, if it is still ahead."""
    await session.execute(
        text("delete from due_thing where job = :job and subject_id = :subject_id"),
        {"job": job, "subject_id": subject_id},
    )


async def enqueue_due(session: AsyncSession, now: datetime, limit: int = 500) -> int:
    """Turn deadlines that have passed into jobs; returns how many. Safe in parallel."""
    rows = (
        await session.execute(
            text(
                "delete from due_thing where (job, subject_id) in ("
                " select job, subject_id from due_thing where due_at <= :now"
                " order by due_at limit :limit for update skip locked)"
                " returning job, subject_id"
            ),
            {"now": now, "limit": limit},
        )
    ).all()
    for row in rows:
        await enqueue(session, row.job, {"subject_id": str(row.subject_id)})
    return len(rows)
