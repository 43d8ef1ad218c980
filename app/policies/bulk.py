"""Issuing cover by the thousand: the same rows as `issue_policy` writes, by COPY."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.clock import system_now
from app.kernel.database import raw_connection
from app.kernel.ids import new_ids, new_number
from app.kernel.jobs import ENQUEUE
from app.kernel.principal import Principal
from app.plans.models import PlanVersion
from app.policies.events import POLICY_ISSUED


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
    """One person of a batch; `places` are the share slots they get, as many as shares."""

    person_id: UUID
    organisation_id: UUID
    in_force: bool
    places: Sequence[int]


@dataclass(frozen=True, slots=True)
class Issued:
    """A policy that was made, in the order of the recipients."""

    id: UUID
    number: str


_TAKEN = """
select s.person_id, array_agg(s.slot) as slots
from unnest($1::uuid[]) as p(id)
join share_slot s on s.person_id = p.id and s.plan_code = $2 and s.released_at is null
    and s.period && tstzrange($3, $4)
group by s.person_id
"""


async def free_places(
    connection: asyncpg.Connection,
    persons: Sequence[UUID],
    plan_code: str,
    max_shares: int,
    period: Range[datetime],
) -> dict[UUID, list[int]]:
    """The share slots that each of these persons still has in the whole period."""
    rows = await connection.fetch(_TAKEN, list(persons), plan_code, period.lower, period.upper)
    taken = {row["person_id"]: set(row["slots"]) for row in rows}
    places = range(1, max_shares + 1)
    return {
        person_id: [place for place in places if place not in taken.get(person_id, ())]
        for person_id in persons
    }


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
)
_TRANSACTION = (
    "id",
    "policy_id",
    "kind",
    "effective_at",
    "recorded_at",
    "shares",
    "period",
    "status",
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
        ("policy_transaction", _TRANSACTION, _transactions(batch, pairs, who)),
        ("share_slot", _SLOT, _slots(batch, pairs)),
        ("status_history", _HISTORY, _history(pairs, who, now)),
    ):
        await connection.copy_records_to_table(table, records=rows, columns=columns)
    await _tell(session, batch, pairs, actor, now)
    return issued


Pairs = Sequence[tuple[Issued, Recipient, str]]
Rows = Iterator[tuple[object, ...]]


def _range_of(batch: Batch) -> asyncpg.Range:
    return asyncpg.Range(batch.period.lower, batch.period.upper)


def _policies(batch: Batch, pairs: Pairs, now: datetime) -> Rows:
    period, version = _range_of(batch), batch.version
    for policy, to, status in pairs:
        yield (
            policy.id,
            policy.number,
            to.person_id,
            version.plan_code,
            version.id,
            batch.shares,
            period,
            status,
            batch.channel,
            batch.sponsor_id,
            to.organisation_id,
            now,
        )


def _transactions(batch: Batch, pairs: Pairs, who: tuple[str, UUID]) -> Rows:
    period, start, recorded_at = _range_of(batch), batch.period.lower, system_now()
    for row_id, (policy, _, status) in zip(new_ids(len(pairs)), pairs, strict=True):
        yield (
            row_id,
            policy.id,
            "issue",
            start,
            recorded_at,
            batch.shares,
            period,
            status,
            *who,
        )


def _slots(batch: Batch, pairs: Pairs) -> Rows:
    period, plan_code = _range_of(batch), batch.version.plan_code
    ids = iter(new_ids(sum(len(to.places) for _, to, _ in pairs)))
    for policy, to, _ in pairs:
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
        "starts_at": batch.period.lower.isoformat() if batch.period.lower else None,
        "ends_at": batch.period.upper.isoformat() if batch.period.upper else None,
    }
    who = (actor.kind, actor.id)
    for event_id, (policy, to, status) in pairs:
        content = {
            "number": policy.number,
            "person_id": str(to.person_id),
            "status": status,
            **shared,
        }
        encoded = msgspec.json.encode(content).decode()
        yield event_id, POLICY_ISSUED, 1, "policy", policy.id, None, now, *who, encoded
