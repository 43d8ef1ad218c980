"""A batch's row follows its payout: whoever settles or releases the one ends the other."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import system_now
from app.payouts import batch_queries
from app.payouts.models import Payout


async def follow(session: AsyncSession, payout: Payout) -> None:
    """Bring the live row of a locked payout to where the payout stands, if it has one."""
    if payout.lane != "batch":
        return
    row = await batch_queries.live_row(session, payout.id)
    if row is None:
        return
    if payout.status in ("paid", "failed"):
        row.outcome, row.code = payout.status, payout.failure_code
        row.bank_reference = payout.outside_reference
    elif payout.status == "requested":
        row.outcome = "released"
    elif payout.status == "unknown":
        row.outcome = "unknown"
    row.told_at = system_now()
    await session.flush()
