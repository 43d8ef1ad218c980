"""Taking a booking back, and whatever says the same: a receipt, a transfer, a gift to a fund."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.principal import Principal
from app.ledger import reversals
from app.ledger.models import LedgerReceipt, LedgerTransaction
from app.ledger.schemas import ReversalView
from app.relief.funds import lose_receipt
from app.treasury.transferring import follow_reversal


async def reverse(
    session: AsyncSession, supervisor: Principal, transaction_id: UUID, reason: str, now: datetime
) -> ReversalView:
    """As `reversals.reverse`; raises FundExhausted (409) for what a fund has granted already."""
    view = await reversals.reverse(session, supervisor, transaction_id, reason, now)
    await _follow(session, view, now)
    return view


async def decide(
    session: AsyncSession,
    supervisor: Principal,
    transaction_id: UUID,
    verdict: Literal["approve", "decline"],
    now: datetime,
) -> ReversalView:
    """As `reversals.decide`; raises FundExhausted (409) for what a fund has granted already."""
    view = await reversals.decide(session, supervisor, transaction_id, verdict, now)
    await _follow(session, view, now)
    return view


async def _follow(session: AsyncSession, view: ReversalView, now: datetime) -> None:
    if view.status != "posted":
        return
    receipt = await session.scalar(
        select(LedgerReceipt)
        .join(LedgerTransaction, LedgerTransaction.reference_id == LedgerReceipt.id)
        .where(LedgerTransaction.id == view.transaction_id)
    )
    if receipt is not None:
        await lose_receipt(session, receipt)
    await follow_reversal(session, view.transaction_id, now)
