"""Ending a difference: by asking, by a booking, by sending money back, or by two people."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.errors import NoticeDiffers, UnknownTrade
from app.billing.models import PaymentAttempt, Refund
from app.billing.receiving import take_refund
from app.billing.reconciliation import ask_about
from app.integrations.errors import OutcomeUnknown, OutsideError, Refused, Unreachable
from app.integrations.outside import Outside
from app.integrations.wechat_pay import RefundRequest
from app.kernel.clock import business_day
from app.kernel.facts import Fact, state
from app.kernel.jobs import JobContext, RetryLater, enqueue
from app.kernel.principal import SYSTEM, Principal
from app.kernel.transitions import move
from app.ledger.accounts import GATEWAY_CLEARING, SUSPENSE
from app.ledger.service import post
from app.payouts.events import ASK as ASK_PAYOUT
from app.treasury import ours
from app.treasury.booking import FEE, RETURNED, SUSPENDED, WRITTEN_OFF, book
from app.treasury.comparing import explained
from app.treasury.errors import AnotherPersonNeeded, ItemSettled, ItemUnknown, WayNotFitting
from app.treasury.events import ASK_ITEM, REFUND_ITEM
from app.treasury.lines import Kind, Ours, Source
from app.treasury.models import ITEM, ReconciliationItem
from app.treasury.running import settle_explained, settle_item
from app.treasury.schemas import Way

log = structlog.get_logger("treasury")

AGAIN = timedelta(seconds=30)


async def settle(
    session: AsyncSession,
    supervisor: Principal,
    run_id: UUID,
    item_id: UUID,
    way: Way,
    note: str | None,
    now: datetime,
) -> ReconciliationItem:
    """Take one way with a difference; one that is none any more settles by itself instead.

    Raises ItemUnknown (404), ItemSettled (409), WayNotFitting (422),
    AnotherPersonNeeded (403).
    """
    item = await _locked(session, run_id, item_id)
    if item.status in ("settled", "refunding"):
        raise ItemSettled
    if item.kind != "fee" and explained(await _own(session, item), item.theirs_fen):
        item.note = note or item.note
        await settle_explained(session, item, item.run_id, now)
        return item
    if way not in item.ways:
        raise WayNotFitting(item.ways)
    acts = {
        "ask": _ask,
        "post_fee": _post_fee,
        "suspend": _suspend,
        "refund": _refund,
        "write_off": _write_off,
        "keep_open": _keep_open,
    }
    await acts[way](session, item, supervisor, now)
    # Only now: who settles many at once has what was refused stay as it was.
    item.note = note or item.note
    details = {"way": way, "cause": item.cause, "difference_fen": item.difference_fen}
    taken = Fact("reconciliation_item", item.id, "reconciliation.treat", None, details)
    await state(session, [taken], actor=supervisor, at=now)
    return item


async def _locked(session: AsyncSession, run_id: UUID, item_id: UUID) -> ReconciliationItem:
    item = await session.get(
        ReconciliationItem, item_id, with_for_update=True, populate_existing=True
    )
    if item is None or item.run_id != run_id:
        raise ItemUnknown
    return item


async def _ask(
    session: AsyncSession, item: ReconciliationItem, actor: Principal, now: datetime
) -> None:
    await move(session, ITEM, item, "asked", actor=actor, at=now)
    await enqueue(session, ASK_ITEM, {"item_id": str(item.id)})


async def _post_fee(
    session: AsyncSession, item: ReconciliationItem, actor: Principal, now: datetime
) -> None:
    await book(session, item, FEE, actor)
    await settle_item(session, item, "post_fee", actor, now)


async def _suspend(
    session: AsyncSession, item: ReconciliationItem, actor: Principal, now: datetime
) -> None:
    await book(session, item, SUSPENDED, actor)
    await settle_item(session, item, "suspend", actor, now)


async def _refund(
    session: AsyncSession, item: ReconciliationItem, actor: Principal, now: datetime
) -> None:
    await book(session, item, SUSPENDED, actor)
    item.way = "refund"
    await move(session, ITEM, item, "refunding", actor=actor, at=now)
    await enqueue(session, REFUND_ITEM, {"item_id": str(item.id)})


async def _write_off(
    session: AsyncSession, item: ReconciliationItem, actor: Principal, now: datetime
) -> None:
    if item.status != "proposed":
        item.proposed_by = actor.id
        await move(session, ITEM, item, "proposed", actor=actor, at=now)
        return
    if item.proposed_by == actor.id:
        raise AnotherPersonNeeded
    await book(session, item, WRITTEN_OFF, actor)
    await settle_item(session, item, "write_off", actor, now)


async def _keep_open(
    session: AsyncSession, item: ReconciliationItem, actor: Principal, now: datetime
) -> None:
    await move(session, ITEM, item, "open", actor=actor, at=now)
    item.proposed_by = None


async def ask_item(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Ask the outside system about what an item is about, and see whether that explains it."""
    async with context.transaction() as session:
        item = await session.get_one(ReconciliationItem, UUID(payload["item_id"]))
    outside: Outside = context.outside
    try:
        await _ask_outside(context, outside, item)
    except (Unreachable, OutcomeUnknown):
        raise RetryLater(AGAIN) from None
    except (OutsideError, NoticeDiffers, UnknownTrade) as error:
        log.warning("difference not explained", error=type(error).__name__)
    async with context.transaction() as session:
        now = await context.business_now(session)
        again = await _locked(session, item.run_id, item.id)
        if again.status == "asked" and explained(await _own(session, again), again.theirs_fen):
            await settle_explained(session, again, again.run_id, now)


