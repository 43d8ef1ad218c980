"""From an approved claim to its payout, and back when that fails."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import promises, queries
from app.claims.errors import ClaimNotFound
from app.claims.events import CLAIM_PAID, PAY
from app.claims.life_errors import AccountBeingChecked, NothingToCome
from app.claims.models import CLAIM, UNDECIDED, Claim
from app.claims.noticing_accounts import look_at_ways
from app.claims.paying_shares import every_share_arrived, pay_shares
from app.claims.sending import Payee, send, way_to
from app.kernel.facts import Fact, state
from app.kernel.jobs import schedule
from app.kernel.principal import SYSTEM, Principal
from app.kernel.problems import InvalidTransition
from app.kernel.transitions import move
from app.members.service import person_of
from app.payouts.errors import AccountNotFound, NoDestination, PayoutLive
from app.payouts.models import Payout
from app.payouts.queries import account_of
from app.payouts.service import Destination


async def pay(session: AsyncSession, actor: Principal, claim: Claim, now: datetime) -> bool:
    """Request the payout of an approved claim, or the shares of its survivors; False while
    there is nowhere to pay to.

    What earlier rounds paid is left out. An account that is cooling off is tried again when
    it may be used; without any, the claim and the promise wait until the member records one,
    and until a person has judged one that is a stranger's as well.
    """
    if claim.for_survivors:
        return await pay_shares(session, actor, claim, now)
    if claim.status != "approved" or claim.amount_fen is None:
        return False
    amount_fen = claim.amount_fen - claim.paid_before_fen
    payee = Payee(claim.person_id, claim.account_id, claim.payout_account_id)
    way = await way_to(session, claim, payee, amount_fen, now)
    if not isinstance(way, Destination):
        if way != "account-cooling":
            await promises.stop(session, claim, "payout", way, now)
        return False
    await promises.resume(session, claim, "payout", now)
    await send(session, actor, claim, payee, amount_fen, way, now)
    await move(session, CLAIM, claim, "paying", actor=actor, at=now)
    return True


async def pay_again(
    session: AsyncSession, actor: Principal, claim_id: UUID, now: datetime
) -> Claim:
    """A new payout after one that failed, by hand: expired confirmation, corrected account.

    A survivor asks for their own share. Raises ClaimNotFound (404), InvalidTransition,
    NoDestination, AccountBeingChecked, PayoutLive (409).
    """
    claim = await queries.find_locked(session, actor, claim_id)
    if claim is None:
        raise ClaimNotFound
    if claim.status == "paying":
        raise PayoutLive
    if claim.status != "approved":
        raise InvalidTransition(current=claim.status, target="paying")
    if claim.for_survivors:
        own = await person_of(session, actor.id) if actor.kind == "member" else None
        only = own.id if own else None
        done = await pay_shares(session, actor, claim, now, only=only, again=True)
    else:
        done = await pay(session, actor, claim, now)
    if not done:
        waits_for = await promises.waits_for(session, claim.id, "payout")
        raise AccountBeingChecked if waits_for == "account-checked" else NoDestination
    return claim


async def choose_account(
    session: AsyncSession,
    member: Principal,
    claim_id: UUID,
    payout_account_id: UUID | None,
    now: datetime,
) -> Claim:
    """Where the claim's money goes from here on: a bank account, or None for the usual way.

    One that is cooling off takes an approved claim's money by itself when it may. What is odd
    about it is raised at once; after one that was found to be a stranger's it waits for a
    person's word. Raises ClaimNotFound, AccountNotFound (404), PayoutLive (409) while money is
    on its way, NothingToCome (409) where none will be sent as the claim stands.
    """
    claim = await queries.find_locked(session, member, claim_id)
    if claim is None:
        raise ClaimNotFound
    if claim.status == "paying":
        raise PayoutLive
    if claim.status not in ("draft", *UNDECIDED, "approved"):
        raise NothingToCome
    account = None
    if payout_account_id is not None:
        account = await account_of(session, claim.person_id, payout_account_id)
        if account is None or claim.for_survivors:
            raise AccountNotFound
    claim.payout_account_id = payout_account_id
    await session.flush()
    if claim.status != "draft":
        await look_at_ways(session, claim, now)
    chosen = Fact("claim", claim.id, "claim.choose_account")
    await state(session, [chosen], actor=member, at=now)
    if account is not None and account.usable_from > now and claim.status == "approved":
        await schedule(session, PAY, claim.id, account.usable_from)
    return claim


async def settle(session: AsyncSession, payout: Payout, now: datetime) -> None:
    """The money has arrived: the claim is paid. Again it changes nothing."""
    if payout.claim_id is None:
        return
    claim = await queries.locked(session, payout.claim_id)
    if claim.status != "paying" or not await every_share_arrived(session, claim, payout):
        return
    await move(session, CLAIM, claim, "paid", actor=SYSTEM, at=now)
    claim.paid_at = payout.settled_at
    await session.flush()
    await promises.end(session, claim, "payout", payout.settled_at or now)
    whole_fen = (claim.amount_fen or 0) - claim.paid_before_fen
    paid = Fact("claim", claim.id, "claim.pay", CLAIM_PAID, {"amount_fen": whole_fen})
    await state(session, [paid], actor=SYSTEM, at=now)


async def fall_back(session: AsyncSession, payout: Payout, now: datetime) -> None:
    """The payout failed: the claim is approved again and waits for another way."""
    if payout.claim_id is None:
        return
    claim = await queries.locked(session, payout.claim_id)
    newest = await session.scalar(
        select(Payout.id)
        .where(
            Payout.claim_id == claim.id,
            Payout.claimant_id.is_not_distinct_from(payout.claimant_id),
        )
        .order_by(Payout.id.desc())
        .limit(1)
    )
    if claim.status != "paying" or newest != payout.id:
        return
    await move(session, CLAIM, claim, "approved", actor=SYSTEM, at=now, reason_code="payout-failed")
    failed = Fact(
        "claim", claim.id, "claim.payout_failed", None, {"failure_code": payout.failure_code}
    )
    await state(session, [failed], actor=SYSTEM, at=now)
    # Accounts may have been recorded while the money was on its way.
    await look_at_ways(session, claim, now)
