"""What becomes of a charge that brought no money: recorded, and told to the member."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing import queries
from app.billing.events import CHARGE_REFUSED
from app.billing.models import ATTEMPT, ContributionOrder, PaymentAttempt
from app.billing.reminders import last_day_of, plan_words
from app.integrations.wechat_pay import Payment
from app.kernel.clock import business_now
from app.kernel.database import Database
from app.kernel.facts import Fact, state
from app.kernel.jobs import JobContext
from app.kernel.principal import SYSTEM
from app.kernel.transitions import move
from app.kernel.vault import Vault
from app.notifications.service import notify
from app.plans import service as plans
from app.policies.models import Policy

# The trade type of an attempt that nobody made by hand: a charge under a payment agreement.
CHARGED = "agreement"


async def take_refusal(database: Database, payment: Payment) -> None:
    """The gateway could not take the money; of other payments it is no business of ours."""
    async with database.transaction() as session:
        attempt = await session.scalar(
            select(PaymentAttempt)
            .where(PaymentAttempt.out_trade_no == payment.out_trade_no)
            .with_for_update()
        )
        if attempt is None or attempt.trade_type != CHARGED:
            return
        now = await business_now(session, sandbox=database.settings.sandbox)
        await refuse(session, attempt, "payerror", now)


async def refuse(
    session: AsyncSession, attempt: PaymentAttempt, reason_code: str, now: datetime
) -> None:
    """A locked charge has failed. Its order stays open: the member can pay it by hand."""
    if attempt.status not in queries.LIVE:
        return
    await move(session, ATTEMPT, attempt, "failed", actor=SYSTEM, at=now, reason_code=reason_code)
    order = await queries.order(session, attempt.order_id)
    content = {"order_id": str(order.id), "reason_code": reason_code}
    fact = Fact("payment_attempt", attempt.id, "payment.refuse", CHARGE_REFUSED, content)
    await state(session, [fact], actor=SYSTEM, at=now, on_behalf_of=order.person_id)


async def tell_charge_refused(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear `charge.refused`: the member may renew by hand, if nobody has meanwhile."""
    async with context.transaction() as session:
        attempt = await queries.attempt(session, UUID(payload["subject_id"]))
        order = await session.get_one(ContributionOrder, attempt.order_id)
        if order.policy_id is None or order.status not in ("open", "closed"):
            return
        policy = await session.get_one(Policy, order.policy_id)
        now = await context.business_now(session)
        await tell_member(session, context.vault, policy, "charge_refused", {}, now)


async def tell_member(
    session: AsyncSession,
    vault: Vault,
    policy: Policy,
    template: str,
    more: Mapping[str, Any],
    now: datetime,
) -> None:
    """Say once for each end of a policy that it did not renew itself, and why."""
    terms = (await plans.version_of(session, policy.plan_version_id)).terms
    last_day = last_day_of(policy.ends_at).isoformat()
    await notify(
        session,
        vault,
        person_id=policy.person_id,
        template=template,
        subject="policy",
        subject_id=policy.id,
        parameters={"plan": plan_words(terms), "last_day": last_day, **more},
        once_key=f"{template}:{policy.id}:{last_day}",
        now=now,
    )
