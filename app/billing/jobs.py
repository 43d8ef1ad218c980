"""Billing's reactions and timers."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.billing import queries, refunds
from app.billing.charges import tell_charge_refused
from app.billing.charging import charge, renew_due
from app.billing.closing import close_expired
from app.billing.contracts import agreement_over, ask_about_unanswered
from app.billing.deaths import end_after_death
from app.billing.deposits import return_deposits
from app.billing.events import (
    AGREEMENT_OVER,
    ASK_AGREEMENTS,
    CHARGE,
    CLOSE_ATTEMPT,
    CLOSE_ORDER,
    COVER_BEGAN,
    END_AFTER_DEATH,
    END_MOVED,
    PAY_BACK,
    PAY_BACK_WAITING,
    PAYOUT_SETTLED,
    RECONCILE,
    REMIND,
    RENEW_DUE,
    REQUEST_REFUND,
    RETURN_DEPOSITS,
    TELL_CHARGE_REFUSED,
    TELL_LAPSE,
    TELL_REFUND_WAITING,
    TELL_REFUNDS,
    TELL_UPGRADE,
)
from app.billing.late_refunds import pay_back, pay_back_waiting, payout_settled
from app.billing.messages import (
    cover_began,
    end_moved,
    tell_lapse,
    tell_refund_waiting,
    tell_refunds,
    tell_upgrade,
)
from app.billing.payments import REFUNDS_PATH
from app.billing.receiving import take_refund
from app.billing.reconciliation import ask_about_order, close_attempt, reconcile
from app.billing.reminders import remind
from app.integrations.errors import OutcomeUnknown, Refused, Unreachable
from app.integrations.outside import Outside
from app.integrations.wechat_pay import RefundRequest, WeChatPay
from app.kernel.clock import system_now
from app.kernel.jobs import Handler, JobContext, RetryLater
from app.kernel.principal import SYSTEM

ASK_AGAIN = timedelta(seconds=10)
# The merchant's balance is filled up by people.
NOT_ENOUGH_AGAIN = timedelta(hours=1)


def _gateway(context: JobContext) -> WeChatPay:
    outside: Outside = context.outside
    return outside.wechat_pay


async def close_order(context: JobContext, payload: Mapping[str, Any]) -> None:
    """The order's time is over: take what was paid meanwhile, otherwise close it."""
    order_id = UUID(payload["subject_id"])
    await ask_about_order(context.database, _gateway(context), order_id)
    async with context.transaction() as session:
        now = await context.business_now(session)
        await close_expired(session, order_id, actor=SYSTEM, now=now)


async def close_at_gateway(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Nobody shall be able to pay an attempt of a closed order."""
    try:
        await close_attempt(context.database, _gateway(context), UUID(payload["subject_id"]))
    except (Unreachable, OutcomeUnknown) as error:
        raise RetryLater(ASK_AGAIN) from error


async def request_refund(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Ask the gateway for the money back; the same number never pays twice."""
    refund_id = UUID(payload["subject_id"])
    async with context.transaction() as session:
        refund = await queries.refund(session, refund_id, lock=True)
        if refund.status != "requested":
            return
        attempt = await queries.attempt(session, refund.attempt_id)
        refund.sent_at = refund.sent_at or system_now()
    request = RefundRequest(
        out_trade_no=attempt.out_trade_no,
        out_refund_no=refund.out_refund_no,
        refund_fen=refund.amount_fen,
        total_fen=attempt.amount_fen,
        reason="互助费退还",
        notify_url=context.settings.public_base_url.rstrip("/") + REFUNDS_PATH,
    )
    try:
        told = await _gateway(context).refund(request)
    except (Unreachable, OutcomeUnknown) as error:
        raise RetryLater(ASK_AGAIN) from error
    except Refused as error:
        if error.code in ("NOT_ENOUGH", "FREQUENCY_LIMITED"):
            raise RetryLater(NOT_ENOUGH_AGAIN) from error
        await _rejected(context, refund_id, error.code.lower())
        return
    await take_refund(context.database, told)


async def _rejected(context: JobContext, refund_id: UUID, reason_code: str) -> None:
    async with context.transaction() as session:
        now = await context.business_now(session)
        refund = await queries.refund(session, refund_id, lock=True)
        await refunds.reject_refund(session, refund, reason_code, now)


async def reconcile_silent(context: JobContext, _payload: Mapping[str, Any]) -> None:
    """Ask about orders and refunds that the gateway is silent about."""
    await reconcile(context.database, _gateway(context))


JOBS: Mapping[str, Handler] = {
    CLOSE_ORDER: close_order,
    CLOSE_ATTEMPT: close_at_gateway,
    REQUEST_REFUND: request_refund,
    RECONCILE: reconcile_silent,
    PAY_BACK: pay_back,
    PAY_BACK_WAITING: pay_back_waiting,
    PAYOUT_SETTLED: payout_settled,
    RETURN_DEPOSITS: return_deposits,
    END_AFTER_DEATH: end_after_death,
    COVER_BEGAN: cover_began,
    END_MOVED: end_moved,
    REMIND: remind,
    TELL_LAPSE: tell_lapse,
    TELL_REFUNDS: tell_refunds,
    TELL_UPGRADE: tell_upgrade,
    TELL_REFUND_WAITING: tell_refund_waiting,
    AGREEMENT_OVER: agreement_over,
    ASK_AGREEMENTS: ask_about_unanswered,
    RENEW_DUE: renew_due,
    CHARGE: charge,
    TELL_CHARGE_REFUSED: tell_charge_refused,
}
TIMERS: Mapping[str, timedelta] = {
    RECONCILE: timedelta(seconds=15),
    ASK_AGREEMENTS: timedelta(minutes=1),
    RETURN_DEPOSITS: timedelta(hours=1),
}
