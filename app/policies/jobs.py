"""What policies do when others' facts arrive, and what they look after by themselves."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.kernel.jobs import Handler, JobContext
from app.kernel.principal import SYSTEM
from app.policies.changes import activate_pending
from app.policies.events import ACTIVATE_PENDING, EXTEND, LAPSE
from app.policies.extending import extend_ending
from app.policies.lapsing import lapse_ended
from app.policies.queries import person_of_fact


async def activate(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Identity and consents are complete: pending cover comes in force."""
    async with context.transaction() as session:
        person = await person_of_fact(session, UUID(payload["subject_id"]))
        if person is None or person.verified_at is None:
            return
        now = await context.business_now(session)
        await activate_pending(
            session, person.id, verified_at=person.verified_at, actor=SYSTEM, now=now
        )


JOBS: Mapping[str, Handler] = {
    ACTIVATE_PENDING: activate,
    LAPSE: lapse_ended,
    EXTEND: extend_ending,
}
TIMERS: Mapping[str, timedelta] = {
    LAPSE: timedelta(hours=1),
    EXTEND: timedelta(minutes=10),
}
