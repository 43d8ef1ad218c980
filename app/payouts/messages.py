"""What payees are told about money on its way."""

from collections.abc import Mapping
from typing import Any

from app.kernel.event_log import heard
from app.kernel.jobs import JobContext
from app.notifications.service import notify
from app.payouts.models import Payout, PayoutAccount
from app.payouts.stopping import STOPPED


async def tell_waiting(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear `payout.waiting_confirm`: the payee has a day to take the money."""
    async with context.transaction() as session:
        event = await heard(session, payload)
        payout = await session.get_one(Payout, event.subject_id)
        if payout.status != "waiting_confirm" or payout.confirm_before is None:
            return
        until = payout.confirm_before.isoformat(timespec="minutes")
        await notify(
            session,
            context.vault,
            person_id=payout.payee_person_id,
            template="payout_waiting",
            subject="payout",
            subject_id=payout.id,
            parameters={"amount": payout.amount_fen, "until": until},
            once_key=f"payout_waiting:{payout.id}",
            now=await context.business_now(session),
        )


async def tell_failed(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear `payout.failed`: the payee may let it be sent again, or to a bank."""
    async with context.transaction() as session:
        event = await heard(session, payload)
        payout = await session.get_one(Payout, event.subject_id)
        if payout.stop_requested_at is not None or payout.failure_code == STOPPED:
            # Who stopped it has spoken with them.
            return
        await notify(
            session,
            context.vault,
            person_id=payout.payee_person_id,
            template="payout_failed",
            subject="payout",
            subject_id=payout.id,
            parameters={"amount": payout.amount_fen},
            once_key=f"payout_failed:{payout.id}",
            now=await context.business_now(session),
        )


async def tell_account(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear `payout.account_changed`: who had the phone before can still stop it for a day."""
    async with context.transaction() as session:
        event = await heard(session, payload)
        account = await session.get_one(PayoutAccount, event.subject_id)
        await notify(
            session,
            context.vault,
            person_id=account.person_id,
            template="account_changed",
            subject="payout_account",
            subject_id=account.id,
            parameters={"usable_from": account.usable_from.isoformat(timespec="minutes")},
            once_key=f"account_changed:{account.id}",
            now=await context.business_now(session),
        )
