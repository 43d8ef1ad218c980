"""Automatic renewal: three days before the end the order is opened and the agreement charged.

A charge is an ordinary payment attempt. An order is charged once, whatever becomes of it:
what has no known outcome is asked about, never charged again under another number.
"""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing import agreement_queries as found
from app.billing import queries
from app.billing.agreement_models import PaymentAgreement
from app.billing.charges import CHARGED, refuse, tell_member
from app.billing.closing import close_order
from app.billing.contracts import end
from app.billing.errors import OrderAlreadyOpen
from app.billing.events import CHARGE, CLOSE_ORDER, RENEW_DUE
from app.billing.models import ATTEMPT, ContributionOrder, PaymentAttempt
from app.billing.orders import open_renewal
from app.billing.payments import PAYMENTS_PATH
from app.billing.reconciliation import ask_about_order
from app.billing.reminders import CHARGE_DAYS_BEFORE, last_day_of, moment
from app.integrations.errors import OutcomeUnknown, Refused, Unreachable
from app.integrations.outside import Outside
from app.integrations.wechat_pay import ChargeRequest
from app.kernel import audit
from app.kernel.clock import system_now
from app.kernel.database import raw_connection
from app.kernel.ids import new_id, random_code
from app.kernel.jobs import JobContext, RetryLater, enqueue, schedule
from app.kernel.principal import SYSTEM
from app.kernel.problems import Problem
from app.kernel.transitions import begin, move
from app.kernel.vault import Vault
from app.plans import service as plans
from app.policies.grace import moratoriums_of
from app.policies.models import Policy
from app.policies.standing import Window, renewal_window

log = structlog.get_logger("billing")

# An hour after the reminder of that day.
CHARGE_AT = time(11)
# A bank may take its time, and the member may still pay by hand.
OPEN_FOR_CHARGE = timedelta(hours=24)
ASK_AGAIN = timedelta(seconds=10)
ORDER_OPEN_AGAIN = timedelta(minutes=30)
LOOK_AGAIN = timedelta(days=1)
OVER = frozenset({"CONTRACT_TERMINATED", "CONTRACT_NOT_EXIST"})
FOR_LATER = frozenset({"FREQUENCY_LIMITED", "RATELIMIT_EXCEED", "SYSTEM_ERROR"})


