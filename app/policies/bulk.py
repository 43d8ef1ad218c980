"""Issuing cover by the thousand: the same rows as `issue_policy` writes, by COPY."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit, facts
from app.kernel.database import raw_connection
from app.kernel.ids import new_ids, new_number
from app.kernel.jobs import ENQUEUE
from app.kernel.principal import Principal
from app.plans.models import PlanVersion
from app.policies.bulk_looks import Followed
from app.policies.continuing import renewed_fact, renewed_layers
from app.policies.events import POLICY_ISSUED
from app.policies.issue import NewLayer


@dataclass(frozen=True, slots=True)
class Batch:
    """What the policies of one batch have in common."""

    version: PlanVersion
    shares: int
    period: Range[datetime]
    channel: str
    sponsor_id: UUID


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person of a batch; `places` are the share slots they get, as many as shares.

    Who goes on has a `period` of their own: it begins where the former cover ended.
    """

    person_id: UUID
    organisation_id: UUID
    in_force: bool
    places: Sequence[int]
    follows: Followed | None = None
    period: Range[datetime] | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """A policy that was made, in the order of the recipients."""

    id: UUID
    number: str


_POLICY = (
    "id",
    "number",
    "person_id",
    "plan_code",
    "plan_version_id",
    "shares",
    "period",
    "status",
    "channel",
    "sponsor_id",
    "organisation_id",
    "issued_at",
    "term_number",
    "follows_id",
)
_TRANSACTION = (
    "id",
    "policy_id",
    "kind",
    "effective_at",
    "shares",
    "period",
    "status",
    "counted_from",
    "actor_kind",
    "actor_id",
)
_SLOT = ("id", "person_id", "plan_code", "slot", "period", "policy_id")
_HISTORY = ("subject", "subject_id", "to_status", "at", "actor_kind", "actor_id")
_EVENT = (
    "id",
    "name",
    "version",
    "subject",
    "subject_id",
    "tenant_id",
    "at",
    "actor_kind",
    "actor_id",
    "content",
)


async def issue_in_bulk(
    session: AsyncSession,
    batch: Batch,
    recipients: Sequence[Recipient],
    *,
    actor: Principal,
    now: datetime,
) -> list[Issued]:
    """Issue one policy to each recipient.

    Raises asyncpg.ExclusionViolationError when a place was taken since `free_places`:
    roll back and look again.
    """
    issued = [Issued(policy_id, new_number("P")) for policy_id in new_ids(len(recipients))]
    if not issued:
        return issued
    connection = await raw_connection(session)
    pairs = [
        (policy, to, "in_force" if to.in_force else "pending")
        for policy, to in zip(issued, recipients, strict=True)
    ]
    who = (actor.kind, actor.id)
    for table, columns, rows in (
        ("policy", _POLICY, _policies(batch, pairs, now)),
        ("policy_transaction", _TRANSACTION, _transactions(batch, pairs, who, now)),
        ("share_slot", _SLOT, _slots(batch, pairs)),
        ("status_history", _HISTORY, _history(pairs, who, now)),
    ):
        await connection.copy_records_to_table(table, records=rows, columns=columns)
    await _tell(session, batch, pairs, actor, now)
    renewed = _renewed(batch, pairs)
    if renewed:
        await facts.state(session, renewed, actor=actor, at=now)
    return issued


Pairs = Sequence[tuple[Issued, Recipient, str]]
Rows = Iterator[tuple[object, ...]]


def _renewed(batch: Batch, pairs: Pairs) -> list[facts.Fact]:
    plan_code = batch.version.plan_code
    return [
        renewed_fact(to.follows.policy_id, to.follows.number, to.person_id, plan_code, policy.id)
        for policy, to, _ in pairs
        if to.follows is not None
    ]


def _period_of(batch: Batch, to: Recipient) -> asyncpg.Range:
    period = to.period or batch.period
    return asyncpg.Range(period.lower, period.upper)


