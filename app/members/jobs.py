"""Following identity checks that nobody polls and no callback answered."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.kernel.clock import system_now
from app.kernel.jobs import Handler, JobContext, enqueue
from app.members.events import FOLLOW_CHECK
from app.members.identity_checks import advance

FOLLOW_EVERY = timedelta(seconds=30)


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


JOBS: Mapping[str, Handler] = {FOLLOW_CHECK: follow_identity_check}