async def renew_due(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Look at an agreement's newest term: renew it, or come again when that is due.

    What stands in the way is told to the member, who can renew by hand.
    """
    async with context.transaction() as session:
        agreement = await found.locked_agreement(session, UUID(payload["subject_id"]))
        if agreement.status != "active":
            return
        now = await context.business_now(session)
        policy = await found.last_of_chain(session, agreement.first_policy_id)
        terms = (await plans.version_of(session, policy.plan_version_id)).terms
        reaching = await moratoriums_of(await raw_connection(session), [policy.id])
        window = renewal_window(terms, policy.ends_at, reaching.get(policy.id, ()))
        if policy.status != "in_force" or now >= window.closes_at:
            await end(session, agreement, "policy_over", actor=SYSTEM, now=now)
            return
        due_at = _due_at(policy, window)
        if now < due_at:
            await schedule(session, RENEW_DUE, agreement.id, due_at)
            return
        # Until this term is renewed, by whomever, or lapses, there is nothing else to do.
        await schedule(session, RENEW_DUE, agreement.id, now + LOOK_AGAIN)
        if agreement.tried_policy_id != policy.id:
            await _renew(session, context.vault, agreement, policy, window, now)


def _due_at(policy: Policy, window: Window) -> datetime:
    charge_on = last_day_of(policy.ends_at) - timedelta(days=CHARGE_DAYS_BEFORE)
    return max(moment(charge_on, CHARGE_AT), window.opens_at)


async def _renew(
    session: AsyncSession,
    vault: Vault,
    agreement: PaymentAgreement,
    policy: Policy,
    window: Window,
    now: datetime,
) -> None:
    """Open the order and let it be charged, or tell the member why not."""
    agreement.tried_policy_id = policy.id
    try:
        opened = await open_renewal(
            session,
            vault,
            policy.id,
            actor=SYSTEM,
            now=now,
            account_id=agreement.account_id,
            automatic=True,
        )
    except OrderAlreadyOpen:
        # The member is about to pay by hand; if not, we are back in half an hour.
        agreement.tried_policy_id = None
        await schedule(session, RENEW_DUE, agreement.id, now + ORDER_OPEN_AGAIN)
        return
    except Problem as problem:
        log.info("automatic renewal not possible", code=problem.code)
        await tell_member(session, vault, policy, "renewal_by_hand", {}, now)
        return
    order = await queries.order(session, opened.id, lock=True)
    if order.status != "open":
        return
    if order.amount_fen > agreement.most_fen:
        await close_order(session, order, "above_agreed", actor=SYSTEM, now=now)
        said = {"amount": order.amount_fen, "agreed": agreement.most_fen}
        await tell_member(session, vault, policy, "charge_above_agreed", said, now)
        return
    order.expires_at = min(now + OPEN_FOR_CHARGE, window.closes_at)
    await schedule(session, CLOSE_ORDER, order.id, order.expires_at)
    await _record_attempt(session, agreement, order, now)


async def _record_attempt(
    session: AsyncSession, agreement: PaymentAgreement, order: ContributionOrder, now: datetime
) -> None:
    attempt = PaymentAttempt(
        id=new_id(),
        order_id=order.id,
        out_trade_no=f"{order.number}{random_code(8)}",
        trade_type=CHARGED,
        agreement_id=agreement.id,
        status="created",
        amount_fen=order.amount_fen,
        created_at=system_now(),
        asked_at=system_now(),
    )
    begin(session, ATTEMPT, attempt, actor=SYSTEM, at=now)
    await session.flush()
    await audit.record(
        session,
        SYSTEM,
        "payment.charge",
        subject="payment_attempt",
        subject_ids=[attempt.id],
        on_behalf_of=order.person_id,
    )
    await enqueue(session, CHARGE, {"subject_id": str(attempt.id)})


async def charge(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Ask the gateway for the money; asked again, the same number charges once."""
    attempt_id = UUID(payload["subject_id"])
    async with context.transaction() as session:
        request = await _request(context, session, attempt_id)
    if request is None:
        return
    outside: Outside = context.outside
    try:
        await outside.wechat_pay.charge(request)
    except (Unreachable, OutcomeUnknown) as error:
        raise RetryLater(ASK_AGAIN) from error
    except Refused as error:
        if error.code in FOR_LATER:
            raise RetryLater(ASK_AGAIN) from error
        await _refused(context, attempt_id, error.code)
        return
    await _accepted(context, attempt_id)


async def _accepted(context: JobContext, attempt_id: UUID) -> None:
    async with context.transaction() as session:
        attempt = await queries.attempt(session, attempt_id, lock=True)
        if attempt.status == "created":
            await move(session, ATTEMPT, attempt, "prepared", actor=SYSTEM, at=system_now())


async def _request(
    context: JobContext, session: AsyncSession, attempt_id: UUID
) -> ChargeRequest | None:
    """What is asked for; None when there is nothing to ask for any more."""
    attempt = await queries.attempt(session, attempt_id, lock=True)
    if attempt.status != "created" or attempt.agreement_id is None:
        return None
    order = await queries.order(session, attempt.order_id)
    agreement = await session.get_one(PaymentAgreement, attempt.agreement_id)
    if order.status != "open" or agreement.status != "active":
        # Perhaps it was sent already: the reconciler asks, and a late payment goes back.
        return None
    terms = (await plans.version_of(session, order.plan_version_id)).terms
    record = context.vault.open("payment_agreement", agreement.id, agreement.sealed)
    attempt.asked_at = system_now()
    return ChargeRequest(
        out_trade_no=attempt.out_trade_no,
        contract_id=record["contract_id"],
        description=f"{terms.name.zh} {order.shares}份 续保"[:127],
        amount_fen=attempt.amount_fen,
        notify_url=context.settings.public_base_url.rstrip("/") + PAYMENTS_PATH,
        attach=order.number,
    )


async def _refused(context: JobContext, attempt_id: UUID, code: str) -> None:
    """A definite no, unless an earlier copy of the request was taken: so ask first."""
    async with context.transaction() as session:
        attempt = await queries.attempt(session, attempt_id)
    outside: Outside = context.outside
    await ask_about_order(context.database, outside.wechat_pay, attempt.order_id, at_once=True)
    async with context.transaction() as session:
        attempt = await queries.attempt(session, attempt_id, lock=True)
        now = await context.business_now(session)
        if attempt.status == "created":
            await refuse(session, attempt, code.lower(), now)
        if code in OVER and attempt.agreement_id is not None:
            agreement = await found.locked_agreement(session, attempt.agreement_id)
            if agreement.status == "active":
                await end(session, agreement, "wechat", actor=SYSTEM, now=now)
