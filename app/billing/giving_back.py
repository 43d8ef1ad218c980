"""Money of cover that ends: which payments it was bought with, and how they travel back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.closing import close_order
from app.billing.models import ContributionOrder, PaymentAttempt, Refund
from app.billing.refunds import open_refund
from app.kernel.clock import business_day, system_now
from app.kernel.principal import Principal
from app.ledger import service as ledger
from app.ledger.accounts import DEPOSITS_HELD, SPONSOR_RECEIVABLES, contributions_of
from app.policies.changes import cancel_before_start
from app.policies.models import Policy, PolicyTransaction
from app.policies.recording import locked_policy

# The gateway pays back within a year of the payment (wechat.md); a day is for the sending.
GATEWAY_PAYS_BACK = timedelta(days=364)

Method = Literal["gateway", "payout"]


@dataclass(frozen=True, slots=True)
class Source:
    """One payment of a policy that is not refunded yet; a sponsor's has no attempt."""

    order: ContributionOrder
    attempt: PaymentAttempt | None
    contribution_fen: int
    deposit_fen: int


@dataclass(frozen=True, slots=True)
class Back:
    """What goes back of one payment, and how it travels."""

    source: Source
    contribution_fen: int
    deposit_fen: int
    method: Method

    @property
    def total_fen(self) -> int:
        return self.contribution_fen + self.deposit_fen


def method_of(attempt: PaymentAttempt | None, now: datetime) -> Method:
    """By the gateway as long as it pays back, on its clock and on ours; afterwards by payout."""
    if attempt is None or attempt.succeeded_at is None:
        return "gateway"
    latest = max(now, system_now())
    return "gateway" if latest - attempt.succeeded_at <= GATEWAY_PAYS_BACK else "payout"


async def orders_of(
    session: AsyncSession, policy_id: UUID, *, lock: bool = False
) -> Sequence[ContributionOrder]:
    """The orders that this policy's cover was bought with, the newest first."""
    ids = select(PolicyTransaction.order_id).where(PolicyTransaction.policy_id == policy_id)
    statement = (
        select(ContributionOrder)
        .where(ContributionOrder.id.in_(ids))
        .order_by(ContributionOrder.paid_at.desc(), ContributionOrder.id.desc())
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement.with_for_update() if lock else statement)).all()


async def payments_of(
    session: AsyncSession, policy_id: UUID, *, lock: bool = False
) -> list[Source]:
    """What of the policy's payments is not refunded, the newest first."""
    sources = []
    for order in await orders_of(session, policy_id, lock=lock):
        if order.status != "paid":
            continue
        if order.payer == "sponsor":
            sources.append(Source(order, None, order.amount_fen, 0))
            continue
        for attempt, left in await _unrefunded(session, order.id):
            deposit = min(order.deposit_fen, left)
            sources.append(Source(order, attempt, left - deposit, deposit))
    return sources


async def _unrefunded(session: AsyncSession, order_id: UUID) -> list[tuple[PaymentAttempt, int]]:
    refunded = (
        select(func.coalesce(func.sum(Refund.amount_fen), 0))
        .where(Refund.attempt_id == PaymentAttempt.id, Refund.status != "withdrawn")
        .scalar_subquery()
    )
    rows = await session.execute(
        select(PaymentAttempt, refunded)
        .where(PaymentAttempt.order_id == order_id, PaymentAttempt.status == "succeeded")
        .order_by(PaymentAttempt.succeeded_at.desc())
    )
    return [(row[0], left) for row in rows if (left := row[0].amount_fen - int(row[1])) > 0]


async def send_back(
    session: AsyncSession,
    backs: Sequence[Back],
    ended: PolicyTransaction,
    reason_code: str,
    actor: Principal,
    now: datetime,
) -> None:
    """Open a refund for each payment that goes back, all or a part; `ended` is why."""
    for back in backs:
        order = back.source.order
        if back.source.attempt is None:
            await _credit(session, back, ended, actor, now)
            continue
        entries = [
            (contributions_of(order.plan_code), back.contribution_fen),
            (DEPOSITS_HELD, back.deposit_fen),
        ]
        await open_refund(
            session,
            order,
            back.source.attempt,
            [(account, fen) for account, fen in entries if fen],
            reason_code,
            actor,
            now,
            method=back.method,
        )


async def _credit(
    session: AsyncSession, back: Back, ended: PolicyTransaction, actor: Principal, now: datetime
) -> None:
    """The sponsor owes less; nothing is sent to anybody."""
    await ledger.post(
        session,
        "contribution.credited",
        [
            (contributions_of(back.source.order.plan_code), back.total_fen),
            (SPONSOR_RECEIVABLES, -back.total_fen),
        ],
        event_on=business_day(now),
        reference_id=ended.id,
        actor=actor,
    )


async def close_open_orders(
    session: AsyncSession, policy_id: UUID, *, actor: Principal, now: datetime
) -> None:
    """Close orders that would go on with cancelled cover: nobody shall pay for them now."""
    statement = (
        select(ContributionOrder)
        .where(ContributionOrder.policy_id == policy_id, ContributionOrder.status == "open")
        .with_for_update()
    )
    for order in (await session.scalars(statement)).all():
        await close_order(session, order, "policy_cancelled", actor=actor, now=now)


async def cancel_given(
    session: AsyncSession,
    policy_id: UUID,
    *,
    reason_code: str,
    actor: Principal,
    now: datetime,
) -> Policy:
    """Cancel cover that was given and has not begun, and send back what its member added.

    All of it, whatever the plan's rule: they did not ask for the end. What the giver owes
    without an order is the giver's to settle. Raises PolicyNotFound (404), PolicyHasStarted
    (409), InvalidTransition (409).
    """
    policy = await locked_policy(session, policy_id)
    ended = await cancel_before_start(
        session, policy_id, reason_code=reason_code, actor=actor, now=now
    )
    await close_open_orders(session, policy_id, actor=actor, now=now)
    backs = [
        Back(source, source.contribution_fen, source.deposit_fen, method_of(source.attempt, now))
        for source in await payments_of(session, policy_id, lock=True)
    ]
    await send_back(session, backs, ended, reason_code, actor, now)
    return policy
