"""What a partner owes for the cover it gives; gifted plans cost nothing."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.principal import Principal
from app.ledger.accounts import SPONSOR_RECEIVABLES, contributions_of
from app.ledger.bulk import post_each
from app.ledger.models import LedgerEntry, LedgerTransaction
from app.plans.models import PlanVersion
from app.plans.pricing import price_fen
from app.policies.models import Policy

SPONSORED = "contribution.sponsored"
TAKEN_BACK = "contribution.sponsorship_taken_back"


async def bill(
    session: AsyncSession,
    version: PlanVersion,
    shares: int,
    policy_ids: Sequence[UUID],
    *,
    event_on: date,
    actor: Principal,
) -> None:
    """Post a receivable for each policy that came in force; twice is once."""
    price = price_fen(version.terms, shares)
    if price and policy_ids:
        income = contributions_of(version.plan_code)
        entries = [(SPONSOR_RECEIVABLES, price), (income, -price)]
        await post_each(session, SPONSORED, policy_ids, entries, event_on=event_on, actor=actor)


async def take_back(
    session: AsyncSession, policy: Policy, *, event_on: date, actor: Principal
) -> None:
    """Undo the receivable of a policy that was cancelled before it began, if there is one.

    As it was posted: what its member added since is none of the sponsor's.
    """
    owed = await session.scalar(
        select(LedgerEntry.amount_fen)
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        .where(
            LedgerTransaction.kind == SPONSORED,
            LedgerTransaction.reference_id == policy.id,
            LedgerEntry.account_code == SPONSOR_RECEIVABLES,
        )
    )
    if not owed:
        return
    entries = [(contributions_of(policy.plan_code), owed), (SPONSOR_RECEIVABLES, -owed)]
    await post_each(session, TAKEN_BACK, [policy.id], entries, event_on=event_on, actor=actor)
