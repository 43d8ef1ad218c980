"""What the gateway tells us, by notice or by answer: judged, recorded, applied once."""

from datetime import datetime

import asyncpg
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing import refunds, settlement
from app.billing.charges import take_refusal
from app.billing.errors import CoverLost, NoticeDiffers, UnknownTrade
from app.billing.events import PAYMENT_ALERT
from app.billing.settlement import Outcome
from app.billing.step_by_step import Told
from app.integrations.wechat_pay import Notice, Payment, WeChatPay
from app.integrations.wechat_pay import Refund as GatewayRefund
from app.kernel.clock import business_now, system_now
from app.kernel.database import Database
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id
from app.kernel.principal import SYSTEM

log = structlog.get_logger("billing")


async def take_notice(database: Database, gateway: WeChatPay, notice: Notice) -> None:
    """Apply a proven notice, in one transaction where it settles an order.

    Raises NoticeDiffers (409) and UnknownTrade (404) after having told staff; anything
    repeated or late is taken without a word.
    """
    content = notice.content
    if isinstance(content, Payment):
        if content.state == "SUCCESS":
            await take_payment(database, gateway, content, notice)
        elif content.state == "PAYERROR":
            await take_refusal(database, content)
    elif isinstance(content, GatewayRefund):
        await take_refund(database, content, notice)
    else:
        raise UnknownTrade


async def take_payment(
    database: Database, gateway: WeChatPay, payment: Payment, notice: Notice | None = None
) -> Outcome:
    """Settle what was paid, or suspend it and send it back; raises as `take_notice`."""
    told = _told(gateway, payment, notice)
    try:
        settled = await settlement.settle(database, told)
        lost = None
    except (asyncpg.PostgresError, DBAPIError, CoverLost) as error:
        lost = _lost(error)
        async with database.transaction() as session:
            now = await business_now(session, sandbox=database.settings.sandbox)
        settled = settlement.Settled("too_late", now, now)
    outcome = settled.outcome
    if outcome == "settled":
        return outcome
    async with database.transaction() as session:
        if outcome == "too_late":
            outcome = await refunds.suspend(session, told, settled, lost=lost)
        if notice is not None:
            await _note(session, notice, payment.out_trade_no, outcome, settled.now)
    if outcome == "unknown":
        raise UnknownTrade
    if outcome == "differs":
        raise NoticeDiffers
    return outcome


def _lost(error: Exception) -> str:
    """Why the money can no longer become its cover; raises what is no such reason."""
    if isinstance(error, CoverLost):
        return error.because
    cause = getattr(error, "orig", error)
    cause = getattr(cause, "__cause__", None) or cause
    if isinstance(cause, asyncpg.ExclusionViolationError | asyncpg.DivisionByZeroError):
        return "shares_taken"
    renewed = getattr(cause, "constraint_name", None) == "uq_policy__follows_id"
    if isinstance(cause, asyncpg.UniqueViolationError) and renewed:
        return "policy_changed"
    raise error


def _told(gateway: WeChatPay, payment: Payment, notice: Notice | None) -> Told:
    ours = (
        payment.mchid == gateway.mchid
        and payment.appid == gateway.appid
        and payment.currency == "CNY"
        and payment.transaction_id is not None
        and payment.amount_fen is not None
    )
    if notice is None:
        return Told(payment, ours)
    return Told(payment, ours, notice.id, notice.event_type)


async def take_refund(
    database: Database, told: GatewayRefund, notice: Notice | None = None
) -> refunds.RefundOutcome:
    """Apply what the gateway says about a refund; raises as `take_notice`."""
    async with database.transaction() as session:
        now = await business_now(session, sandbox=database.settings.sandbox)
        outcome = await refunds.settle_refund(session, told, now)
        if notice is not None:
            await _note(session, notice, told.out_refund_no, outcome, now)
    if outcome == "unknown":
        raise UnknownTrade
    if outcome == "differs":
        raise NoticeDiffers
    return outcome


_NOTE = text(
    "insert into gateway_notice (notice_id, event_type, reference, outcome, received_at)"
    " values (:id, :event_type, :reference, :outcome, :at) on conflict (notice_id) do nothing"
    " returning notice_id"
)


async def _note(
    session: AsyncSession, notice: Notice, reference: str, outcome: str, now: datetime
) -> None:
    """Keep what was told; what cannot be right is an alert, once for each notice."""
    values = {
        "id": notice.id,
        "event_type": notice.event_type,
        "reference": reference,
        "outcome": outcome,
        "at": system_now(),
    }
    new = await session.scalar(_NOTE, values)
    if outcome in ("unknown", "differs"):
        log.error("gateway notice refused", outcome=outcome, notice=notice.id, trade=reference)
        if new is not None:
            content = {"outcome": outcome, "notice_id": notice.id, "reference": reference}
            fact = Fact("gateway_notice", new_id(), "notice.refuse", PAYMENT_ALERT, content)
            await state(session, [fact], actor=SYSTEM, at=now)
