"""Deposits: the part of a contribution that goes back when the term ends."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing import queries
from app.billing.giving_back import method_of
from app.billing.models import ContributionOrder, PaymentAttempt, Refund
from app.billing.refunds import open_refund
from app.kernel.jobs import JobContext
from app.kernel.principal import SYSTEM
from app.ledger.accounts import DEPOSITS_HELD
from app.policies.models import Policy, PolicyTransaction
from app.policies.recording import locked_policy

SLICE = 100


async def return_deposits(context: JobContext, _payload: Mapping[str, Any]) -> None:
    """Owe back the deposits of every term that has ended, one transaction for each."""
    after = UUID(int=0)
    while True:
        async with context.transaction() as session:
            now = await context.business_now(session)
            due = await _due(session, now, after)
        for order_id, policy_id in due:
            async with context.transaction() as session:
                await return_deposit(session, order_id, policy_id, now)
            after = order_id
        if len(due) < SLICE:
            return


async def _due(session: AsyncSession, now: datetime, after: UUID) -> list[tuple[UUID, UUID]]:
    statement = (
        select(ContributionOrder.id, Policy.id)
        .join(PolicyTransaction, PolicyTransaction.order_id == ContributionOrder.id)
        .join(Policy, Policy.id == PolicyTransaction.policy_id)
        .where(
            ContributionOrder.id > after,
            ContributionOrder.deposit_fen > 0,
            ContributionOrder.status == "paid",
            ContributionOrder.payer == "member",
            Policy.status == "in_force",
            func.upper(Policy.period) <= now,
            ~exists().where(
                Refund.order_id == ContributionOrder.id,
                Refund.reason_code == "deposit",
                Refund.status != "withdrawn",
            ),
        )
        .distinct()
        .order_by(ContributionOrder.id)
        .limit(SLICE)
    )
    return [(row[0], row[1]) for row in await session.execute(statement)]


async def return_deposit(
    session: AsyncSession, order_id: UUID, policy_id: UUID, now: datetime
) -> Refund | None:
    """Owe back one order's deposit if its term is still over; None where it is not due."""
    policy = await locked_policy(session, policy_id)
    order = await queries.order(session, order_id, lock=True)
    await session.refresh(order)
    if policy.status != "in_force" or policy.ends_at > now or order.status != "paid":
        return None
    attempt = await session.scalar(
        select(PaymentAttempt).where(
            PaymentAttempt.order_id == order.id,
            PaymentAttempt.status == "succeeded",
            ~exists().where(Refund.attempt_id == PaymentAttempt.id, Refund.status != "withdrawn"),
        )
    )
    if attempt is None:
        return None
    return await open_refund(
        session,
        order,
        attempt,
        [(DEPOSITS_HELD, order.deposit_fen)],
        "deposit",
        SYSTEM,
        now,
        method=method_of(attempt, now),
    )
