"""Result files: believed as a whole or not at all, applied row by row, the same one once."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import system_now
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id
from app.kernel.jobs import JobContext, enqueue
from app.kernel.principal import Principal
from app.payouts import batch_queries, batch_rows, queries
from app.payouts.batch_errors import BatchNotFound, BatchNotSubmitted, ResultForeign
from app.payouts.batch_files import ResultLine, read_result
from app.payouts.batch_models import PayoutBatchResult
from app.payouts.batches import settle_when_done
from app.payouts.errors import NoticeDiffers
from app.payouts.events import APPLY_RESULT
from app.payouts.models import PAYOUT
from app.payouts.moving import move_payout
from app.payouts.settlement import SETTLED, Outcome, apply

log = structlog.get_logger("payouts")

SLICE = 50


async def receive(
    session: AsyncSession,
    batch_id: UUID,
    content: bytes,
    source: Literal["bank", "staff"],
    actor: Principal,
    now: datetime,
) -> PayoutBatchResult:
    """Check a result file and have the worker apply it; the same file again changes nothing.

    Raises BatchNotFound (404), BatchNotSubmitted (409), ResultUnreadable,
    ResultControlDiffers, ResultForeign (422).
    """
    batch = await batch_queries.batch(session, batch_id, lock=True)
    if batch is None:
        raise BatchNotFound
    digest = hashlib.sha256(content).digest()
    known = await batch_queries.result_by_digest(session, batch_id, digest)
    if known is not None:
        return known
    if batch.status not in ("submitted", "settled"):
        raise BatchNotSubmitted
    result = read_result(content)
    expected = await batch_queries.expected(session, batch_id)
    own = all(expected.get(line.reference) == line.amount_fen for line in result.lines)
    if result.number != batch.number or not own:
        raise ResultForeign
    kept = PayoutBatchResult(
        id=new_id(),
        batch_id=batch_id,
        sha256=digest,
        rows=len(result.lines),
        amount_fen=sum(line.amount_fen for line in result.lines),
        lines=[_packed(line) for line in result.lines],
        source=source,
        received_by_kind=actor.kind,
        received_by=actor.id,
        received_at=now,
    )
    session.add(kept)
    await session.flush()
    facts = {"rows": kept.rows, "amount_fen": kept.amount_fen, "source": source}
    received = Fact("payout_batch", batch_id, "payout_batch.result", None, facts)
    await state(session, [received], actor=actor, at=now)
    await enqueue(session, APPLY_RESULT, {"result_id": str(kept.id)})
    return kept


def _packed(line: ResultLine) -> list[Any]:
    return [line.reference, line.amount_fen, line.outcome, line.code, line.bank_reference]


async def apply_result(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Bring each payout to what the file says of it, fifty a transaction; again it is harmless."""
    result_id = UUID(payload["result_id"])
    async with context.transaction() as session:
        result = await session.get_one(PayoutBatchResult, result_id)
        lines = [ResultLine(*line) for line in result.lines]
    for start in range(0, len(lines), SLICE):
        async with context.transaction() as session:
            now = await context.business_now(session)
            # In one order everywhere, so that two files of one batch cannot lock crosswise.
            for line in sorted(lines[start : start + SLICE], key=lambda each: each.reference):
                await _apply_line(context, session, line, now)
    async with context.transaction() as session:
        now = await context.business_now(session)
        result = await session.get_one(PayoutBatchResult, result_id)
        result.applied_at = system_now()
        batch = await batch_queries.batch(session, result.batch_id, lock=True)
        if batch is not None:
            await settle_when_done(session, batch, now)


async def _apply_line(
    context: JobContext, session: AsyncSession, line: ResultLine, now: datetime
) -> None:
    payout = await queries.locked_by_bill(session, line.reference)
    if payout is None or line.outcome == "pending":
        return
    if line.outcome == "unknown":
        if payout.status in SETTLED or not PAYOUT.allows(payout.status, "unknown"):
            return
        await move_payout(session, payout, "unknown", now=now, reason="bank-unknown")
        payout.next_poll_at = system_now()
        await batch_rows.follow(session, payout)
        return
    code = (line.code or "refused") if line.outcome == "failed" else None
    outcome = Outcome(line.outcome, line.bank_reference or None, line.amount_fen, code)
    try:
        await apply(session, context.vault, payout, outcome, now)
    except NoticeDiffers:
        # Compared when the file came in; a payout's amount never changes.
        log.error("result line differs", payout_id=str(payout.id))
