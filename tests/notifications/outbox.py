"""A morning on the business clock, messages made directly, and the worker's jobs on demand."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

import msgspec
from fastapi import FastAPI
from sqlalchemy import bindparam, text

from app.kernel.clock import SHANGHAI, business_now, system_now
from app.kernel.database import Database
from app.kernel.ids import new_id
from app.kernel.jobs import RetryLater, enqueue_due
from app.notifications.service import notify
from app.worker import JOBS
from tests.cover_fixtures import Rider, at_business_time, context_of
from tests.simulators_fixture import Simulators

PLAN = {"zh": "骑手意外互助保障活动", "en": "Rider accident mutual aid"}
LAPSED: Mapping[str, Any] = {"plan": PLAN, "last_day": "2027-02-28"}


def next_local(at: time) -> datetime:
    """The next time that it is `at` in Asia/Shanghai."""
    today = datetime.combine(system_now().astimezone(SHANGHAI).date(), at, SHANGHAI)
    found = today if today > system_now() else today + timedelta(days=1)
    return found.astimezone(UTC)


async def go_to(app: FastAPI, instant: datetime) -> None:
    """Let the business clock stand at an instant, or within the second after it."""
    await at_business_time(app.state.database, instant + timedelta(seconds=1))


async def now_of(database: Database) -> datetime:
    async with database.transaction() as session:
        return await business_now(session, sandbox=True)


async def tell(
    app: FastAPI,
    person_id: UUID,
    *,
    template: str = "policy_lapsed",
    parameters: Mapping[str, Any] = LAPSED,
    once_key: str | None = None,
    subject_id: UUID | None = None,
    not_before: datetime | None = None,
) -> UUID | None:
    """A message, as a feature would send it."""
    async with app.state.database.transaction() as session:
        return await notify(
            session,
            app.state.vault,
            person_id=person_id,
            template=template,
            subject="policy",
            subject_id=subject_id or new_id(),
            parameters=parameters,
            once_key=once_key or f"test:{new_id()}",
            now=await business_now(session, sandbox=True),
            not_before=not_before,
        )


_TAKE = text(
    "delete from pgqueuer.pgqueuer where id in (select id from pgqueuer.pgqueuer"
    " where entrypoint in :names and status = 'queued' order by id for update skip locked)"
    " returning id, entrypoint, payload"
).bindparams(bindparam("names", expanding=True))


async def work(app: FastAPI, *prefixes: str, rounds: int = 12) -> int:
    """Do what is due or queued of these features until nothing is left; how much was put off."""
    context = context_of(app)
    names = [name for name in JOBS if name.startswith(prefixes or ("notifications.",))]
    put_off = 0
    for _ in range(rounds):
        async with context.transaction() as session:
            await enqueue_due(session, await context.business_now(session), limit=5_000)
            rows = (await session.execute(_TAKE, {"names": names})).all()
        if not rows:
            break
        for row in sorted(rows, key=lambda each: int(each.id)):
            try:
                await JOBS[row.entrypoint](context, msgspec.json.decode(row.payload))
            except RetryLater:
                put_off += 1
    return put_off


def sms_of(simulators: Simulators, rider: Rider) -> list[dict[str, Any]]:
    """What arrived at the rider's phone, one-time codes aside."""
    found: list[dict[str, Any]] = simulators.control("sms/list", phone=rider.caller.phone)[
        "messages"
    ]
    return [each for each in found if each["template"] != "one_time_code"]


async def deliveries(database: Database, person_id: UUID) -> list[tuple[str, str, str | None]]:
    """Channel, status and reason of a person's deliveries, oldest first."""
    async with database.transaction() as session:
        rows = await session.execute(
            text(
                "select d.channel, d.status, d.reason_code from message_delivery d"
                " join message m on m.id = d.message_id where m.person_id = :person order by d.id"
            ),
            {"person": person_id},
        )
        return [(row.channel, row.status, row.reason_code) for row in rows]


async def delivery_ids(database: Database, person_id: UUID) -> list[UUID]:
    async with database.transaction() as session:
        rows = await session.scalars(
            text(
                "select d.id from message_delivery d join message m on m.id = d.message_id"
                " where m.person_id = :person order by d.id"
            ),
            {"person": person_id},
        )
        return list(rows.all())


async def messages_of(database: Database, person_id: UUID) -> list[str]:
    """Templates of a person's messages that were not dropped, in the order of their time."""
    async with database.transaction() as session:
        rows = await session.scalars(
            text(
                "select template from message where person_id = :person and dropped_at is null"
                " order by not_before, id"
            ),
            {"person": person_id},
        )
        return list(rows.all())
