"""Batches at work: made at the day's hour, handed in, looked after until every row has an end."""

from collections.abc import Mapping
from datetime import time, timedelta
from typing import Any
from uuid import UUID

import structlog

from app.integrations.bank import BankBatch
from app.integrations.errors import OutcomeUnknown, Refused, Unreachable
from app.integrations.outside import Outside
from app.kernel.clock import SHANGHAI, system_now
from app.kernel.jobs import Handler, JobContext, RetryLater, enqueue
from app.kernel.principal import SYSTEM
from app.kernel.problems import Problem
from app.payouts import batch_queries, batch_rows, queries
from app.payouts.batch_errors import NothingToBatch
from app.payouts.batch_models import BATCH, PayoutBatch
from app.payouts.batch_results import apply_result, receive
from app.payouts.batches import make_batch, payouts_of, refused, settle_when_done, taken
from app.payouts.events import (
    APPLY_RESULT,
    ASK_BATCH,
    ASK_ROWS,
    FETCH_RESULTS,
    LOOK_AFTER_BATCHES,
    MAKE_BATCH,
    SUBMIT_BATCH,
)
from app.payouts.models import PAYOUT
from app.payouts.moving import move_batch, move_payout

log = structlog.get_logger("payouts")

NEVER_TAKEN = frozenset({"unknown_batch"})
SOONEST, LATEST = timedelta(seconds=2), timedelta(minutes=10)
UNHEARD = timedelta(seconds=60)


async def make_daily(context: JobContext, _payload: Mapping[str, Any]) -> None:
    """Once the day's hour has passed: batches of all that was requested before it."""
    while True:
        async with context.transaction() as session:
            now = await context.business_now(session)
            here = now.astimezone(SHANGHAI)
            hour = time(context.settings.bank_batch_hour)
            cut_off = here.replace(hour=hour.hour, minute=0, second=0, microsecond=0)
            if here < cut_off:
                cut_off -= timedelta(days=1)
            if not await batch_queries.any_waiting_since_before(session, cut_off):
                return
            try:
                await make_batch(session, context.vault, SYSTEM, "door", now)
            except NothingToBatch:
                # Another worker holds what waits.
                return


