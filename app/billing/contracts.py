"""What the gateway says about agreements, and telling it that one is over."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing import agreement_queries as found
from app.billing.agreement_models import AGREEMENT, PaymentAgreement
from app.billing.errors import NoticeDiffers, UnknownTrade
from app.billing.events import AGREEMENT_ENDED, AGREEMENT_OVER, AGREEMENT_SIGNED, RENEW_DUE
from app.billing.reminders import plan_words
from app.integrations.errors import OutcomeUnknown, OutsideError, Refused, Unreachable
from app.integrations.outside import Outside
from app.integrations.wechat_pay import Contract, WeChatPay
from app.kernel.clock import business_now, system_now
from app.kernel.database import Database
from app.kernel.facts import Fact, state
from app.kernel.jobs import JobContext, RetryLater, enqueue, schedule, unschedule
from app.kernel.principal import SYSTEM, Principal
from app.kernel.transitions import move
from app.kernel.vault import Vault
from app.notifications.service import notify
from app.plans import service as plans
from app.policies.models import Policy

log = structlog.get_logger("billing")

TABLE = "payment_agreement"
NEVER_CONFIRMED = "CONTRACT_NOT_EXIST"
BATCH = 100
ASK_AGAIN = timedelta(seconds=10)
REFUSED_AGAIN = timedelta(hours=1)


async def take_contract(database: Database, vault: Vault, contract: Contract) -> None:
    """Apply what the gateway says; safe to repeat and in any order.

    Raises UnknownTrade (404) for a code of nobody, NoticeDiffers (409) for another payer.
    """
    async with database.transaction() as session:
        agreement = await found.locked_by_code(session, contract.contract_code)
        if agreement is None:
            raise UnknownTrade
        record = vault.open(TABLE, agreement.id, agreement.sealed)
        if record["openid"] != contract.openid:
            log.error("agreement of another payer", agreement_id=str(agreement.id))
            raise NoticeDiffers
        now = await business_now(session, sandbox=database.settings.sandbox)
        if contract.state == "TERMINATED":
            agreement.end_sent_at = system_now()
            if agreement.status != "ended":
                await end(session, agreement, "wechat", actor=SYSTEM, now=now)
        elif agreement.status == "requested":
            record["contract_id"] = contract.contract_id
            agreement.sealed = vault.seal(TABLE, agreement.id, record)
            await _sign(session, agreement, now)
        elif agreement.status == "ended" and agreement.end_sent_at is None:
            # Confirmed after we had given it up: nobody may be charged under it.
            await enqueue(session, AGREEMENT_OVER, {"subject_id": str(agreement.id)})


async def _sign(session: AsyncSession, agreement: PaymentAgreement, now: datetime) -> None:
    agreement.signed_at = now
    await move(session, AGREEMENT, agreement, "active", actor=SYSTEM, at=now)
    # The worker finds out by itself when the next renewal is due.
    await schedule(session, RENEW_DUE, agreement.id, now)
    await _state(session, agreement, "sign", AGREEMENT_SIGNED, SYSTEM, now)


async def end(
    session: AsyncSession,
    agreement: PaymentAgreement,
    because: str,
    *,
    actor: Principal,
    now: datetime,
) -> None:
    """End a locked agreement; the gateway and the member are told by the worker."""
    agreement.ended_at, agreement.ended_because = now, because
    await move(session, AGREEMENT, agreement, "ended", actor=actor, at=now, reason_code=because)
    await unschedule(session, RENEW_DUE, agreement.id)
    await _state(session, agreement, "end", AGREEMENT_ENDED, actor, now)
    await enqueue(session, AGREEMENT_OVER, {"subject_id": str(agreement.id)})


async def _state(
    session: AsyncSession,
    agreement: PaymentAgreement,
    verb: str,
    event: str,
    actor: Principal,
    now: datetime,
) -> None:
    content = {
        "plan_code": agreement.plan_code,
        "first_policy_id": str(agreement.first_policy_id),
        "most_fen": agreement.most_fen,
        "ended_because": agreement.ended_because,
    }
    fact = Fact(TABLE, agreement.id, f"payment_agreement.{verb}", event, content)
    await state(session, [fact], actor=actor, at=now, on_behalf_of=agreement.person_id)


async def agreement_over(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Tell the member, and the gateway where it does not know; again it changes nothing."""
    async with context.transaction() as session:
        agreement = await found.locked_agreement(session, UUID(payload["subject_id"]))
        if agreement.signed_at is not None:
            await _tell_end(session, context.vault, agreement, await context.business_now(session))
        known = agreement.end_sent_at is not None
    if known:
        return
    outside: Outside = context.outside
    try:
        await outside.wechat_pay.end_contract(agreement.contract_code, "会员关闭自动续保")
    except (Unreachable, OutcomeUnknown) as error:
        raise RetryLater(ASK_AGAIN) from error
    except Refused as error:
        if error.code != NEVER_CONFIRMED:
            log.error("agreement not ended", code=error.code, agreement_id=str(agreement.id))
            raise RetryLater(REFUSED_AGAIN) from error
        # Nobody confirmed it so far. If somebody does, the notice brings us here again.
        return
    async with context.transaction() as session:
        agreement = await found.locked_agreement(session, agreement.id)
        agreement.end_sent_at = system_now()


async def _tell_end(
    session: AsyncSession, vault: Vault, agreement: PaymentAgreement, now: datetime
) -> None:
    policy = await session.get_one(Policy, agreement.first_policy_id)
    terms = (await plans.version_of(session, policy.plan_version_id)).terms
    await notify(
        session,
        vault,
        person_id=agreement.person_id,
        template="agreement_ended",
        subject=TABLE,
        subject_id=agreement.id,
        parameters={"plan": plan_words(terms)},
        once_key=f"agreement_ended:{agreement.id}",
        now=now,
    )


async def ask_about_agreement(
    database: Database, vault: Vault, gateway: WeChatPay, contract_code: str
) -> None:
    """The gateway's word about one agreement, applied; never raises."""
    try:
        await take_contract(database, vault, await gateway.query_contract(contract_code))
    except (OutsideError, NoticeDiffers, UnknownTrade) as error:
        log.info("agreement not confirmed", error=type(error).__name__)


async def ask_about_unanswered(context: JobContext, _payload: Mapping[str, Any]) -> None:
    """Ask about requests whose notice has not come, and give up those that are too old."""
    outside: Outside = context.outside
    async with context.transaction() as session:
        waiting = await found.unanswered_agreements(session, BATCH)
    for agreement in waiting:
        await ask_about_agreement(
            context.database, context.vault, outside.wechat_pay, agreement.contract_code
        )
        if agreement.confirm_before > system_now():
            continue
        async with context.transaction() as session:
            row = await found.locked_agreement(session, agreement.id)
            if row.status == "requested":
                now = await context.business_now(session)
                await end(session, row, "not_confirmed", actor=SYSTEM, now=now)
