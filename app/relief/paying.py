"""From a grant to its payout, and back when that fails."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.strangers import found_a_strangers
from app.kernel.facts import Fact, state
from app.kernel.jobs import schedule
from app.kernel.principal import SYSTEM, Principal
from app.kernel.problems import InvalidTransition
from app.kernel.transitions import move
from app.payouts.errors import AccountCoolingOff, AccountNotFound, NoDestination, PayoutNotFound
from app.payouts.models import Payout
from app.payouts.service import choose_destination, request_relief_payout
from app.relief import queries
from app.relief.case_models import RELIEF_CASE, ReliefCase, ReliefDecision, ReliefVote
from app.relief.events import CASE_AWAITS_ACCOUNT, CASE_PAID, PAY
from app.relief.models import ReliefFund


async def pay(session: AsyncSession, actor: Principal, case: ReliefCase, now: datetime) -> bool:
    """Request the payout of a granted case; False while there is nowhere to pay to.

    An account that is cooling off is tried again when it may be used; without any, or with
    one that a claim's reviewer found to be a stranger's, the case waits until the member
    records another, and is told so.
    """
    if case.status != "granted" or case.amount_fen is None:
        return False
    try:
        destination = await choose_destination(
            session,
            person_id=case.person_id,
            account_id=case.account_id,
            preferred=case.payout_account_id,
            amount_fen=case.amount_fen,
            now=now,
        )
        account_id = destination.payout_account_id
        if account_id is not None and await found_a_strangers(session, account_id):
            raise NoDestination
    except AccountCoolingOff as cooling:
        await schedule(session, PAY, case.id, cooling.usable_from)
        return False
    except (NoDestination, AccountNotFound):
        awaits = Fact("relief_case", case.id, "relief_case.await_account", CASE_AWAITS_ACCOUNT)
        await state(session, [awaits], actor=actor, at=now, on_behalf_of=case.person_id)
        return False
    fund = await session.get_one(ReliefFund, case.fund_id)
    await request_relief_payout(
        session,
        relief_case_id=case.id,
        fund_code=fund.code,
        person_id=case.person_id,
        amount_fen=case.amount_fen,
        destination=destination,
        approvers=await _approvers(session, case),
        actor=actor,
        now=now,
    )
    await move(session, RELIEF_CASE, case, "paying", actor=actor, at=now)
    return True


async def _approvers(session: AsyncSession, case: ReliefCase) -> list[UUID]:
    """Who voted for it."""
    rows = await session.scalars(
        select(ReliefVote.staff_id)
        .join(ReliefDecision, ReliefDecision.id == ReliefVote.decision_id)
        .where(ReliefDecision.case_id == case.id, ReliefVote.vote == "for")
        .order_by(ReliefVote.staff_id)
    )
    return list(rows.all())


async def pay_again(
    session: AsyncSession, actor: Principal, case: ReliefCase, now: datetime
) -> None:
    """A new payout of a locked case, by hand; raises NoDestination, InvalidTransition (409)."""
    if case.status != "granted":
        raise InvalidTransition(current=case.status, target="paying")
    if not await pay(session, actor, case, now):
        raise NoDestination


async def latest_payout(session: AsyncSession, case_id: UUID) -> Payout | None:
    return await session.scalar(
        select(Payout).where(Payout.relief_case_id == case_id).order_by(Payout.id.desc()).limit(1)
    )


async def payout_of_case(session: AsyncSession, case: ReliefCase) -> Payout:
    """The newest payout of a case that the caller may see; raises PayoutNotFound (404)."""
    payout = await latest_payout(session, case.id)
    if payout is None:
        raise PayoutNotFound
    return payout


async def settle(session: AsyncSession, payout: Payout, now: datetime) -> None:
    """The money has arrived: the case is paid. Again it changes nothing."""
    if payout.relief_case_id is None:
        return
    case = await queries.locked_case(session, payout.relief_case_id)
    if case.status != "paying":
        return
    await move(session, RELIEF_CASE, case, "paid", actor=SYSTEM, at=now)
    case.paid_at = payout.settled_at
    await session.flush()
    paid = Fact(
        "relief_case", case.id, "relief_case.pay", CASE_PAID, {"amount_fen": payout.amount_fen}
    )
    await state(session, [paid], actor=SYSTEM, at=now, on_behalf_of=case.person_id)


async def fall_back(session: AsyncSession, payout: Payout, now: datetime) -> None:
    """The payout failed: the case is granted again and waits for another way."""
    if payout.relief_case_id is None:
        return
    case = await queries.locked_case(session, payout.relief_case_id)
    newest = await latest_payout(session, case.id)
    if case.status != "paying" or newest is None or newest.id != payout.id:
        return
    await move(
        session, RELIEF_CASE, case, "granted", actor=SYSTEM, at=now, reason_code="payout-failed"
    )
    failed = Fact(
        "relief_case",
        case.id,
        "relief_case.payout_failed",
        None,
        {"failure_code": payout.failure_code},
    )
    await state(session, [failed], actor=SYSTEM, at=now, on_behalf_of=case.person_id)
