"""Stopping a payout, and sending one alone that waits for a batch."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.integrations.errors import OutcomeUnknown, Refused, Unreachable
from app.integrations.outside import Outside
from app.kernel.clock import system_now
from app.kernel.facts import Fact, state
from app.kernel.jobs import JobContext, RetryLater, enqueue
from app.kernel.principal import Principal
from app.kernel.vault import Vault
from app.payouts import queries
from app.payouts.batch_errors import PayoutNotStoppable, PayoutNotWaiting
from app.payouts.errors import PayoutNotFound
from app.payouts.events import ASK, SEND, STOP
from app.payouts.models import Payout
from app.payouts.settlement import SETTLED, Outcome, apply, of_transfer

STOPPED = "stopped"
AGAIN = timedelta(seconds=5)


async def request_stop(
    session: AsyncSession,
    vault: Vault,
    supervisor: Principal,
    payout_id: UUID,
    reason: str,
    now: datetime,
) -> Payout:
    """Fail what was never sent; have the gateway take back what nobody has confirmed.

    Asking again is answered alike and leaves no second trace: the first reason stays. What a
    bank holds cannot be stopped. Raises PayoutNotFound (404), PayoutNotStoppable (409).
    """
    payout = await _locked(session, payout_id)
    on_its_way = payout.method == "wechat" or payout.status == "requested"
    if payout.status in SETTLED or not on_its_way:
        raise PayoutNotStoppable
    first = payout.stop_requested_at is None
    if first:
        asked = Fact("payout", payout.id, "payout.stop", None, {"reason": reason})
        await state(session, [asked], actor=supervisor, at=now)
    if payout.status == "requested":
        await apply(session, vault, payout, Outcome("failed", code=STOPPED), now)
    elif first:
        payout.stop_requested_at = now
        await enqueue(session, STOP, {"payout_id": str(payout.id)})
    await session.flush()
    return payout


async def stop_for_death(
    session: AsyncSession, vault: Vault, person_id: UUID, actor: Principal, now: datetime
) -> None:
    """Stop what goes to somebody who has died and can still be stopped: `request_stop`.

    What a bank holds arrives in an account that is part of the estate.
    """
    for payout in await queries.unsettled_to(session, person_id):
        if payout.method == "wechat" or payout.status == "requested":
            await request_stop(session, vault, actor, payout.id, "payee-died", now)


async def dispatch(
    session: AsyncSession, supervisor: Principal, payout_id: UUID, now: datetime
) -> Payout:
    """Send a payout that waits for a batch by a call of its own, because it is urgent.

    Raises PayoutNotFound (404), PayoutNotWaiting (409).
    """
    payout = await _locked(session, payout_id)
    if payout.status != "requested" or payout.lane != "batch":
        raise PayoutNotWaiting
    payout.lane = "direct"
    payout.next_poll_at = system_now()
    await session.flush()
    sent = Fact("payout", payout.id, "payout.dispatch")
    await state(session, [sent], actor=supervisor, at=now)
    await enqueue(session, SEND, {"payout_id": str(payout.id)})
    return payout


async def _locked(session: AsyncSession, payout_id: UUID) -> Payout:
    payout = await queries.find_locked(session, payout_id)
    if payout is None:
        raise PayoutNotFound
    return payout


async def stop(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Ask the gateway to take a transfer back; what it answers then is asked about as always."""
    payout_id = UUID(payload["payout_id"])
    async with context.transaction() as session:
        payout = await queries.locked(session, payout_id)
        if payout.status in SETTLED or payout.status == "requested":
            # What is requested again meets the wish to stop before it is sent.
            return
        number = payout.out_bill_no
    outside: Outside = context.outside
    try:
        outcome = of_transfer(await outside.wechat_pay.cancel_transfer(number))
    except (Unreachable, OutcomeUnknown):
        raise RetryLater(AGAIN) from None
    except Refused:
        # Confirmed meanwhile, or never arrived: the answer to a question says which.
        async with context.transaction() as session:
            await enqueue(session, ASK, {"payout_id": str(payout_id)})
        return
    async with context.transaction() as session:
        payout = await queries.locked(session, payout_id)
        payout.next_poll_at = system_now()
        await apply(session, context.vault, payout, outcome, await context.business_now(session))


async def stopped_before_sending(
    context: JobContext, session: AsyncSession, payout: Payout
) -> None:
    """End a payout that staff stopped and the outside system never had."""
    now = await context.business_now(session)
    await apply(session, context.vault, payout, Outcome("failed", code=STOPPED), now)