def _policies(batch: Batch, pairs: Pairs, now: datetime) -> Rows:
    version = batch.version
    for policy, to, status in pairs:
        yield (
            policy.id,
            policy.number,
            to.person_id,
            version.plan_code,
            version.id,
            batch.shares,
            _period_of(batch, to),
            status,
            batch.channel,
            batch.sponsor_id,
            to.organisation_id,
            now,
            1 if to.follows is None else to.follows.term_number + 1,
            None if to.follows is None else to.follows.policy_id,
        )


def _transactions(batch: Batch, pairs: Pairs, who: tuple[str, UUID], now: datetime) -> Rows:
    for policy, to, status in pairs:
        period = _period_of(batch, to)
        layers = _layers(batch, to, now)
        for row_id, layer in zip(new_ids(len(layers)), layers, strict=True):
            yield (
                row_id,
                policy.id,
                layer.kind,
                layer.effective_at,
                layer.shares,
                period,
                status,
                layer.counted_from,
                *who,
            )


def _layers(batch: Batch, to: Recipient, now: datetime) -> tuple[NewLayer, ...]:
    period = to.period or batch.period
    if to.follows is not None:
        return renewed_layers(to.follows.layers, batch.shares, period, now)
    assert period.lower is not None  # noqa: S101  cover always starts
    return (NewLayer("issue", batch.shares, period.lower),)


def _slots(batch: Batch, pairs: Pairs) -> Rows:
    plan_code = batch.version.plan_code
    ids = iter(new_ids(sum(len(to.places) for _, to, _ in pairs)))
    for policy, to, _ in pairs:
        period = _period_of(batch, to)
        for place in to.places:
            yield next(ids), to.person_id, plan_code, place, period, policy.id


def _history(pairs: Pairs, who: tuple[str, UUID], now: datetime) -> Rows:
    for policy, _, status in pairs:
        yield "policy", policy.id, status, now, *who


async def _tell(
    session: AsyncSession, batch: Batch, pairs: Pairs, actor: Principal, now: datetime
) -> None:
    """One event and its jobs for each policy; one audit row names them all."""
    connection = await raw_connection(session)
    event_ids = new_ids(len(pairs))
    events = _events(batch, zip(event_ids, pairs, strict=True), actor, now)
    await connection.copy_records_to_table("event_log", records=events, columns=_EVENT)
    ids = [policy.id for policy, _, _ in pairs]
    for job in session.info["subscriptions"].get(POLICY_ISSUED, ()):
        payloads = [
            msgspec.json.encode({"event_id": str(event_id), "subject_id": str(policy_id)})
            for event_id, policy_id in zip(event_ids, ids, strict=True)
        ]
        count = len(payloads)
        names, none, headers = [job] * count, [None] * count, ["{}"] * count
        await connection.execute(ENQUEUE, [0] * count, names, payloads, none, none, headers)
    await audit.record(session, actor, "policy.issue", subject="policy", subject_ids=ids)


def _events(
    batch: Batch,
    pairs: Iterable[tuple[UUID, tuple[Issued, Recipient, str]]],
    actor: Principal,
    now: datetime,
) -> Rows:
    shared = {
        "plan_code": batch.version.plan_code,
        "shares": batch.shares,
        "channel": batch.channel,
    }
    who = (actor.kind, actor.id)
    for event_id, (policy, to, status) in pairs:
        period = _period_of(batch, to)
        content = {
            "number": policy.number,
            "person_id": str(to.person_id),
            "status": status,
            "starts_at": period.lower.isoformat(),
            "ends_at": period.upper.isoformat(),
            "follows_id": str(to.follows.policy_id) if to.follows else None,
            **shared,
        }
        encoded = msgspec.json.encode(content).decode()
        yield event_id, POLICY_ISSUED, 1, "policy", policy.id, None, now, *who, encoded
