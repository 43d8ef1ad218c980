"""Paying survivors: each claimant's share has a payout of its own."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import promises, queries
from app.claims.death_models import ClaimClaimant
from app.claims.death_queries import claimants_of
from app.claims.decision_models import Decision
from app.claims.events import PAY
from app.claims.models import CLAIM, Claim
from app.claims.noticing_accounts import held_back
from app.claims.shares import split
from app.kernel.jobs import schedule
from app.kernel.principal import Principal
from app.kernel.transitions import move
from app.payouts.errors import AccountCoolingOff, AccountNotFound, NoDestination
from app.payouts.models import Payout
from app.payouts.queries import of_claim
from app.payouts.service import choose_destination, request_payout


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
    sent = [each for each in await of_claim(session, claim.id) if each.round == claim.round]
    live = {each.claimant_id for each in sent if each.status != "failed"}
    failed = {each.claimant_id for each in sent} - live
    waiting: set[str] = set()
    requested = 0
    for claimant in claimants:
        if claimant.id in live:
            continue
        fen = shares_of(claim, claimants)[claimant.id]
        wanted = only is None or claimant.person_id == only
        wanted = wanted and (again or claimant.id not in failed)
        if not fen:
            continue
        why = "account-needed"
        if wanted:
            why = await _pay_share(session, actor, claim, claimant, fen, now)
        if why:
            waiting.add(why)
        else:
            requested += 1
    if waiting:
        await promises.stop(
            session,
            claim,
            "payout",
            "account-checked" if "account-checked" in waiting else "account-needed",
            now,
        )
    else:
        await promises.resume(session, claim, "payout", now)
        await move(session, CLAIM, claim, "paying", actor=actor, at=now)
    return requested > 0


async def _pay_share(
    session: AsyncSession,
    actor: Principal,
    claim: Claim,
    claimant: ClaimClaimant,
    amount_fen: int,
    now: datetime,
) -> str:
    """Why the share cannot go yet, as a promise says it; empty when it is on its way."""
    try:
        destination = await choose_destination(
            session,
            person_id=claimant.person_id,
            account_id=await queries.account_of_person(session, claimant.person_id),
            preferred=None,
            amount_fen=amount_fen,
            now=now,
        )
    except AccountCoolingOff as cooling:
        await schedule(session, PAY, claim.id, cooling.usable_from)
        return "account-needed"
    except (NoDestination, AccountNotFound):
        return "account-needed"
    if await held_back(session, claim, destination.payout_account_id, now):
        return "account-checked"
    approvers = await approvers_of(session, claim)
    await request_payout(
        session,
        claim_id=claim.id,
        claim_round=claim.round,
        plan_code=claim.plan_code,
        person_id=claimant.person_id,
        claimant_id=claimant.id,
        amount_fen=amount_fen,
        destination=destination,
        approvers=approvers,
        by_rule=not approvers,
        actor=actor,
        now=now,
    )
    return ""


async def every_share_arrived(session: AsyncSession, claim: Claim, payout: Payout) -> bool:
    """Whether the claim is paid now that this payout is; a member's own always is."""
    if payout.claimant_id is None:
        return True
    sent = [each for each in await of_claim(session, claim.id) if each.round == claim.round]
    arrived = {each.claimant_id for each in sent if each.status == "paid"}
    shares = shares_of(claim, await claimants_of(session, claim.id))
    return all(claimant_id in arrived for claimant_id, fen in shares.items() if fen)


async def approvers_of(session: AsyncSession, claim: Claim) -> list[UUID]:
    """Whoever agreed in this round; nobody where the rule decided."""
    rows = await session.scalars(
        select(Decision.decided_by)
        .where(
            Decision.claim_id == claim.id,
            Decision.round == claim.round,
            Decision.verdict == "approve",
            Decision.by_rule.is_(False),
        )
        .order_by(Decision.id)
    )
    return [each for each in rows.all() if each is not None]
