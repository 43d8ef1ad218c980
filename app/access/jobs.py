"""Forgetting what has expired: codes, refresh tokens, logins, revocations, retired keys."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, TextClause, text

from app.access.events import FORGET_EXPIRED
from app.kernel.clock import system_now
from app.kernel.jobs import Handler, JobContext

# A replayed refresh token is still recognised while its family is kept.
KEPT_AFTER_END = timedelta(days=7)
BATCH = 5_000

_CODES = text(
    "delete from one_time_code where id in (select id from one_time_code"
    " where expires_at < :before limit :batch)"
)
# Refresh tokens go with their family.
_FAMILIES = text(
    "delete from token_family where id in (select id from token_family"
    " where expires_at < :before limit :batch)"
)
_REVOCATIONS = text(
    "delete from token_revocation where subject_id in (select subject_id from token_revocation"
    " where recorded_at < :before limit :batch)"
)
_KEYS = text(
    "delete from signing_key where id in (select id from signing_key"
    " where retires_at < :before limit :batch)"
)


async def forget_expired(context: JobContext, _payload: Mapping[str, Any]) -> None:
    """Delete in batches, each in a transaction of its own."""
    now = system_now()
    lifetime = timedelta(minutes=context.settings.access_token_minutes)
    await _delete(context, _CODES, now - timedelta(hours=1))
    await _delete(context, _FAMILIES, now - KEPT_AFTER_END)
    # No access token outlives its lifetime, so neither need its revocation.
    await _delete(context, _REVOCATIONS, now - lifetime - timedelta(hours=1))
    await _delete(context, _KEYS, now - KEPT_AFTER_END)


async def _delete(context: JobContext, statement: TextClause, before: datetime) -> None:
    gone = BATCH
    while gone == BATCH:
        async with context.transaction() as session:
            result = await session.execute(statement, {"before": before, "batch": BATCH})
            gone = cast("CursorResult[Any]", result).rowcount


JOBS: Mapping[str, Handler] = {FORGET_EXPIRED: forget_expired}
TIMERS: Mapping[str, timedelta] = {FORGET_EXPIRED: timedelta(hours=1)}
