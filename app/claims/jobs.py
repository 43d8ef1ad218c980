"""What claims do about payouts that ended, accounts that appeared, and dates that passed."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import promises, queries
from app.claims.death_queries import approved_with_claimant
from app.claims.events import (
    DECIDE_BY_RULE,
    HEALTH_WITHDRAWN,
    INDEX_NUMBERS,
    KEEP_DOCUMENTS,
    NOTICE,
    NOTICE_ACCOUNT,
    PAY,
    PAY_WAITING,
    PAYOUT_HAS_FAILED,
    PAYOUT_WAS_PAID,
    PROMISE_DUE,
    PROMISE_NUDGE,
    SIMULATE,
    TELL,
    TELL_DEATH_WITHDRAWN,
)
from app.claims.invoice_numbers import index_numbers
from app.claims.keeping import health_withdrawn, keep_documents
from app.claims.life_models import ClaimPromise
from app.claims.messages import tell, tell_death_withdrawn
from app.claims.models import Claim
from app.claims.noticing import notice, others_named
from app.claims.noticing_accounts import unpaid_with_account
from app.claims.paying import fall_back, pay, settle
from app.claims.paying_shares import pay_shares
from app.claims.simulation_run import simulate
from app.claims.straight_through import decide_by_rule
from app.kernel.jobs import Handler, JobContext
from app.kernel.principal import SYSTEM
from app.payouts.models import Payout, PayoutAccount
from app.payouts.queries import count_of_claim

log = structlog.get_logger("claims")


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
        for claim_id in await approved_with_claimant(session, account.person_id):
            claim = await queries.locked(session, claim_id)
            await pay_shares(session, SYSTEM, claim, now, only=account.person_id)
        for claim_id in await queries.approved_of_person(session, account.person_id):
            claim = await queries.locked(session, claim_id)
            # A payout that failed is sent again by a person who has looked at the reason.
            if not await _had_payout(session, claim):
                await pay(session, SYSTEM, claim, now)


async def _had_payout(session: AsyncSession, claim: Claim) -> bool:
    return bool(await count_of_claim(session, claim.id, claim.round))


async def promise_nudge(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Most of a promise's time is over."""
    await _about_promise(context, payload, promises.nudge)


async def promise_due(context: JobContext, payload: Mapping[str, Any]) -> None:
    """A promised day has passed without what was promised."""
    await _about_promise(context, payload, promises.miss)


async def _about_promise(
    context: JobContext,
    payload: Mapping[str, Any],
    act: Callable[[AsyncSession, Claim, ClaimPromise, datetime], Awaitable[None]],
) -> None:
    async with context.transaction() as session:
        made = await session.get_one(ClaimPromise, UUID(payload["subject_id"]))
        # The claim's row first, as everywhere; the promise as it stands under that lock.
        claim = await queries.locked(session, made.claim_id)
        await session.refresh(made, with_for_update=True)
        await act(session, claim, made, await context.business_now(session))


async def notice_both(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear `claim.submitted`: two that came at once see each other now, and what the claim
    shares with others is raised of those as well."""
    async with context.transaction() as session:
        claim = await queries.locked(session, UUID(payload["subject_id"]))
        await notice(session, context.vault, claim, await context.business_now(session))
        others = await others_named(session, context.vault, claim)
    await _notice_each(context, others)


async def notice_account(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear `payout.account_recorded`: the unpaid claims of its people."""
    async with context.transaction() as session:
        unpaid = await unpaid_with_account(session, UUID(payload["subject_id"]))
    await _notice_each(context, unpaid)


async def _notice_each(context: JobContext, claim_ids: Sequence[UUID]) -> None:
    for claim_id in claim_ids:
        async with context.transaction() as session:
            claim = await queries.locked(session, claim_id)
            await notice(session, context.vault, claim, await context.business_now(session))


async def decide_fresh(context: JobContext, payload: Mapping[str, Any]) -> None:
    """A claim was handed in under a plan that decides small ones by rule."""
    async with context.transaction() as session:
        now = await context.business_now(session)
        one_in = context.settings.straight_through_check_one_in
        odd = await decide_by_rule(session, context.vault, UUID(payload["claim_id"]), now, one_in)
    if odd:
        log.info("left to a person", claim_id=payload["claim_id"], checks=odd)


JOBS: Mapping[str, Handler] = {
    PAYOUT_WAS_PAID: payout_paid,
    PAYOUT_HAS_FAILED: payout_failed,
    PAY: pay_approved,
    PAY_WAITING: pay_waiting,
    PROMISE_NUDGE: promise_nudge,
    PROMISE_DUE: promise_due,
    NOTICE: notice_both,
    NOTICE_ACCOUNT: notice_account,
    DECIDE_BY_RULE: decide_fresh,
    SIMULATE: simulate,
    TELL: tell,
    KEEP_DOCUMENTS: keep_documents,
    INDEX_NUMBERS: index_numbers,
    HEALTH_WITHDRAWN: health_withdrawn,
    TELL_DEATH_WITHDRAWN: tell_death_withdrawn,
}
TIMERS: Mapping[str, timedelta] = {
    KEEP_DOCUMENTS: timedelta(hours=1),
    INDEX_NUMBERS: timedelta(hours=1),
}
