"""After a confirmed death nothing is bought and nothing renews itself."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.billing.agreement_models import PaymentAgreement
from app.billing.agreement_queries import LIVE, locked_agreement
from app.billing.closing import close_order
from app.billing.contracts import end
from app.billing.models import ContributionOrder
from app.billing.queries import order
from app.kernel.jobs import JobContext
from app.kernel.principal import SYSTEM
from app.members.blocking import blocked_since

REASON = "death"


async def end_after_death(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear `person.death_confirmed`: close open orders, end payment agreements."""
    person_id = UUID(payload["subject_id"])
    async with context.transaction() as session:
        if await blocked_since(session, person_id) is None:
            return
        now = await context.business_now(session)
        agreements = select(PaymentAgreement.id).where(
            PaymentAgreement.person_id == person_id, PaymentAgreement.status.in_(LIVE)
        )
        for agreement_id in (await session.scalars(agreements)).all():
            agreement = await locked_agreement(session, agreement_id)
            await session.refresh(agreement)
            if agreement.status != "ended":
                await end(session, agreement, REASON, actor=SYSTEM, now=now)
        orders = select(ContributionOrder.id).where(
            ContributionOrder.person_id == person_id, ContributionOrder.status == "open"
        )
        for order_id in (await session.scalars(orders)).all():
            unpaid = await order(session, order_id, lock=True)
            await session.refresh(unpaid)
            if unpaid.status == "open":
                await close_order(session, unpaid, REASON, actor=SYSTEM, now=now)
