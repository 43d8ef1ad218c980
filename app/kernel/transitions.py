"""Status changes through one guarded door: table of edges, row lock, history row."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Identity, Index, func, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base
from app.kernel.principal import Principal
from app.kernel.problems import InvalidTransition


class LifecycleEdge(Base):
    """The transition tables, in the database so that history can only hold real edges."""

    __tablename__ = "lifecycle_edge"

    subject: Mapped[str] = mapped_column(primary_key=True)
    from_status: Mapped[str] = mapped_column(primary_key=True)
    to_status: Mapped[str] = mapped_column(primary_key=True)


class StatusHistory(Base):
    """Who moved what, when and why; append-only. `from_status` is null at creation."""

    __tablename__ = "status_history"
    __table_args__ = (
        ForeignKeyConstraint(
            ["subject", "from_status", "to_status"],
            ["lifecycle_edge.subject", "lifecycle_edge.from_status", "lifecycle_edge.to_status"],
            name="fk_status_history__edge",
        ),
        Index("ix_status_history__subject_id", "subject_id", "position"),
    )

    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    subject: Mapped[str]
    subject_id: Mapped[UUID]
    from_status: Mapped[str | None]
    to_status: Mapped[str]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID]
    on_behalf_of: Mapped[UUID | None]
    reason_code: Mapped[str | None]
    note: Mapped[str | None]


class HasStatus(Protocol):
    """A row with a lifecycle; read-only here, so that a status may be a str or a StrEnum."""

    @property
    def id(self) -> UUID: ...

    @property
    def status(self) -> str: ...


@dataclass(frozen=True)
class Lifecycle:
    """The statuses of one table and the moves between them.

    That a move exists does not say who may make it: where two acts end in one status, each
    looks at the status that it begins with (tests/walks).
    """

    subject: str
    initial: frozenset[str]
    edges: frozenset[tuple[str, str]]

    @classmethod
    def of(
        cls, subject: str, initial: Iterable[str], moves: Mapping[str, Iterable[str]]
    ) -> "Lifecycle":
        """`moves` maps each status to those that may follow it; final ones map to nothing."""
        edges = frozenset((here, there) for here, targets in moves.items() for there in targets)
        LIFECYCLES[subject] = lifecycle = cls(subject, frozenset(initial), edges)
        return lifecycle

    @property
    def statuses(self) -> frozenset[str]:
        return self.initial | {status for edge in self.edges for status in edge}

    def check(self, column: str = "status") -> str:
        """The CHECK expression of the status column."""
        words = ", ".join(f"'{status}'" for status in sorted(self.statuses))
        return f"{column} in ({words})"

    def allows(self, current: str, target: str) -> bool:
        return (current, target) in self.edges


LIFECYCLES: dict[str, Lifecycle] = {}


def begin(
    session: AsyncSession,
    lifecycle: Lifecycle,
    row: HasStatus,
    *,
    actor: Principal,
    at: datetime,
    on_behalf_of: UUID | None = None,
) -> None:
    """Record the first status of a new row and add the row to the session."""
    status = str(row.status)
    if status not in lifecycle.initial:
        raise InvalidTransition(current="-", target=status)
    session.add(row)
    session.add(_history(lifecycle, row, None, status, actor, at, on_behalf_of, None, None))


async def move(
    session: AsyncSession,
    lifecycle: Lifecycle,
    row: HasStatus,
    target: str,
    *,
    actor: Principal,
    at: datetime,
    on_behalf_of: UUID | None = None,
    reason_code: str | None = None,
    note: str | None = None,
) -> None:
    """Lock the row, check the edge against its present status, set it and write history.

    Raises InvalidTransition (409) when the table has no such edge. `note` must hold no
    personal data.
    """
    await session.flush()
    await session.refresh(row, attribute_names=["status"], with_for_update=True)
    current = str(row.status)
    if not lifecycle.allows(current, target):
        raise InvalidTransition(current=current, target=target)
    row.status = target  # type: ignore[misc]
    history = _history(lifecycle, row, current, target, actor, at, on_behalf_of, reason_code, note)
    session.add(history)
    await session.flush()


def _history(
    lifecycle: Lifecycle,
    row: HasStatus,
    current: str | None,
    target: str,
    actor: Principal,
    at: datetime,
    on_behalf_of: UUID | None,
    reason_code: str | None,
    note: str | None,
) -> StatusHistory:
    return StatusHistory(
        subject=lifecycle.subject,
        subject_id=row.id,
        from_status=current,
        to_status=target,
        at=at,
        actor_kind=actor.kind,
        actor_id=actor.id,
        on_behalf_of=on_behalf_of,
        reason_code=reason_code,
        note=note,
    )


async def install_lifecycles(session: AsyncSession) -> None:
    """Bring `lifecycle_edge` up to the code's tables; edges are added, never removed."""
    rows: list[dict[str, Any]] = [
        {"subject": lifecycle.subject, "here": here, "there": there}
        for lifecycle in LIFECYCLES.values()
        for here, there in sorted(lifecycle.edges)
    ]
    if rows:
        await session.execute(
            text(
                "insert into lifecycle_edge (subject, from_status, to_status)"
                " values (:subject, :here, :there) on conflict do nothing"
            ),
            rows,
        )
