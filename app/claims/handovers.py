"""Handing a claim that one holds to a named colleague, who accepts or declines."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.models import StaffAccount
from app.claims import queries
from app.claims.errors import NotReviewable
from app.claims.life_errors import (
    ColleagueNotFound,
    HandoverLapsed,
    HandoverNotFound,
    HandoverOpen,
)
from app.claims.life_models import HANDOVER, ClaimHandover
from app.claims.models import Claim
from app.claims.noticing import notice_decider
from app.claims.review import LEASED, find_leased, find_to_decide, lend
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id
from app.kernel.pagination import keyset
from app.kernel.principal import Principal
from app.kernel.transitions import begin, move
from app.organisations.service import manages

REVIEWING = frozenset({"reviewer", "supervisor"})


async def offer(
    session: AsyncSession,
    reviewer: Principal,
    claim_id: UUID,
    to_staff_id: UUID,
    now: datetime,
    system_now: datetime,
) -> ClaimHandover:
    """Offer a claim that one holds; the lease stays until the colleague accepts.

    Raises what `find_leased` raises, ColleagueNotFound (404) for somebody who does not
    review here, HandoverOpen (409).
    """
    claim = await find_leased(session, reviewer, claim_id, system_now)
    await _require_colleague(session, reviewer, claim, to_staff_id)
    standing = await _offered(session, claim.id)
    if standing is not None:
        if standing.from_staff_id == reviewer.id:
            raise HandoverOpen
        await _close(session, reviewer, standing, "lapsed", now)
    offered = ClaimHandover(
        id=new_id(),
        claim_id=claim.id,
        from_staff_id=reviewer.id,
        to_staff_id=to_staff_id,
        status="offered",
        offered_at=now,
    )
    begin(session, HANDOVER, offered, actor=reviewer, at=now)
    await session.flush()
    told = {"handover_id": str(offered.id), "to_staff_id": str(to_staff_id)}
    stated = Fact("claim", claim.id, "claim.offer_handover", None, told)
    await state(session, [stated], actor=reviewer, at=now)
    return offered


async def answer(
    session: AsyncSession,
    colleague: Principal,
    handover_id: UUID,
    *,
    accept: bool,
    now: datetime,
    system_now: datetime,
) -> ClaimHandover:
    """Take the claim with its lease, or leave it with who offered it.

    The same answer again changes nothing. Raises HandoverNotFound (404), HandoverLapsed,
    NotReviewable, DecidedBefore (409), ConflictOfInterest (403).
    """
    offered = await session.get(ClaimHandover, handover_id)
    if offered is None or offered.to_staff_id != colleague.id:
        raise HandoverNotFound
    claim = await find_to_decide(session, colleague, offered.claim_id)
    await session.refresh(offered, with_for_update=True)
    target = "accepted" if accept else "declined"
    if offered.status == target:
        return offered
    if offered.status != "offered":
        raise HandoverLapsed
    if accept:
        if claim.status not in LEASED:
            raise NotReviewable(status=claim.status)
        held = claim.lease_until is not None and claim.lease_until > system_now
        if not held or claim.lease_holder_id != offered.from_staff_id:
            raise HandoverLapsed
        lend(claim, colleague.id, system_now)
        await notice_decider(session, claim, colleague, now)
    await _close(session, colleague, offered, target, now)
    told = {"handover_id": str(offered.id)}
    stated = Fact(
        "claim", claim.id, f"claim.{'accept' if accept else 'decline'}_handover", None, told
    )
    await state(session, [stated], actor=colleague, at=now)
    return offered


async def offered_to(
    session: AsyncSession, colleague: Principal, after: UUID | None, limit: int
) -> Sequence[ClaimHandover]:
    """Hand-overs that wait for the caller's answer, oldest first, one row more than `limit`."""
    waiting = select(ClaimHandover).where(
        ClaimHandover.to_staff_id == colleague.id, ClaimHandover.status == "offered"
    )
    return (await session.scalars(keyset(waiting, ClaimHandover.id, after, limit))).all()


async def _require_colleague(
    session: AsyncSession, reviewer: Principal, claim: Claim, staff_id: UUID
) -> None:
    """Somebody else who reviews, where the claim is decided or above."""
    account = await session.get(StaffAccount, staff_id)
    if account is None or account.id == reviewer.id or account.status != "active":
        raise ColleagueNotFound
    if not REVIEWING & set(account.roles):
        raise ColleagueNotFound
    colleague = Principal("staff", account.id, account.organisation_id)
    if not await manages(session, colleague, claim.decider_id):
        raise ColleagueNotFound
    if claim.stage > 1 and await queries.decided_in_earlier_stage(session, claim, account.id):
        raise ColleagueNotFound


async def _offered(session: AsyncSession, claim_id: UUID) -> ClaimHandover | None:
    return await session.scalar(
        select(ClaimHandover)
        .where(ClaimHandover.claim_id == claim_id, ClaimHandover.status == "offered")
        .with_for_update()
    )


async def _close(
    session: AsyncSession, actor: Principal, offered: ClaimHandover, status: str, now: datetime
) -> None:
    await move(session, HANDOVER, offered, status, actor=actor, at=now)
    offered.answered_at = now
    await session.flush()
