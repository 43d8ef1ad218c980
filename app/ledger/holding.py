"""What an organisation's fund account holds, and that it never falls below nothing."""

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger.errors import FundShort
from app.ledger.models import LedgerEntry

# How the codes of organisations' own accounts begin (`accounts.fund_of`).
FUNDS = "fund:"


async def require_left(session: AsyncSession, account_code: str, fen: int) -> None:
    """Whether a fund can give this much, until the end of the transaction; FundShort (409).

    Whoever takes from a fund waits here for whoever came before, and then sees what is left:
    a sum cannot be held by a constraint, and the application's role may not lock the
    account's row, which nobody changes.
    """
    await session.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"),
        {"key": f"ledger-fund:{account_code}"},
    )
    left = await balance_of(session, account_code)
    if fen > left:
        raise FundShort(left)


async def balance_of(session: AsyncSession, account_code: str) -> int:
    """Fen that an account of this kind holds: what was credited less what was debited."""
    entries = select(func.coalesce(-func.sum(LedgerEntry.amount_fen), 0)).where(
        LedgerEntry.account_code == account_code
    )
    return int(await session.scalar(entries) or 0)
