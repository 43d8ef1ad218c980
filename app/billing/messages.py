"""What members are told about cover that began or ended, and about money that goes back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing import queries
from app.billing.agreement_queries import active_agreement, locked_agreement
from app.billing.events import ORDER_PAID, RENEW_DUE
from app.billing.models import Refund
from app.billing.reminders import TEMPLATES as REMINDERS
from app.billing.reminders import last_day_of, plan_reminders, plan_words
from app.kernel.clock import business_day
from app.kernel.event_log import heard
from app.kernel.jobs import JobContext, schedule
from app.kernel.vault import Vault
from app.notifications.service import notify, take_back
from app.plans import service as plans
from app.plans.terms import PlanTerms
from app.policies.events import POLICY_EXTENDED
from app.policies.models import Policy


async def cover_began(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear `order.paid` and `policy.activated`: say from when to when, and plan reminders.

    Cover of rosters has no order: its partner tells its riders.
    """
    async with context.transaction() as session:
        event = await heard(session, payload)
        if event.name == ORDER_PAID:
            policy = await queries.policy_of_order(session, event.subject_id)
        else:
            policy = await session.get_one(Policy, event.subject_id)
        if policy is None or policy.channel == "roster" or policy.status != "in_force":
            return
        now = await context.business_now(session)
        await _tell_beginning(session, context.vault, policy, now)
        await plan_reminders(session, policy, now)


async def _tell_beginning(
    session: AsyncSession, vault: Vault, policy: Policy, now: datetime
) -> None:
    terms = (await plans.version_of(session, policy.plan_version_id)).terms
    await notify(
        session,
        vault,
        person_id=policy.person_id,
        template="policy_renewed" if policy.follows_id else "policy_issued",
        subject="policy",
        subject_id=policy.id,
        parameters={
            "plan": plan_words(terms),
            "number": policy.number,
            "first_day": business_day(policy.starts_at).isoformat(),
            "last_day": last_day_of(policy.ends_at).isoformat(),
        },
        once_key=f"policy_issued:{policy.id}",
        now=now,
    )


async def end_moved(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear that cover was renewed, cancelled, voided, reinstated or extended."""
    async with context.transaction() as session:
        policy = await session.get_one(Policy, UUID(payload["subject_id"]))
        now = await context.business_now(session)
        # A reminder that waits for the morning names the old day.
        await take_back(session, subject_id=policy.id, templates=REMINDERS, now=now)
        await plan_reminders(session, policy, now)
        if (await heard(session, payload)).name == POLICY_EXTENDED:
            await _charge_again(session, policy, now)


async def _charge_again(session: AsyncSession, policy: Policy, now: datetime) -> None:
    """A charge that was tried before the old end is tried before the new one as well."""
    agreement = await active_agreement(session, policy.id)
    if agreement is not None:
        agreement = await locked_agreement(session, agreement.id)
        agreement.tried_policy_id = None
        await schedule(session, RENEW_DUE, agreement.id, now)


async def tell_upgrade(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear `policy.upgraded`: shares were added or the option was raised, and from which day.

    What the event says is told, not what the policy has by now: each upgrade has its message.
    """
    async with context.transaction() as session:
        event = await heard(session, payload)
        policy = await session.get_one(Policy, event.subject_id)
        terms = (await plans.version_of(session, policy.plan_version_id)).terms
        option_code = event.content["option_code"]
        begins_at = datetime.fromisoformat(event.content["begins_at"])
        parameters: dict[str, Any] = {
            "plan": plan_words(terms),
            "number": policy.number,
            "first_day": business_day(begins_at).isoformat(),
            "last_day": last_day_of(policy.ends_at).isoformat(),
        }
        if option_code is None:
            parameters["shares"] = event.content["shares"]
        else:
            parameters["option"] = _option_words(terms, option_code)
        await notify(
            session,
            context.vault,
            person_id=policy.person_id,
            template="policy_upgraded" if option_code is None else "option_raised",
            subject="policy",
            subject_id=policy.id,
            parameters=parameters,
            once_key=f"policy_upgraded:{event.id}",
            now=await context.business_now(session),
        )


def _option_words(terms: PlanTerms, code: str) -> dict[str, str]:
    """An option's name as messages take it; its code where the plan gives it none."""
    name = terms.option(code).name
    if name is None:
        return {"zh": f"{code} 档", "en": f"option {code}"}
    return {"zh": name.zh, "en": name.en}


async def tell_lapse(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear `policy.lapsed`: nobody renewed, and the grace days are over."""
    async with context.transaction() as session:
        policy = await session.get_one(Policy, UUID(payload["subject_id"]))
        if policy.channel == "roster":
            return
        terms = (await plans.version_of(session, policy.plan_version_id)).terms
        last_day = last_day_of(policy.ends_at).isoformat()
        await notify(
            session,
            context.vault,
            person_id=policy.person_id,
            template="policy_lapsed",
            subject="policy",
            subject_id=policy.id,
            parameters={"plan": plan_words(terms), "last_day": last_day},
            once_key=f"policy_lapsed:{policy.id}:{last_day}",
            now=await context.business_now(session),
        )


async def tell_refunds(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear `order.refunded`: each refund of the order that has arrived is told once."""
    async with context.transaction() as session:
        order = await queries.order(session, UUID(payload["subject_id"]))
        terms = (await plans.version_of(session, order.plan_version_id)).terms
        now = await context.business_now(session)
        arrived = select(Refund).where(Refund.order_id == order.id, Refund.status == "succeeded")
        for refund in (await session.scalars(arrived.order_by(Refund.id))).all():
            await notify(
                session,
                context.vault,
                person_id=order.person_id,
                template="order_refunded",
                subject="contribution_order",
                subject_id=order.id,
                parameters={
                    "plan": plan_words(terms),
                    "amount": refund.amount_fen,
                    "number": order.number,
                },
                once_key=f"order_refunded:{refund.id}",
                now=now,
            )


async def tell_refund_waiting(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear `refund.waiting`: the money is there, the account to send it to is not."""
    async with context.transaction() as session:
        refund = await queries.refund(session, UUID(payload["subject_id"]))
        order = await queries.order(session, refund.order_id)
        await notify(
            session,
            context.vault,
            person_id=order.person_id,
            template="refund_waiting",
            subject="contribution_order",
            subject_id=order.id,
            parameters={"amount": refund.amount_fen, "number": order.number},
            once_key=f"refund_waiting:{refund.id}",
            now=await context.business_now(session),
        )
