"""Asking the gateway about what it has not told us: silent orders, refunds, closings."""

from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import update

from app.billing import queries
from app.billing.charges import CHARGED, take_refusal
from app.billing.errors import NoticeDiffers, UnknownTrade
from app.billing.models import ATTEMPT, PaymentAttempt
from app.billing.receiving import take_payment, take_refund
from app.integrations.errors import OutcomeUnknown, OutsideError, Refused, Unreachable
from app.integrations.wechat_pay import WeChatPay
from app.kernel.clock import business_now, system_now
from app.kernel.database import Database
from app.kernel.principal import SYSTEM
from app.kernel.transitions import move

log = structlog.get_logger("billing")

SILENT_AFTER = timedelta(seconds=30)
# A member who looks at an unpaid order after paying should not wait for the timer.
SILENT_FOR_MEMBER = timedelta(seconds=3)
REFUND_SILENT_AFTER = timedelta(seconds=60)
BATCH = 100


async def ask_about_order(
    database: Database, gateway: WeChatPay, order_id: UUID, *, at_once: bool = False
) -> None:
    """Ask about an order's live attempts that were not asked about just now; never raises."""
    async with database.transaction() as session:
        attempts = await queries.live_attempts(session, order_id)
    before = system_now() - (timedelta() if at_once else SILENT_FOR_MEMBER)
    for attempt in attempts:
        if attempt.asked_at < before:
            await _ask_quietly(database, gateway, attempt)


async def reconcile(database: Database, gateway: WeChatPay) -> int:
    """Ask about everything silent for too long; returns how many were asked about."""
    async with database.transaction() as session:
        now = await business_now(session, sandbox=database.settings.sandbox)
        attempts = await queries.silent_attempts(session, system_now() - SILENT_AFTER, BATCH)
        refunds = await queries.unsettled_refunds(session, now - REFUND_SILENT_AFTER, BATCH)
    for attempt in attempts:
        await _ask_quietly(database, gateway, attempt)
    for refund in refunds:
        try:
            await take_refund(database, await gateway.query_refund(refund.out_refund_no))
        except (OutsideError, NoticeDiffers, UnknownTrade) as error:
            # A refund that never arrived is still in the hands of its own job.
            log.warning("refund not reconciled", error=type(error).__name__)
    return len(attempts) + len(refunds)


async def _ask_quietly(database: Database, gateway: WeChatPay, attempt: PaymentAttempt) -> None:
    try:
        await ask_about(database, gateway, attempt)
    except (OutsideError, NoticeDiffers, UnknownTrade) as error:
        log.warning("payment not reconciled", error=type(error).__name__)


async def ask_about(database: Database, gateway: WeChatPay, attempt: PaymentAttempt) -> str:
    """The gateway's word about one attempt, applied; returns its state.

    Raises what the gateway's client raises, and NoticeDiffers when the money is not the
    order's.
    """
    async with database.transaction() as session:
        await session.execute(
            update(PaymentAttempt)
            .where(PaymentAttempt.id == attempt.id)
            .values(asked_at=system_now())
        )
    try:
        payment = await gateway.query_order(attempt.out_trade_no)
    except Refused as error:
        if error.code != "ORDER_NOT_EXIST":
            raise
        return "ORDER_NOT_EXIST"
    if payment.state == "SUCCESS":
        await take_payment(database, gateway, payment)
    elif payment.state == "PAYERROR" and attempt.trade_type == CHARGED:
        await take_refusal(database, payment)
    elif payment.state in ("CLOSED", "REVOKED", "PAYERROR"):
        await _closed(database, attempt.id, payment.state.lower())
    return payment.state


async def close_attempt(database: Database, gateway: WeChatPay, attempt_id: UUID) -> None:
    """Make sure that nobody can pay an attempt any more, or take what was paid.

    Raises Unreachable or OutcomeUnknown; doing it again is harmless.
    """
    async with database.transaction() as session:
        attempt = await queries.attempt(session, attempt_id)
    if attempt.status not in queries.LIVE:
        return
    try:
        await gateway.close_order(attempt.out_trade_no)
    except (Unreachable, OutcomeUnknown):
        raise
    except Refused as error:
        if error.code in ("ORDER_NOT_EXIST", "RESOURCE_NOT_EXISTS", "ORDER_CLOSED"):
            await _closed(database, attempt_id, error.code.lower())
        else:
            await ask_about(database, gateway, attempt)
        return
    await _closed(database, attempt_id, "closed")


async def _closed(database: Database, attempt_id: UUID, reason_code: str) -> None:
    async with database.transaction() as session:
        attempt = await queries.attempt(session, attempt_id, lock=True)
        if attempt.status in queries.LIVE:
            await move(
                session,
                ATTEMPT,
                attempt,
                "closed",
                actor=SYSTEM,
                at=system_now(),
                reason_code=reason_code,
            )
