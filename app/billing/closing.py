"""Closing orders: cancelled by the member, or unpaid for too long; then at the gateway."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing import queries
from app.billing.errors import OrderNotFound, OrderNotOpen
from app.billing.events import CLOSE_ATTEMPT, CLOSE_ORDER, ORDER_CLOSED
from app.billing.models import ORDER, ContributionOrder
from app.kernel.facts import Fact, state
from app.kernel.jobs import enqueue, unschedule
from app.kernel.principal import Principal
from app.kernel.transitions import move
from app.policies.slots import release_order_shares


async def cancel_order(
    session: AsyncSession, account_id: UUID, order_id: UUID, *, actor: Principal, now: datetime
) -> ContributionOrder:
    """Close the caller's open order; a closed one stays as it is.

    Raises OrderNotFound (404), OrderNotOpen (409) once it is paid.
    """
    found = await queries.order_of_account(session, account_id, order_id)
    if found is None:
        raise OrderNotFound
    order = await queries.order(session, found.id, lock=True)
    await session.refresh(order)
    if order.status == "open":
        await close_order(session, order, "cancelled", actor=actor, now=now)
    elif order.status != "closed":
        raise OrderNotOpen(status=order.status)
    return order


async def close_expired(
    session: AsyncSession, order_id: UUID, *, actor: Principal, now: datetime
) -> bool:
    """Close an order whose time is over; False when there is nothing to close."""
    order = await queries.order(session, order_id, lock=True)
    if order.status != "open" or order.expires_at > now:
        return False
    await close_order(session, order, "expired", actor=actor, now=now)
    return True


async def close_order(
    session: AsyncSession,
    order: ContributionOrder,
    reason_code: str,
    *,
    actor: Principal,
    now: datetime,
) -> None:
    """Give its places back and have the worker close it at the gateway; the row is locked.

    Money that comes nevertheless is suspended and refunded.
    """
    await release_order_shares(session, order.id, now)
    await unschedule(session, CLOSE_ORDER, order.id)
    await move(session, ORDER, order, "closed", actor=actor, at=now, reason_code=reason_code)
    content = {"number": order.number, "plan_code": order.plan_code, "reason_code": reason_code}
    fact = Fact("contribution_order", order.id, "order.close", ORDER_CLOSED, content)
    await state(session, [fact], actor=actor, at=now, on_behalf_of=order.person_id)
    for attempt in await queries.live_attempts(session, order.id):
        await enqueue(session, CLOSE_ATTEMPT, {"subject_id": str(attempt.id)})
