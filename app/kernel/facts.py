"""Events, their jobs and audit rows of one change, written together in one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.audit import request_id
from app.kernel.database import raw_connection
from app.kernel.ids import new_id
from app.kernel.principal import Principal

Subscriptions = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened: an audit row, and an event for whoever listens.

    `audited` is the domain verb of the audit row (`order.open`), `event` the past-tense
    name (`order.opened`) or None where nobody is told. `content` holds ids, words and
    numbers only.
    """

    subject: str
    subject_id: UUID
    audited: str
    event: str | None = None
    content: Mapping[str, Any] = field(default_factory=dict)
    tenant_id: UUID | None = None


_STATED = """
facts as (
    select f.* from {going}
        unnest(${0}::uuid[], ${1}::text[], ${2}::text[], ${3}::uuid[], ${4}::text[],
               ${5}::text[], ${6}::uuid[])
            as f(id, event, subject, subject_id, audited, content, tenant_id)
), told as (
    insert into event_log (id, name, version, subject, subject_id, tenant_id, at, actor_kind,
                           actor_id, on_behalf_of, content)
    select f.id, f.event, 1, f.subject, f.subject_id, f.tenant_id, ${7}::timestamptz, ${8}::text,
           ${9}::uuid, ${10}::uuid, f.content::jsonb
    from facts f where f.event is not null
), audited as (
    insert into audit_entry (actor_kind, actor_id, on_behalf_of, action, subject, subject_ids,
                             request_id, details)
    select ${8}::text, ${9}::uuid, ${10}::uuid, f.audited, f.subject, array[f.subject_id],
           ${11}::text, f.content::jsonb
    from facts f
)"""
# What pgqueuer's own statement does for jobs without a key of their own.
_QUEUED = """, queued as (
    insert into pgqueuer.pgqueuer (priority, entrypoint, payload, headers, status)
    select 0, j.job, j.payload, '{}', 'queued'
    from %s unnest($%d::text[], $%d::bytea[]) as j(job, payload)
    returning id, entrypoint
), queue_log as (
    insert into pgqueuer.pgqueuer_log (job_id, status, entrypoint, priority)
    select id, 'queued', entrypoint, 0 from queued
)"""
ARGUMENTS = 12


@cache
def stating(first: int, *, jobs: bool, when: str | None = None) -> str:
    """CTEs that state facts, for a statement that writes what they are about.

    `first` is the number of the first of the parameters that `Stated.arguments` gives;
    with `when` the facts hold only if that CTE of the statement has its one row.
    """
    going = f"{when}, " if when else ""
    numbers = [str(first + place) for place in range(ARGUMENTS)]
    sql = _STATED.format(*numbers, going=going)
    if jobs:
        sql += _QUEUED % (going, first + ARGUMENTS, first + ARGUMENTS + 1)
    return sql


@dataclass(frozen=True, slots=True)
class Stated:
    """Parameters of `stating`; `jobs` says which of its two forms they fit."""

    arguments: tuple[Any, ...]
    jobs: bool


def prepare(
    facts: Sequence[Fact],
    subscriptions: Subscriptions,
    *,
    actor: Principal,
    at: datetime,
    on_behalf_of: UUID | None = None,
) -> Stated:
    """Facts as parameters: each subscriber of each event gets one job."""
    ids = [new_id() for _ in facts]
    jobs = [
        (job, msgspec.json.encode({"event_id": event_id, "subject_id": fact.subject_id}))
        for event_id, fact in zip(ids, facts, strict=True)
        if fact.event is not None
        for job in subscriptions.get(fact.event, ())
    ]
    arguments: tuple[Any, ...] = (
        ids,
        [fact.event for fact in facts],
        [fact.subject for fact in facts],
        [fact.subject_id for fact in facts],
        [fact.audited for fact in facts],
        [msgspec.json.encode(fact.content).decode() for fact in facts],
        [fact.tenant_id for fact in facts],
        at,
        actor.kind,
        actor.id,
        on_behalf_of,
        request_id(),
    )
    if jobs:
        arguments += ([job for job, _ in jobs], [payload for _, payload in jobs])
    return Stated(arguments, bool(jobs))


async def state(
    session: AsyncSession,
    facts: Sequence[Fact],
    *,
    actor: Principal,
    at: datetime,
    on_behalf_of: UUID | None = None,
) -> None:
    """What `publish` and `audit.record` do, for several facts at once and cheaply."""
    connection = await raw_connection(session)
    stated = prepare(
        facts, session.info["subscriptions"], actor=actor, at=at, on_behalf_of=on_behalf_of
    )
    await connection.execute(f"with {stating(1, jobs=stated.jobs)} select 1", *stated.arguments)
