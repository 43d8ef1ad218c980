"""The chart of accounts: fixed codes, and those that every plan has of its own."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

BANK = "bank"
GATEWAY_CLEARING = "gateway-clearing"
SPONSOR_RECEIVABLES = "sponsor-receivables"
SUSPENSE = "suspense"
REFUNDS_PAYABLE = "refunds-payable"
BENEFITS_PAYABLE = "benefits-payable"
RELIEF_PAYABLE = "relief-payable"
RELIEF = "relief"
DEPOSITS_HELD = "deposits-held"
FEES = "fees"
WRITE_OFFS = "write-offs"
# What others than the member owe of a contribution, by who they are.
RECEIVABLE_FROM = {
    "unit": "unit-receivables",
    "union": "union-receivables",
    "platform": "platform-receivables",
}


def contributions_of(plan_code: str) -> str:
    """Income of a plan's pool: what was paid in for it."""
    return f"contributions:{plan_code}"


def benefits_of(plan_code: str) -> str:
    """Expense of a plan's pool: what it pays out."""
    return f"benefits:{plan_code}"


def fund_of(organisation_id: UUID) -> str:
    """What an organisation has of its own: what it was given, less what it granted."""
    return f"fund:{organisation_id}"


_OPEN = text(
    "insert into ledger_account (code, kind, name_zh, name_en, plan_code) values"
    " (:contributions, 'income', '互助费收入·' || :name_zh, 'Contributions, ' || :name_en, :plan),"
    " (:benefits, 'expense', '互助金支出·' || :name_zh, 'Benefits, ' || :name_en, :plan)"
    " on conflict (code) do nothing"
)


async def open_plan_accounts(
    session: AsyncSession, plan_code: str, name_zh: str, name_en: str
) -> None:
    """Make the accounts of a plan's pool where they are missing."""
    await session.execute(
        _OPEN,
        {
            "contributions": contributions_of(plan_code),
            "benefits": benefits_of(plan_code),
            "plan": plan_code,
            "name_zh": name_zh,
            "name_en": name_en,
        },
    )


_OPEN_FUND = text(
    "insert into ledger_account (code, kind, name_zh, name_en, organisation_id) values"
    " (:code, 'liability', :name_zh, :name_en, :organisation_id)"
    " on conflict (code) do nothing"
)


async def open_fund_account(
    session: AsyncSession, organisation_id: UUID, name_zh: str, name_en: str
) -> str:
    """Make an organisation's fund account where it is missing; its code."""
    code = fund_of(organisation_id)
    await session.execute(
        _OPEN_FUND,
        {
            "code": code,
            "name_zh": name_zh,
            "name_en": name_en,
            "organisation_id": organisation_id,
        },
    )
    return code
