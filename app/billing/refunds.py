"""Money back: suspended payments, refunds of any kind, and their settlement."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing import queries
from app.billing.events import (
    CLOSE_ORDER,
    ORDER_REFUNDED,
    ORDER_REFUNDING,
    ORDER_SUSPENDED,
    PAY_BACK,
    REFUND_REJECTED,
    REQUEST_REFUND,
)
from app.billing.models import ATTEMPT, ORDER, REFUND, ContributionOrder, PaymentAttempt, Refund
from app.billing.settlement import Outcome, Settled
from app.billing.step_by_step import Told
from app.integrations.wechat_pay import Refund as GatewayRefund
from app.kernel import audit
from app.kernel.clock import business_day
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id, random_code
from app.kernel.jobs import enqueue, unschedule
from app.kernel.principal import SYSTEM, Principal
from app.kernel.transitions import begin, move
from app.ledger import service as ledger
from app.ledger.accounts import GATEWAY_CLEARING, REFUNDS_PAYABLE, SUSPENSE
from app.policies.slots import release_order_shares


async def suspend(
    session: AsyncSession, told: Told, settled: Settled, *, lost: str | None
) -> Outcome:
    """Record money that cannot become cover, put it in suspense, and send it back.

    The order's event says why, so that the member is told: paid_twice, paid_after_close,
    or what was `lost` (shares_taken, paid_after_grace, cover_ended, policy_changed).
    Answers `repeated` when it was recorded before.
    """
    now = settled.now
    attempt = await queries.locked_attempt(session, told.payment.out_trade_no)
    if attempt.status == "succeeded":
        same = attempt.transaction_id == told.payment.transaction_id
        return "repeated" if same else "differs"
    order = await queries.order(session, attempt.order_id, lock=True)
    attempt.transaction_id = told.payment.transaction_id
    attempt.succeeded_at = settled.paid_at
    await move(session, ATTEMPT, attempt, "succeeded", actor=SYSTEM, at=now)
    await ledger.post(
        session,
        "contribution.suspended",
        [(GATEWAY_CLEARING, attempt.amount_fen), (SUSPENSE, -attempt.amount_fen)],
        event_on=business_day(settled.paid_at),
        reference_id=attempt.id,
        actor=SYSTEM,
    )
    because = "paid_twice"
    if order.status in ("open", "closed"):
        because = lost or "paid_after_close"
        await release_order_shares(session, order.id, now)
        await unschedule(session, CLOSE_ORDER, order.id)
        await move(session, ORDER, order, "suspended", actor=SYSTEM, at=now, reason_code=because)
    await _tell(session, order, "order.suspend", ORDER_SUSPENDED, because, SYSTEM, now)
    debits = [(SUSPENSE, attempt.amount_fen)]
    await open_refund(session, order, attempt, debits, because, SYSTEM, now)
    return "too_late"


async def open_refund(
    session: AsyncSession,
    order: ContributionOrder,
    attempt: PaymentAttempt,
    debits: Sequence[tuple[str, int]],
    reason_code: str,
    actor: Principal,
    now: datetime,
    *,
    method: Literal["gateway", "payout"] = "gateway",
) -> Refund:
    """Owe money back, all of a payment or a part, and have the worker see to it.

    `debits` are the accounts that give it, with fen. The order is locked. What would be
    more than the payment is refused by the database (refund_within_payment).
    """
    refund = Refund(
        id=new_id(),
        order_id=order.id,
        attempt_id=attempt.id,
        out_refund_no=f"R{attempt.out_trade_no}{random_code(4)}",
        amount_fen=sum(fen for _, fen in debits),
        status="requested",
        reason_code=reason_code,
        method=method,
        requested_at=now,
    )
    begin(session, REFUND, refund, actor=actor, at=now)
    await session.flush()
    await ledger.post(
        session,
        "refund.requested",
        [*debits, (REFUNDS_PAYABLE, -refund.amount_fen)],
        event_on=business_day(now),
        reference_id=refund.id,
        actor=actor,
    )
    if order.status in ("paid", "suspended") and reason_code != "paid_twice":
        await move(session, ORDER, order, "refunding", actor=actor, at=now, reason_code=reason_code)
        await _tell(session, order, "order.refund", ORDER_REFUNDING, reason_code, actor, now)
    job = REQUEST_REFUND if method == "gateway" else PAY_BACK
    await enqueue(session, job, {"subject_id": str(refund.id)})
    return refund


RefundOutcome = Literal["settled", "repeated", "unknown", "differs", "waiting", "rejected"]


async def settle_refund(session: AsyncSession, told: GatewayRefund, now: datetime) -> RefundOutcome:
    """Apply what the gateway says about a refund; safe to repeat and in any order."""
    refund = await queries.refund_by_number(session, told.out_refund_no)
    if refund is None:
        return "unknown"
    await session.refresh(refund)
    if refund.amount_fen != told.refund_fen:
        return "differs"
    if refund.status == "succeeded":
        return "repeated"
    if refund.status == "withdrawn":
        return "differs"
    refund.gateway_refund_id = told.refund_id
    if told.state == "PROCESSING":
        if refund.status == "requested":
            await move(session, REFUND, refund, "accepted", actor=SYSTEM, at=now)
            await audit.record(
                session, SYSTEM, "refund.accept", subject="refund", subject_ids=[refund.id]
            )
        return "waiting"
    if told.state != "SUCCESS":
        return await reject_refund(session, refund, told.state.lower(), now)
    await ledger.post(
        session,
        "refund.paid",
        [(REFUNDS_PAYABLE, refund.amount_fen), (GATEWAY_CLEARING, -refund.amount_fen)],
        event_on=business_day(now),
        reference_id=refund.id,
        actor=SYSTEM,
    )
    await finish_refund(session, refund, now)
    return "settled"


async def finish_refund(session: AsyncSession, refund: Refund, now: datetime) -> None:
    """The money has arrived, and was posted: refund and order say so. Both are locked."""
    if refund.status == "rejected":
        await move(session, REFUND, refund, "requested", actor=SYSTEM, at=now)
    refund.settled_at = now
    await move(session, REFUND, refund, "succeeded", actor=SYSTEM, at=now)
    order = await queries.order(session, refund.order_id, lock=True)
    if order.status == "refunding" and not await queries.has_unsettled_refund(session, order.id):
        await move(session, ORDER, order, "refunded", actor=SYSTEM, at=now)
    verb, reason = "order.pay_back", refund.reason_code
    await _tell(session, order, verb, ORDER_REFUNDED, reason, SYSTEM, now)


async def reject_refund(
    session: AsyncSession, refund: Refund, reason_code: str, now: datetime
) -> RefundOutcome:
    """The gateway will not pay it back: staff are told, the debt stays on the books."""
    if refund.status in ("rejected", "succeeded"):
        return "repeated"
    await move(session, REFUND, refund, "rejected", actor=SYSTEM, at=now, reason_code=reason_code)
    content = {"order_id": str(refund.order_id), "reason_code": reason_code}
    fact = Fact("refund", refund.id, "refund.reject", REFUND_REJECTED, content)
    await state(session, [fact], actor=SYSTEM, at=now)
    return "rejected"


async def _tell(
    session: AsyncSession,
    order: ContributionOrder,
    verb: str,
    event: str,
    reason_code: str,
    actor: Principal,
    now: datetime,
) -> None:
    content = {
        "number": order.number,
        "plan_code": order.plan_code,
        "amount_fen": order.amount_fen,
        "status": order.status,
        "reason_code": reason_code,
    }
    fact = Fact("contribution_order", order.id, verb, event, content)
    await state(session, [fact], actor=actor, at=now, on_behalf_of=order.person_id)
