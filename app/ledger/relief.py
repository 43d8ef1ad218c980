"""The account of a relief fund: what was given to it and not granted yet."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger.models import LedgerAccount

# How the codes of these accounts begin; a fund's own row says the same as they do.
RELIEF_FUNDS = "relief-fund:"


def relief_fund_of(fund_code: str) -> str:
    """Liability: money that a fund holds for relief."""
    return f"{RELIEF_FUNDS}{fund_code}"


async def open_relief_account(
    session: AsyncSession, fund_code: str, name_zh: str, name_en: str, organisation_id: UUID
) -> str:
    """Make the account of a new fund; its code."""
    account = LedgerAccount(
        code=relief_fund_of(fund_code),
        kind="liability",
        name_zh=f"救助基金·{name_zh}",
        name_en=f"Relief fund, {name_en}",
        organisation_id=organisation_id,
    )
    session.add(account)
    await session.flush()
    return account.code
