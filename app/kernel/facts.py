"""Events, their jobs and audit rows of one change, written together in two statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.audit import request_id
from app.kernel.database import raw_connection
from app.kernel.ids import new_id
from app.kernel.jobs import ENQUEUE
from app.kernel.principal import Principal


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


_STATE = """
with told as (
    insert into event_log (id, name, version, subject, subject_id, tenant_id, at, actor_kind,
                           actor_id, on_behalf_of, content)
    select f.id, f.event, 1, f.subject, f.subject_id, f.tenant_id, $8, $9, $10, $11,
           f.content::jsonb
    from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::text[],
                $7::uuid[])
         as f(id, event, subject, subject_id, audited, content, tenant_id)
    where f.event is not null
)
insert into audit_entry (actor_kind, actor_id, on_behalf_of, action, subject, subject_ids,
                         request_id, details)
select $9, $10, $11, f.audited, f.subject, array[f.subject_id], $12, f.content::jsonb
from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::uuid[])
     as f(id, event, subject, subject_id, audited, content, tenant_id)
"""


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
    ids = [new_id() for _ in facts]
    await connection.execute(
        _STATE,
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
    jobs = [
        (job, {"event_id": str(event_id), "subject_id": str(fact.subject_id)})
        for event_id, fact in zip(ids, facts, strict=True)
        if fact.event is not None
        for job in session.info["subscriptions"].get(fact.event, ())
    ]
    if jobs:
        await connection.execute(ENQUEUE, *_enqueued(jobs))


def _enqueued(jobs: Sequence[tuple[str, Mapping[str, str]]]) -> tuple[list[Any], ...]:
    count = len(jobs)
    names = [name for name, _ in jobs]
    payloads = [msgspec.json.encode(payload) for _, payload in jobs]
    return [0] * count, names, payloads, [timedelta()] * count, [None] * count, ["{}"] * count