async def _own(session: AsyncSession, item: ReconciliationItem) -> Ours | None:
    """Our row for a difference's number as it is now."""
    found = await ours.by_number(session, cast(Source, item.source), [item.number])
    return found.get((cast(Kind, item.kind), item.number))


async def _ask_outside(context: JobContext, outside: Outside, item: ReconciliationItem) -> None:
    if item.kind == "payment":
        async with context.transaction() as session:
            attempt = await session.scalar(
                select(PaymentAttempt).where(PaymentAttempt.out_trade_no == item.number)
            )
        if attempt is not None:
            await ask_about(context.database, outside.wechat_pay, attempt)
    elif item.kind == "refund":
        async with context.transaction() as session:
            refund = await session.scalar(select(Refund).where(Refund.out_refund_no == item.number))
        if refund is not None:
            told = await outside.wechat_pay.query_refund(refund.out_refund_no)
            await take_refund(context.database, told)
    else:
        async with context.transaction() as session:
            await enqueue(session, ASK_PAYOUT, {"payout_id": str(item.subject_id)})


def return_number(item: ReconciliationItem) -> str:
    """Under which an unknown payment is sent back; the next bill knows it again by this."""
    return f"D{item.id.hex.upper()}"


async def refund_item(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Have the gateway send an unknown payment back; the same number never pays twice."""
    async with context.transaction() as session:
        item = await session.get_one(ReconciliationItem, UUID(payload["item_id"]))
        if item.status != "refunding" or item.theirs_fen is None:
            return
    request = RefundRequest(
        out_trade_no=item.number,
        out_refund_no=return_number(item),
        refund_fen=item.theirs_fen,
        total_fen=item.theirs_fen,
        reason="无对应订单退还",
        notify_url="",
    )
    outside: Outside = context.outside
    try:
        told = await outside.wechat_pay.refund(request)
    except (Unreachable, OutcomeUnknown):
        raise RetryLater(AGAIN) from None
    except Refused as refused:
        await _not_refunded(context, item, refused.code)
        return
    if told.state == "PROCESSING":
        raise RetryLater(AGAIN)
    if told.state != "SUCCESS":
        await _not_refunded(context, item, told.state)
        return
    async with context.transaction() as session:
        now = await context.business_now(session)
        item = await _locked(session, item.run_id, item.id)
        if item.status == "refunding":
            await _book_return(session, item, now)
            await settle_item(session, item, "refund", SYSTEM, now)


async def _book_return(session: AsyncSession, item: ReconciliationItem, now: datetime) -> None:
    fen = item.difference_fen
    await post(
        session,
        RETURNED,
        [(SUSPENSE, fen), (GATEWAY_CLEARING, -fen)],
        event_on=business_day(now),
        reference_id=item.id,
        actor=SYSTEM,
    )


async def _not_refunded(context: JobContext, item: ReconciliationItem, code: str) -> None:
    """The money stays in suspense, and the difference waits for another way."""
    log.error("unknown payment not refunded", item_id=str(item.id), code=code)
    async with context.transaction() as session:
        now = await context.business_now(session)
        item = await _locked(session, item.run_id, item.id)
        if item.status == "refunding":
            item.way = "suspend"
            await move(session, ITEM, item, "open", actor=SYSTEM, at=now, reason_code=code)
