"""What claims do about payouts that ended, accounts that appeared, and dates that passed."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import queries
from app.claims.events import (
    PAY,
    PAY_WAITING,
    PAYOUT_HAS_FAILED,
    PAYOUT_WAS_PAID,
    REVIEW_DUE,
    REVIEW_OVERDUE,
    SIMULATE,
    TELL,
)
from app.claims.messages import tell
from app.claims.paying import fall_back, pay, settle
from app.claims.simulation_run import simulate
from app.kernel.facts import Fact, state
from app.kernel.jobs import Handler, JobContext
from app.kernel.principal import SYSTEM
from app.organisations.models import Organisation
from app.payouts.models import Payout, PayoutAccount


async def payout_paid(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear `payout.paid`."""
    async with context.transaction() as session:
        payout = await session.get_one(Payout, UUID(payload["subject_id"]))
        await settle(session, payout, await context.business_now(session))


async def payout_failed(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear `payout.failed`."""
    async with context.transaction() as session:
        payout = await session.get_one(Payout, UUID(payload["subject_id"]))
        await fall_back(session, payout, await context.business_now(session))


async def pay_approved(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Try again to pay an approved claim, because its account may be used now."""
    async with context.transaction() as session:
        claim = await queries.locked(session, UUID(payload["subject_id"]))
        await pay(session, SYSTEM, claim, await context.business_now(session))


async def pay_waiting(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear `payout.account_recorded`: pay what waited for an account."""
    async with context.transaction() as session:
        account = await session.get_one(PayoutAccount, UUID(payload["subject_id"]))
        now = await context.business_now(session)
        for claim_id in await queries.approved_of_person(session, account.person_id):
            claim = await queries.locked(session, claim_id)
            # A payout that failed is sent again by a person who has looked at the reason.
            if not await _had_payout(session, claim_id):
                await pay(session, SYSTEM, claim, now)


async def _had_payout(session: AsyncSession, claim_id: UUID) -> bool:
    found = await session.scalar(select(Payout.id).where(Payout.claim_id == claim_id).limit(1))
    return found is not None


async def review_due(context: JobContext, payload: Mapping[str, Any]) -> None:
    """The promised day has passed without a decision: say so, naming the parent organisation."""
    async with context.transaction() as session:
        claim = await queries.locked(session, UUID(payload["subject_id"]))
        now = await context.business_now(session)
        late = claim.review_due_at is not None and claim.review_due_at <= now
        if claim.status not in ("submitted", "under_review", "awaiting_second_approval"):
            return
        if not late:
            return
        parent_id = await session.scalar(
            select(Organisation.parent_id).where(Organisation.id == claim.managing_organisation_id)
        )
        content = {"parent_organisation_id": None if parent_id is None else str(parent_id)}
        overdue = Fact("claim", claim.id, "claim.miss_promise", REVIEW_OVERDUE, content)
        await state(session, [overdue], actor=SYSTEM, at=now)


JOBS: Mapping[str, Handler] = {
    PAYOUT_WAS_PAID: payout_paid,
    PAYOUT_HAS_FAILED: payout_failed,
    PAY: pay_approved,
    PAY_WAITING: pay_waiting,
    REVIEW_DUE: review_due,
    SIMULATE: simulate,
    TELL: tell,
}
