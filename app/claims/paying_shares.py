"""Paying survivors: each claimant's share has a payout of its own."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import promises, queries
from app.claims.death_models import ClaimClaimant
from app.claims.death_queries import claimants_of
from app.claims.models import CLAIM, Claim
from app.claims.sending import Payee, send, way_to
from app.claims.shares import split
from app.kernel.principal import Principal
from app.kernel.transitions import move
from app.payouts.models import Payout
from app.payouts.queries import of_claim
from app.payouts.service import Destination


def shares_of(claim: Claim, claimants: Sequence[ClaimClaimant]) -> dict[UUID, int]:
    """Fen of each claimant in the present round, by the claimant's id."""
    amount_fen = (claim.amount_fen or 0) - claim.paid_before_fen
    if not claimants:
        return {}
    parts = split(amount_fen, [each.share_percent for each in claimants])
    return {each.id: fen for each, fen in zip(claimants, parts, strict=True)}


async def pay_shares(
    session: AsyncSession,
    actor: Principal,
    claim: Claim,
    now: datetime,
    *,
    only: UUID | None = None,
    again: bool = False,
) -> bool:
    """Request every share of an approved claim that can go; False when none of them could.

    The claim is `paying` once each share is on its way; until then the promise waits for the
    claimants, their papers, an account, or a word on one that is a stranger's as well. `only`
    is the one person to be paid; `again` sends what failed anew, because a person has looked
    at the reason.
    """
    if claim.status != "approved" or claim.amount_fen is None:
        return False
    claimants = await claimants_of(session, claim.id)
    if not claimants or any(each.kinship_document_id is None for each in claimants):
        await promises.stop(session, claim, "payout", "payee-died", now)
        return False
    waiting, requested = await _pay_each(session, actor, claim, claimants, now, only, again)
    if waiting:
        why = "account-checked" if "account-checked" in waiting else "account-needed"
        await promises.stop(session, claim, "payout", why, now)
    else:
        await promises.resume(session, claim, "payout", now)
        await move(session, CLAIM, claim, "paying", actor=actor, at=now)
    return requested > 0


async def _pay_each(
    session: AsyncSession,
    actor: Principal,
    claim: Claim,
    claimants: Sequence[ClaimClaimant],
    now: datetime,
    only: UUID | None,
    again: bool,
) -> tuple[set[str], int]:
    """Why some shares wait, and how many are on their way now."""
    sent = [each for each in await of_claim(session, claim.id) if each.round == claim.round]
    live = {each.claimant_id for each in sent if each.status != "failed"}
    failed = {each.claimant_id for each in sent} - live
    shares = shares_of(claim, claimants)
    waiting: set[str] = set()
    requested = 0
    for claimant in claimants:
        if claimant.id in live or not shares[claimant.id]:
            continue
        why = "account-needed"
        if only in (None, claimant.person_id) and (again or claimant.id not in failed):
            why = await _pay_share(session, actor, claim, claimant, shares[claimant.id], now)
        if why:
            waiting.add(why)
        else:
            requested += 1
    return waiting, requested


async def _pay_share(
    session: AsyncSession,
    actor: Principal,
    claim: Claim,
    claimant: ClaimClaimant,
    amount_fen: int,
    now: datetime,
) -> str:
    """Why the share cannot go yet, as a promise says it; empty when it is on its way."""
    account_id = await queries.account_of_person(session, claimant.person_id)
    payee = Payee(claimant.person_id, account_id, claimant_id=claimant.id)
    way = await way_to(session, claim, payee, amount_fen, now)
    if isinstance(way, Destination):
        await send(session, actor, claim, payee, amount_fen, way, now)
        return ""
    return "account-needed" if way == "account-cooling" else way


async def every_share_arrived(session: AsyncSession, claim: Claim, payout: Payout) -> bool:
    """Whether the claim is paid now that this payout is; a member's own always is."""
    if payout.claimant_id is None:
        return True
    sent = [each for each in await of_claim(session, claim.id) if each.round == claim.round]
    arrived = {each.claimant_id for each in sent if each.status == "paid"}
    shares = shares_of(claim, await claimants_of(session, claim.id))
    return all(claimant_id in arrived for claimant_id, fen in shares.items() if fen)
