"""The audit trail: one row per state change and per answer that showed personal data.

Rows are written plainly by requests; the worker seals them into a hash chain in
batches, so that no request waits for the chain. The application's database role can
insert and read, never change.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import ARRAY, BigInteger, Identity, Index, Uuid, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base
from app.kernel.principal import Principal

log = structlog.get_logger("audit")

GENESIS = bytes(32)
BATCH = 2_000


class AuditEntry(Base):
    """Who did or saw what; `subject_ids` are the rows changed or shown."""

    __tablename__ = "audit_entry"

    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID]
    on_behalf_of: Mapped[UUID | None]
    action: Mapped[str]
    subject: Mapped[str]
    subject_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    request_id: Mapped[str]
    details: Mapped[dict[str, Any]]


class AuditSeal(Base):
    """One link of the chain: `hash` covers the previous link and this batch's leaves.

    Every entry up to `floor` was sealed when this link was made.
    """

    __tablename__ = "audit_seal"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    sealed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    floor: Mapped[int] = mapped_column(BigInteger)
    previous_hash: Mapped[bytes]
    hash: Mapped[bytes]


class AuditLeaf(Base):
    """Which entry is in which seal, with the entry's own hash."""

    __tablename__ = "audit_leaf"
    __table_args__ = (Index("ix_audit_leaf__seal_number", "seal_number", "position"),)

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    seal_number: Mapped[int] = mapped_column(BigInteger)
    leaf_hash: Mapped[bytes]


def request_id() -> str:
    """The id of the request or job being served."""
    return str(structlog.contextvars.get_contextvars().get("request_id", "-"))


async def record(
    session: AsyncSession,
    actor: Principal,
    action: str,
    *,
    subject: str,
    subject_ids: Sequence[UUID],
    on_behalf_of: UUID | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Add one audit row to this transaction.

    `action` is a domain verb (`claim.approve`, `person.read`); `details` hold words
    and numbers only, never personal data.
    """
    await session.execute(
        insert(AuditEntry).values(
            actor_kind=actor.kind,
            actor_id=actor.id,
            on_behalf_of=on_behalf_of,
            action=action,
            subject=subject,
            subject_ids=list(subject_ids),
            request_id=request_id(),
            details=dict(details or {}),
        )
    )


_UNSEALED = text(
    "select e.* from audit_entry e left join audit_leaf l on l.position = e.position"
    " where l.position is null and e.position > :floor order by e.position limit :limit"
)
# Every transaction ends within minutes (time-outs), so nothing can still appear below
# a position that was sealed a quarter of an hour ago.
_SETTLED = text(
    "select coalesce(max(position), 0) from audit_leaf where seal_number = ("
    " select max(number) from audit_seal where sealed_at < now() - interval '15 minutes')"
)


async def seal_batch(session: AsyncSession) -> int:
    """Seal up to BATCH unsealed entries as the next link; returns how many.

    A row that commits late with an early position is sealed when it becomes visible.
    One sealer at a time: a transaction-scoped advisory lock.
    """
    if not await session.scalar(text("select pg_try_advisory_xact_lock(hashtext('audit_seal'))")):
        return 0
    newest = await session.scalar(select(AuditSeal).order_by(AuditSeal.number.desc()).limit(1))
    floor = newest.floor if newest else 0
    rows = (await session.execute(_UNSEALED, {"limit": BATCH, "floor": floor})).all()
    if not rows:
        return 0
    number = newest.number + 1 if newest else 1
    previous = newest.hash if newest else GENESIS
    leaves = [(row.position, leaf_hash(row._mapping)) for row in rows]
    await session.execute(
        insert(AuditLeaf),
        [{"position": at, "seal_number": number, "leaf_hash": leaf} for at, leaf in leaves],
    )
    if len(rows) < BATCH:
        floor = max(floor, int(await session.scalar(_SETTLED) or 0))
    linked = link_hash(previous, [leaf for _, leaf in leaves])
    session.add(AuditSeal(number=number, floor=floor, previous_hash=previous, hash=linked))
    await session.flush()
    # The newest link also lives outside the database (decision 0004).
    log.info("audit sealed", number=number, hash=linked.hex(), entries=len(leaves))
    return len(leaves)


def leaf_hash(entry: Mapping[Any, Any]) -> bytes:
    """SHA-256 over every column of an entry, in a canonical order."""
    canonical = [
        entry["position"],
        entry["recorded_at"].isoformat(),
        entry["actor_kind"],
        str(entry["actor_id"]),
        str(entry["on_behalf_of"]),
        entry["action"],
        entry["subject"],
        [str(subject_id) for subject_id in entry["subject_ids"]],
        entry["request_id"],
        msgspec.json.encode(entry["details"], order="sorted").decode(),
    ]
    return hashlib.sha256(msgspec.json.encode(canonical)).digest()


def link_hash(previous: bytes, leaves: Sequence[bytes]) -> bytes:
    return hashlib.sha256(previous + b"".join(leaves)).digest()


@dataclass(frozen=True, slots=True)
class AuditFault:
    """Where the chain does not hold: `kind` is edited, missing or broken-link."""

    kind: str
    seal_number: int
    position: int | None


async def verify(session: AsyncSession) -> tuple[int, list[AuditFault]]:
    """Recompute the whole chain; returns how many entries were checked, and every fault."""
    faults: list[AuditFault] = []
    previous, checked = GENESIS, 0
    seals = (await session.scalars(select(AuditSeal).order_by(AuditSeal.number))).all()
    for expected, seal in enumerate(seals, start=1):
        leaves = (await session.execute(_LEAVES, {"number": seal.number})).all()
        for leaf in leaves:
            checked += 1
            if leaf.entry_position is None:
                faults.append(AuditFault("missing", seal.number, leaf.position))
            elif leaf_hash(leaf._mapping) != leaf.leaf_hash:
                faults.append(AuditFault("edited", seal.number, leaf.position))
        linked = link_hash(previous, [leaf.leaf_hash for leaf in leaves])
        if (seal.number, seal.previous_hash, seal.hash) != (expected, previous, linked):
            faults.append(AuditFault("broken-link", seal.number, None))
        previous = seal.hash
    return checked, faults


_LEAVES = text(
    "select l.leaf_hash, l.position, e.position as entry_position, e.recorded_at, e.actor_kind,"
    " e.actor_id, e.on_behalf_of, e.action, e.subject, e.subject_ids, e.request_id, e.details"
    " from audit_leaf l left join audit_entry e on e.position = l.position"
    " where l.seal_number = :number order by l.position"
)
