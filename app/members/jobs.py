"""Following identity checks that nobody polls; forgetting what nobody came back for."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete

from app.kernel.clock import system_now
from app.kernel.jobs import Handler, JobContext, enqueue
from app.members.consent_models import ServeCode
from app.members.events import FOLLOW_CHECK, FORGET_STALE
from app.members.identity_checks import advance
from app.members.registration import abandon_stale

FOLLOW_EVERY = timedelta(seconds=30)
BATCH = 200


async def follow_identity_check(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Start a check at the vendor, then ask every half minute until it is settled or expires."""
    check_id = UUID(payload["subject_id"])
    deadline = await advance(
        context.database, context.vault, context.outside.identity_vendor, check_id
    )
    if deadline is None:
        return
    wait = max(timedelta(seconds=1), min(FOLLOW_EVERY, deadline - system_now()))
    async with context.transaction() as session:
        await enqueue(session, FOLLOW_CHECK, {"subject_id": str(check_id)}, after=wait)


async def forget_stale(context: JobContext, _payload: Mapping[str, Any]) -> None:
    """Abandon registrations that nobody touched for long, and drop used-up serve codes."""
    at = system_now()
    left = timedelta(days=context.settings.registration_kept_days)
    gone = BATCH
    while gone == BATCH:
        async with context.transaction() as session:
            now = await context.business_now(session)
            gone = await abandon_stale(session, context.vault, now - left, now, BATCH)
    async with context.transaction() as session:
        await session.execute(delete(ServeCode).where(ServeCode.expires_at < at))


JOBS: Mapping[str, Handler] = {
    FOLLOW_CHECK: follow_identity_check,
    FORGET_STALE: forget_stale,
}
TIMERS: Mapping[str, timedelta] = {FORGET_STALE: timedelta(hours=1)}
