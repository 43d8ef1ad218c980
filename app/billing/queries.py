"""Finding orders, attempts and refunds; a member's begin at the login account."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.models import MemberAccount
from app.billing.models import ContributionOrder, PaymentAttempt, Refund
from app.members.errors import IdentityRequired
from app.policies.models import Policy

LIVE = ("created", "prepared")


async def person_id_of(session: AsyncSession, account_id: UUID) -> UUID:
    """The person who logs in with this account; raises IdentityRequired (409)."""
    person_id = await session.scalar(
        select(MemberAccount.person_id).where(MemberAccount.id == account_id)
    )
    if person_id is None:
        raise IdentityRequired
    return person_id


async def order_of_account(
    session: AsyncSession, account_id: UUID, order_id: UUID
) -> ContributionOrder | None:
    """An order of the person who logs in with this account, whoever opened it."""
    return await session.scalar(
        select(ContributionOrder)
        .join(MemberAccount, MemberAccount.person_id == ContributionOrder.person_id)
        .where(MemberAccount.id == account_id, ContributionOrder.id == order_id)
    )


async def order_opened_by(
    session: AsyncSession, staff_id: UUID, order_id: UUID
) -> ContributionOrder | None:
    """An order that this caseworker opened for a rider on site."""
    return await session.scalar(
        select(ContributionOrder).where(
            ContributionOrder.id == order_id, ContributionOrder.enrolled_by == staff_id
        )
    )


async def orders_of_account(
    session: AsyncSession, account_id: UUID, before: UUID | None, limit: int
) -> Sequence[ContributionOrder]:
    """Newest first; one row more than `limit` proves that more follow."""
    statement = (
        select(ContributionOrder)
        .join(MemberAccount, MemberAccount.person_id == ContributionOrder.person_id)
        .where(MemberAccount.id == account_id)
        .order_by(ContributionOrder.id.desc())
        .limit(limit + 1)
    )
    if before is not None:
        statement = statement.where(ContributionOrder.id < before)
    return (await session.scalars(statement)).all()


async def order(session: AsyncSession, order_id: UUID, *, lock: bool = False) -> ContributionOrder:
    """Raises NoResultFound for an id that nobody can have got from us."""
    statement = select(ContributionOrder).where(ContributionOrder.id == order_id)
    return (await session.scalars(statement.with_for_update() if lock else statement)).one()


async def attempt(session: AsyncSession, attempt_id: UUID, *, lock: bool = False) -> PaymentAttempt:
    statement = select(PaymentAttempt).where(PaymentAttempt.id == attempt_id)
    return (await session.scalars(statement.with_for_update() if lock else statement)).one()


async def locked_attempt(session: AsyncSession, out_trade_no: str) -> PaymentAttempt:
    """An attempt, locked with its order in the order in which settling locks them."""
    statement = (
        select(PaymentAttempt)
        .join(ContributionOrder, ContributionOrder.id == PaymentAttempt.order_id)
        .where(PaymentAttempt.out_trade_no == out_trade_no)
        .with_for_update(of=(PaymentAttempt, ContributionOrder))
    )
    return (await session.scalars(statement)).one()


async def live_attempts(session: AsyncSession, order_id: UUID) -> Sequence[PaymentAttempt]:
    """Attempts of an order that the gateway may still turn into money."""
    statement = select(PaymentAttempt).where(
        PaymentAttempt.order_id == order_id, PaymentAttempt.status.in_(LIVE)
    )
    return (await session.scalars(statement)).all()


async def live_attempt(
    session: AsyncSession, order_id: UUID, trade_type: str
) -> PaymentAttempt | None:
    return await session.scalar(
        select(PaymentAttempt).where(
            PaymentAttempt.order_id == order_id,
            PaymentAttempt.trade_type == trade_type,
            PaymentAttempt.status.in_(LIVE),
        )
    )


async def silent_attempts(
    session: AsyncSession, asked_before: datetime, limit: int
) -> Sequence[PaymentAttempt]:
    """Live attempts that nobody asked the gateway about since `asked_before`, oldest first."""
    statement = (
        select(PaymentAttempt)
        .where(PaymentAttempt.status.in_(LIVE), PaymentAttempt.asked_at < asked_before)
        .order_by(PaymentAttempt.asked_at)
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def policy_of_order(session: AsyncSession, order_id: UUID) -> Policy | None:
    return await session.scalar(select(Policy).where(Policy.order_id == order_id))


async def policies_of_orders(
    session: AsyncSession, orders: Sequence[ContributionOrder]
) -> dict[UUID, Policy]:
    """What orders became, by order: their own policy, or the one that they added shares to."""
    ids = [order.id for order in orders if order.status != "open"]
    added = [
        (order.id, order.policy_id)
        for order in orders
        if order.kind == "upgrade" and order.policy_id is not None and order.paid_at is not None
    ]
    rows = await session.scalars(
        select(Policy).where(
            or_(Policy.order_id.in_(ids), Policy.id.in_([policy_id for _, policy_id in added]))
        )
    )
    policies = rows.all()
    by_id = {row.id: row for row in policies}
    found = {row.order_id: row for row in policies if row.order_id is not None}
    return found | {order_id: by_id[policy_id] for order_id, policy_id in added}


async def refunds_of_orders(session: AsyncSession, order_ids: Sequence[UUID]) -> dict[UUID, Refund]:
    """The newest refund of each order; one that was taken back is none."""
    statement = (
        select(Refund)
        .where(Refund.order_id.in_(order_ids), Refund.status != "withdrawn")
        .order_by(Refund.id)
    )
    return {row.order_id: row for row in await session.scalars(statement)}


async def refund(session: AsyncSession, refund_id: UUID, *, lock: bool = False) -> Refund:
    statement = select(Refund).where(Refund.id == refund_id)
    return (await session.scalars(statement.with_for_update() if lock else statement)).one()


async def refund_by_number(session: AsyncSession, out_refund_no: str) -> Refund | None:
    """Locked, with the order's row locked before it, as every other path locks them."""
    order_id = await session.scalar(
        select(Refund.order_id).where(Refund.out_refund_no == out_refund_no)
    )
    if order_id is None:
        return None
    await order(session, order_id, lock=True)
    return await session.scalar(
        select(Refund).where(Refund.out_refund_no == out_refund_no).with_for_update()
    )


async def unsettled_refunds(
    session: AsyncSession, requested_before: datetime, limit: int
) -> Sequence[Refund]:
    statement = (
        select(Refund)
        .where(
            Refund.status.in_(("requested", "accepted")),
            Refund.method == "gateway",
            Refund.sent_at.is_not(None),
            Refund.requested_at < requested_before,
        )
        .order_by(Refund.requested_at)
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def has_unsettled_refund(session: AsyncSession, order_id: UUID) -> bool:
    return bool(
        await session.scalar(
            select(
                exists().where(
                    Refund.order_id == order_id,
                    Refund.status.not_in(("succeeded", "withdrawn")),
                )
            )
        )
    )
