"""Orders that no gateway pays: gifts, and contributions that a sponsor owes."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.covering import become_cover, contribution_entries
from app.billing.events import CLOSE_ORDER
from app.billing.models import ContributionOrder
from app.kernel.clock import business_day
from app.kernel.database import raw_connection
from app.kernel.facts import state
from app.kernel.principal import Principal
from app.ledger import service as ledger
from app.ledger.accounts import SPONSOR_RECEIVABLES
from app.plans.terms import PlanTerms

_COMPLETE = """
with paid as (
    update contribution_order set status = 'paid', paid_at = $2
    where id = $1 and status = 'open' returning id
), due as (
    delete from due_thing using paid where job = $5 and subject_id = paid.id
)
insert into status_history (subject, subject_id, from_status, to_status, at, actor_kind, actor_id)
select 'contribution_order', id, 'open', 'paid', $2, $3, $4 from paid
"""


async def complete_without_gateway(
    session: AsyncSession,
    order: ContributionOrder,
    terms: PlanTerms,
    *,
    verified_at: datetime | None,
    actor: Principal,
    now: datetime,
) -> None:
    """Complete an order that costs the member nothing: a gift, or paid by its sponsor.

    What a sponsor or another party owes becomes a receivable of the same transaction.
    """
    connection = await raw_connection(session)
    await connection.execute(_COMPLETE, order.id, now, actor.kind, actor.id, CLOSE_ORDER)
    order.status, order.paid_at = "paid", now
    facts = await become_cover(
        session, order, terms, paid_at=now, verified_at=verified_at, actor=actor, now=now
    )
    entries = contribution_entries(order, SPONSOR_RECEIVABLES)
    if entries:
        await ledger.post(
            session,
            "contribution.sponsored",
            entries,
            event_on=business_day(now),
            reference_id=order.id,
            actor=actor,
        )
    await state(session, facts, actor=actor, at=now, on_behalf_of=order.person_id)
