"""What relief does about decided claims, receipts, ended payouts, and reviews that fall due."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.claims.models import Claim, Incident
from app.kernel.jobs import Handler, JobContext
from app.kernel.principal import SYSTEM
from app.ledger.models import LedgerReceipt
from app.payouts.models import Payout, PayoutAccount
from app.relief import queries
from app.relief.events import (
    KEEP_DOCUMENTS,
    PAY,
    PAY_WAITING,
    PAYOUT_HAS_FAILED,
    PAYOUT_WAS_PAID,
    PROPOSE,
    RECEIPT_CAME,
    REVIEW_DUE,
    TELL,
)
from app.relief.funds import take_receipt
from app.relief.households import review_due
from app.relief.keeping import keep_documents
from app.relief.messages import tell
from app.relief.paying import fall_back, latest_payout, pay, settle
from app.relief.proposing import propose_after


async def propose(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear `claim.approved` and `claim.denied`: run what the year left through the funds."""
    async with context.transaction() as session:
        claim = await session.get_one(Claim, UUID(payload["subject_id"]))
        if claim.for_survivors:
            return
        incident = await session.get_one(Incident, claim.incident_id)
        await propose_after(
            session,
            context.vault,
            claim,
            incident.occurred_at,
            incident.cause,
            await context.business_now(session),
        )


async def pay_granted(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Try again to pay a granted case, because its account may be used now."""
    async with context.transaction() as session:
        case = await queries.locked_case(session, UUID(payload["subject_id"]))
        await pay(session, SYSTEM, case, await context.business_now(session))


async def pay_waiting(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear `payout.account_recorded`: pay what waited for an account."""
    async with context.transaction() as session:
        account = await session.get_one(PayoutAccount, UUID(payload["subject_id"]))
        now = await context.business_now(session)
        for case_id in await queries.waiting_for_account(session, account.person_id):
            case = await queries.locked_case(session, case_id)
            # A payout that failed is sent again by a person who has looked at the reason.
            if await latest_payout(session, case_id) is None:
                await pay(session, SYSTEM, case, now)


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


async def receipt_came(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear `ledger.receipt_recorded`: money booked for a fund's account is the fund's."""
    async with context.transaction() as session:
        receipt = await session.get_one(LedgerReceipt, UUID(payload["subject_id"]))
        fund = await queries.fund_by_account(session, receipt.account_code)
        if fund is not None:
            await take_receipt(session, fund, receipt, await context.business_now(session))


async def fall_due(context: JobContext, payload: Mapping[str, Any]) -> None:
    """A household's yearly review has come due."""
    async with context.transaction() as session:
        now = await context.business_now(session)
        await review_due(session, UUID(payload["subject_id"]), now)


JOBS: Mapping[str, Handler] = {
    PROPOSE: propose,
    PAY: pay_granted,
    PAY_WAITING: pay_waiting,
    PAYOUT_WAS_PAID: payout_paid,
    PAYOUT_HAS_FAILED: payout_failed,
    RECEIPT_CAME: receipt_came,
    REVIEW_DUE: fall_due,
    TELL: tell,
    KEEP_DOCUMENTS: keep_documents,
}
TIMERS: Mapping[str, timedelta] = {KEEP_DOCUMENTS: timedelta(hours=1)}
