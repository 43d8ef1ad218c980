"""Reinstating cover with its money: refunds that nobody has sent yet are taken back."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing import queries
from app.billing.errors import RefundUnderWay
from app.billing.events import REFUND_WITHDRAWN
from app.billing.giving_back import orders_of
from app.billing.models import ORDER, REFUND, ContributionOrder, Refund
from app.kernel.clock import business_day
from app.kernel.facts import Fact, state
from app.kernel.principal import Principal
from app.kernel.transitions import move
from app.ledger import service as ledger
from app.ledger.models import LedgerEntry, LedgerTransaction
from app.policies.models import Policy, PolicyTransaction
from app.policies.reinstating import judge_reinstatement, resume_cover

# Money that goes back for other reasons was never the cancelled cover's.
OTHER_REASONS = ("paid_twice", "paid_after_close", "shares_taken")


async def reinstate(
    session: AsyncSession, policy: Policy, *, reason_code: str, actor: Principal, now: datetime
) -> PolicyTransaction:
    """Put a cancelled, locked policy in force again.

    Raises PolicyNotCancelled, CoverHasEnded, RefundUnderWay, SharesOverLimit (409).
    """
    resumption = await judge_reinstatement(session, policy, now)
    for order in await orders_of(session, policy.id, lock=True):
        for refund in await _refunds(session, order.id):
            if refund.status != "requested" or refund.sent_at is not None:
                raise RefundUnderWay
            await _withdraw(session, order, refund, actor, now)
    await _reverse(
        session,
        "contribution.credited",
        resumption.cancelled_by.id,
        "contribution.recharged",
        actor,
        now,
    )
    return await resume_cover(
        session, policy, resumption, reason_code=reason_code, actor=actor, now=now
    )


async def _refunds(session: AsyncSession, order_id: UUID) -> Sequence[Refund]:
    statement = (
        select(Refund)
        .where(
            Refund.order_id == order_id,
            Refund.status != "withdrawn",
            Refund.reason_code.not_in(OTHER_REASONS),
        )
        .order_by(Refund.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).all()


async def _withdraw(
    session: AsyncSession,
    order: ContributionOrder,
    refund: Refund,
    actor: Principal,
    now: datetime,
) -> None:
    """Owe it no more: nobody was asked to pay it, and from here on nobody will be."""
    await move(session, REFUND, refund, "withdrawn", actor=actor, at=now)
    await _reverse(session, "refund.requested", refund.id, "refund.withdrawn", actor, now)
    content = {"order_id": str(order.id), "amount_fen": refund.amount_fen}
    fact = Fact("refund", refund.id, "refund.withdraw", REFUND_WITHDRAWN, content)
    await state(session, [fact], actor=actor, at=now, on_behalf_of=order.person_id)
    if order.status == "refunding" and not await queries.has_unsettled_refund(session, order.id):
        await move(session, ORDER, order, "paid", actor=actor, at=now, reason_code="reinstated")


async def _reverse(
    session: AsyncSession,
    kind: str,
    reference_id: UUID,
    reversal: str,
    actor: Principal,
    now: datetime,
) -> None:
    """Post the opposite of a posting, if there was one."""
    rows = (
        await session.execute(
            select(LedgerEntry.account_code, LedgerEntry.amount_fen)
            .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
            .where(LedgerTransaction.kind == kind, LedgerTransaction.reference_id == reference_id)
            .order_by(LedgerEntry.id)
        )
    ).all()
    if rows:
        await ledger.post(
            session,
            reversal,
            [(row.account_code, -row.amount_fen) for row in rows],
            event_on=business_day(now),
            reference_id=reference_id,
            actor=actor,
        )