async def submit_batch(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hand a prepared batch in once; one that may have been handed in before is asked about."""
    batch_id = UUID(payload["batch_id"])
    async with context.transaction() as session:
        batch = await batch_queries.batch(session, batch_id, lock=True)
        if batch is None or batch.status != "prepared" or batch.channel != "door":
            return
        content = context.vault.open_bytes("payout_batch", batch.id, batch.sealed_file)
        now = await context.business_now(session)
        await move_batch(session, batch, "submitting", now=now)
        batch.next_look_at = system_now() + UNHEARD
        told = _as_told(batch)
    outside: Outside = context.outside
    try:
        await outside.bank.submit_batch(told, content)
    except Unreachable:
        await _became(context, batch_id, "prepared", "unreachable")
        raise RetryLater(timedelta(seconds=5)) from None
    except OutcomeUnknown:
        await _became(context, batch_id, "unknown", "outcome-unknown")
    except Refused as no:
        log.error("batch refused", batch_id=str(batch_id), code=no.code)
        await _settle_refusal(context, batch_id, told, no.code)
    else:
        await _taken(context, batch_id)


def _as_told(batch: PayoutBatch) -> BankBatch:
    return BankBatch(batch.number, batch.rows, batch.amount_fen, batch.sha256.hex())


async def ask_batch(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Ask whether the bank has a batch that may have been handed in, and believe only that."""
    batch_id = UUID(payload["batch_id"])
    async with context.transaction() as session:
        batch = await batch_queries.batch(session, batch_id)
        if batch is None or batch.status not in ("submitting", "unknown"):
            return
        told = _as_told(batch)
    await _settle_refusal(context, batch_id, told, None)


async def _settle_refusal(
    context: JobContext, batch_id: UUID, told: BankBatch, code: str | None
) -> None:
    """A no to this call is final only if no earlier copy was taken; without `code` just ask."""
    outside: Outside = context.outside
    try:
        found = await outside.bank.query_batch(told.number)
    except (Unreachable, OutcomeUnknown):
        await _became(context, batch_id, "unknown", code or "unheard")
        return
    except Refused as no:
        if no.code not in NEVER_TAKEN:
            await _became(context, batch_id, "unknown", no.code)
        elif code is None:
            await _became(context, batch_id, "prepared", "never-arrived")
        else:
            async with context.transaction() as session:
                now = await context.business_now(session)
                batch = await batch_queries.batch(session, batch_id, lock=True)
                if batch is not None and BATCH.allows(batch.status, "refused"):
                    await refused(session, batch, code, now)
        return
    if found == told:
        await _taken(context, batch_id)
    else:
        log.error("the bank holds another batch", batch_id=str(batch_id))


async def _taken(context: JobContext, batch_id: UUID) -> None:
    async with context.transaction() as session:
        batch = await batch_queries.batch(session, batch_id, lock=True)
        if batch is not None and BATCH.allows(batch.status, "submitted"):
            await taken(session, batch, SYSTEM, await context.business_now(session))


async def _became(context: JobContext, batch_id: UUID, status: str, reason: str) -> None:
    async with context.transaction() as session:
        batch = await batch_queries.batch(session, batch_id, lock=True)
        if batch is None or not BATCH.allows(batch.status, status):
            return
        now = await context.business_now(session)
        batch.next_look_at = system_now() + SOONEST
        await move_batch(session, batch, status, now=now, reason=reason)


async def fetch_results(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Take the bank's result files of a batch; one that cannot be believed is left to people."""
    batch_id = UUID(payload["batch_id"])
    async with context.transaction() as session:
        batch = await batch_queries.batch(session, batch_id)
        if batch is None or batch.status != "submitted":
            return
        number = batch.number
    outside: Outside = context.outside
    try:
        files = await outside.bank.batch_results(number)
    except (Unreachable, OutcomeUnknown, Refused) as error:
        log.warning("no results", batch_id=str(batch_id), error=type(error).__name__)
        return
    for content in files:
        try:
            async with context.transaction() as session:
                now = await context.business_now(session)
                await receive(session, batch_id, content, "bank", SYSTEM, now)
        except Problem as problem:
            log.error("result file refused", batch_id=str(batch_id), code=problem.code)


async def ask_rows(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Two working days without a result: ask about each row on its own, under its number."""
    async with context.transaction() as session:
        now = await context.business_now(session)
        for payout_id in sorted(await payouts_of(session, UUID(payload["subject_id"]))):
            payout = await queries.locked(session, payout_id)
            if not PAYOUT.allows(payout.status, "unknown"):
                continue
            await move_payout(session, payout, "unknown", now=now, reason="no-result")
            payout.next_poll_at = system_now()
            await batch_rows.follow(session, payout)


async def look_after(context: JobContext, _payload: Mapping[str, Any]) -> None:
    """See to every batch that has no end yet, less often as it gets older."""
    async with context.transaction() as session:
        now, business = system_now(), await context.business_now(session)
        for batch in await batch_queries.due(session, now, 100):
            await settle_when_done(session, batch, business)
            if batch.status == "settled":
                continue
            job = {"prepared": SUBMIT_BATCH, "submitted": FETCH_RESULTS}.get(
                batch.status, ASK_BATCH
            )
            key = f"{job}:{batch.id}"
            await enqueue(session, job, {"batch_id": str(batch.id)}, dedupe_key=key)
            age = business - (batch.submitted_at or batch.made_at)
            batch.next_look_at = now + min(max(age / 2, SOONEST), LATEST)


JOBS: Mapping[str, Handler] = {
    MAKE_BATCH: make_daily,
    SUBMIT_BATCH: submit_batch,
    ASK_BATCH: ask_batch,
    FETCH_RESULTS: fetch_results,
    APPLY_RESULT: apply_result,
    ASK_ROWS: ask_rows,
    LOOK_AFTER_BATCHES: look_after,
}
TIMERS: Mapping[str, timedelta] = {
    MAKE_BATCH: timedelta(minutes=1),
    LOOK_AFTER_BATCHES: timedelta(seconds=3),
}
