"""Refunds that the gateway no longer pays back: they go to an account of the member."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing import queries
from app.billing.events import PAY_BACK, REFUND_WAITING
from app.billing.models import REFUND, ContributionOrder, Refund
from app.billing.refunds import finish_refund, reject_refund
from app.claims.models import Claim
from app.claims.strangers import in_doubt
from app.kernel.clock import system_now
from app.kernel.event_log import LoggedEvent, heard
from app.kernel.facts import Fact, state
from app.kernel.jobs import JobContext, enqueue, schedule
from app.kernel.principal import SYSTEM
from app.kernel.transitions import move
from app.payouts.errors import AccountCoolingOff, NoDestination
from app.payouts.events import ACCOUNT_RECORDED
from app.payouts.models import Payout, PayoutAccount
from app.payouts.queries import accounts_of
from app.payouts.service import Destination, choose_destination, request_refund_payout


async def pay_back(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Send a refund to the member's wallet or bank account, once there is one.

    Without any that is the member's alone the debt stays on the books, and `refund.waiting`
    says so.
    """
    async with context.transaction() as session:
        order, refund = await _locked(session, UUID(payload["subject_id"]))
        if refund.status != "requested" or refund.sent_at is not None:
            return
        await _send(session, order, refund, await context.business_now(session))


async def _send(
    session: AsyncSession, order: ContributionOrder, refund: Refund, now: datetime
) -> None:
    try:
        destination = await _destination(session, order, refund.amount_fen, now)
    except AccountCoolingOff as cooling:
        await schedule(session, PAY_BACK, refund.id, cooling.usable_from)
        return
    except NoDestination:
        content = {"order_id": str(order.id), "amount_fen": refund.amount_fen}
        waiting = Fact("refund", refund.id, "refund.wait", REFUND_WAITING, content)
        await state(session, [waiting], actor=SYSTEM, at=now, on_behalf_of=order.person_id)
        return
    refund.sent_at = system_now()
    await request_refund_payout(
        session,
        refund_id=refund.id,
        plan_code=order.plan_code,
        person_id=order.person_id,
        amount_fen=refund.amount_fen,
        destination=destination,
        actor=SYSTEM,
        now=now,
    )


async def _destination(
    session: AsyncSession, order: ContributionOrder, amount_fen: int, now: datetime
) -> Destination:
    """The usual way, or another account where that one is a stranger's as well.

    Nobody reviews a refund: without another account it waits for one, or for a word on this
    one with a claim. Raises as `choose_destination`.
    """

    async def choose(preferred: UUID | None) -> Destination:
        return await choose_destination(
            session,
            person_id=order.person_id,
            account_id=order.account_id,
            preferred=preferred,
            amount_fen=amount_fen,
            now=now,
        )

    usual = await choose(None)
    if usual.payout_account_id is None or not await in_doubt(session, usual.payout_account_id):
        return usual
    others = sorted(
        await accounts_of(session, order.person_id), key=lambda account: account.usable_from
    )
    for account in others:
        if not await in_doubt(session, account.id):
            return await choose(account.id)
    raise NoDestination


async def pay_back_waiting(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear `payout.account_recorded`, or of a word that an account is the member's after all:
    send what waited for an account, or came back."""
    async with context.transaction() as session:
        person_id = await _whose(session, await heard(session, payload))
        if person_id is None:
            return
        now = await context.business_now(session)
        for refund_id in await _waiting_of(session, person_id):
            _, refund = await _locked(session, refund_id)
            if refund.status == "rejected":
                refund.sent_at = None
                await move(session, REFUND, refund, "requested", actor=SYSTEM, at=now)
            await enqueue(session, PAY_BACK, {"subject_id": str(refund.id)})


async def _whose(session: AsyncSession, event: LoggedEvent) -> UUID | None:
    """Whose refunds may go on by what happened; None where nothing changes for them."""
    if event.name == ACCOUNT_RECORDED:
        return (await session.get_one(PayoutAccount, event.subject_id)).person_id
    word = event.content["kind"], event.content["verdict"]
    if word != ("shared-account", "harmless"):
        return None
    return (await session.get_one(Claim, event.subject_id)).person_id


async def _waiting_of(session: AsyncSession, person_id: UUID) -> Sequence[UUID]:
    statement = (
        select(Refund.id)
        .join(ContributionOrder, ContributionOrder.id == Refund.order_id)
        .where(
            ContributionOrder.person_id == person_id,
            Refund.method == "payout",
            Refund.status.in_(("requested", "rejected")),
        )
        .order_by(Refund.id)
    )
    return (await session.scalars(statement)).all()


async def payout_settled(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear `payout.paid` and `payout.failed` of refunds; of claims it is no business of ours."""
    async with context.transaction() as session:
        payout = await session.get_one(Payout, UUID(payload["subject_id"]))
        if payout.refund_id is None:
            return
        now = await context.business_now(session)
        _, refund = await _locked(session, payout.refund_id)
        if refund.status != "requested":
            return
        if payout.status == "paid":
            await finish_refund(session, refund, now)
        elif payout.status == "failed" and await _newest(session, refund.id) == payout.id:
            await reject_refund(session, refund, "payout_failed", now)


async def _newest(session: AsyncSession, refund_id: UUID) -> UUID | None:
    return await session.scalar(
        select(Payout.id).where(Payout.refund_id == refund_id).order_by(Payout.id.desc()).limit(1)
    )


async def _locked(session: AsyncSession, refund_id: UUID) -> tuple[ContributionOrder, Refund]:
    """The order before its refund, as every other path locks them."""
    order_id = await session.scalar(select(Refund.order_id).where(Refund.id == refund_id))
    if order_id is None:
        raise LookupError("no such refund")
    order = await queries.order(session, order_id, lock=True)
    return order, await queries.refund(session, refund_id, lock=True)
