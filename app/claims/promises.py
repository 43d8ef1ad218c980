"""Dated promises to the member: kept in rows, stopped only with a reason, told when missed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import clocks
from app.claims.events import (
    PAYOUT_OVERDUE,
    PROMISE_DUE,
    PROMISE_NUDGE,
    PROMISE_NUDGED,
    REVIEW_OVERDUE,
)
from app.claims.life_models import ClaimEscalation, ClaimPromise, ClaimPromiseStop
from app.claims.models import Claim
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id
from app.kernel.jobs import schedule, unschedule
from app.kernel.principal import SYSTEM
from app.organisations.models import Organisation
from app.plans.terms import Clock

Which = Literal["review", "payout"]
Outcome = Literal["kept", "late", "void"]

# The office is told when this part of the time is over.
_NUDGE = 0.8
_OVERDUE = {"review": REVIEW_OVERDUE, "payout": PAYOUT_OVERDUE}
_UNITS: dict[str, clocks.Unit] = {
    "calendar_days": "calendar_days",
    "working_days": "working_days",
}


async def promise(
    session: AsyncSession, claim: Claim, which: Which, clock: Clock, now: datetime
) -> ClaimPromise:
    """Promise a date, counted from today by the plan's clock; the claim's row is locked."""
    due = clocks.due_at(now, clock.length, clock.unit)
    made = ClaimPromise(
        id=new_id(),
        claim_id=claim.id,
        clock=which,
        length=clock.length,
        unit=clock.unit,
        calendar_known=clock.unit == "calendar_days" or clocks.calendar_known(due),
        started_at=now,
        due_at=due,
        nudge_at=now + (due - now) * _NUDGE,
    )
    session.add(made)
    _show(claim, made)
    await session.flush()
    await _schedule(session, made)
    return made


async def open_promise(session: AsyncSession, claim_id: UUID, which: Which) -> ClaimPromise | None:
    """The promise that is still to be kept."""
    return await session.scalar(
        select(ClaimPromise)
        .where(
            ClaimPromise.claim_id == claim_id,
            ClaimPromise.clock == which,
            ClaimPromise.ended_at.is_(None),
        )
        .with_for_update()
    )


async def stop(
    session: AsyncSession, claim: Claim, which: Which, reason_code: str, now: datetime
) -> None:
    """The clock stands still for a reason; one that stands already goes on standing for it."""
    made = await open_promise(session, claim.id, which)
    if made is None:
        return
    if await _open_stop(session, made.id) is not None:
        await resume(session, claim, which, now)
    session.add(
        ClaimPromiseStop(
            id=new_id(),
            promise_id=made.id,
            reason_code=reason_code,
            stopped_at=now,
            due_before=made.due_at,
        )
    )
    if which == "review":
        claim.clock_stopped_at = now
    await session.flush()
    await _unschedule(session, made.id)


async def waits_for(session: AsyncSession, claim_id: UUID, which: Which) -> str | None:
    """Why the promise stands still, if it does."""
    made = await open_promise(session, claim_id, which)
    standing = None if made is None else await _open_stop(session, made.id)
    return None if standing is None else standing.reason_code


async def resume(session: AsyncSession, claim: Claim, which: Which, now: datetime) -> None:
    """The clock goes on with the days that were left; nothing happens to one that runs."""
    made = await open_promise(session, claim.id, which)
    standing = None if made is None else await _open_stop(session, made.id)
    if made is None or standing is None:
        return
    due = clocks.resumed(made.due_at, standing.stopped_at, now, _UNITS[made.unit])
    if made.missed_at is None:
        due = max(due, made.due_at)
        made.nudge_at += due - made.due_at
        made.due_at = due
        if made.unit == "working_days":
            made.calendar_known = clocks.calendar_known(due)
    standing.resumed_at, standing.due_after = max(now, standing.stopped_at), made.due_at
    _show(claim, made)
    if which == "review":
        claim.clock_stopped_at = None
    await session.flush()
    if made.missed_at is None:
        await _schedule(session, made)


async def end(
    session: AsyncSession, claim: Claim, which: Which, now: datetime, *, void: bool = False
) -> None:
    """The promise is over: kept, late, or void because nothing is to be decided any more."""
    made = await open_promise(session, claim.id, which)
    if made is None:
        return
    standing = await _open_stop(session, made.id)
    if standing is not None:
        standing.resumed_at = max(now, standing.stopped_at)
        standing.due_after = made.due_at
    late = made.missed_at is not None or (standing is None and now > made.due_at)
    made.outcome = "void" if void else "late" if late else "kept"
    made.ended_at = now
    claim.escalated_at = None
    if which == "review":
        claim.clock_stopped_at = None
    await session.flush()
    await _unschedule(session, made.id)


async def nudge(session: AsyncSession, claim: Claim, made: ClaimPromise, now: datetime) -> None:
    """Most of the time is over: the office that decides is told once."""
    if made.ended_at is not None or made.nudged_at is not None:
        return
    if await _open_stop(session, made.id) is not None:
        return
    if made.nudge_at > now:
        await schedule(session, PROMISE_NUDGE, made.id, made.nudge_at)
        return
    made.nudged_at = now
    await session.flush()
    content = {
        "clock": made.clock,
        "due_at": made.due_at.isoformat(),
        "organisation_id": str(claim.decider_id),
    }
    nudged = Fact("claim", claim.id, "claim.nudge", PROMISE_NUDGED, content)
    await state(session, [nudged], actor=SYSTEM, at=now)


async def miss(session: AsyncSession, claim: Claim, made: ClaimPromise, now: datetime) -> None:
    """The day has passed: the parent organisation takes it up, and the member sees that."""
    if made.ended_at is not None or made.missed_at is not None:
        return
    if await _open_stop(session, made.id) is not None:
        return
    if made.due_at > now:
        await schedule(session, PROMISE_DUE, made.id, made.due_at)
        return
    made.missed_at = claim.escalated_at = now
    above = await above_of(session, claim.decider_id)
    session.add(
        ClaimEscalation(
            id=new_id(),
            claim_id=claim.id,
            promise_id=made.id,
            from_organisation_id=claim.decider_id,
            to_organisation_id=above,
            escalated_at=now,
        )
    )
    await session.flush()
    content = {"clock": made.clock, "parent_organisation_id": str(above)}
    missed = Fact("claim", claim.id, "claim.miss_promise", _OVERDUE[made.clock], content)
    await state(session, [missed], actor=SYSTEM, at=now)


async def above_of(session: AsyncSession, organisation_id: UUID) -> UUID:
    """The parent organisation; the municipal office itself has nobody above it."""
    parent = await session.scalar(
        select(func.coalesce(Organisation.parent_id, Organisation.id)).where(
            Organisation.id == organisation_id
        )
    )
    return parent or organisation_id


async def promises_of(session: AsyncSession, claim_id: UUID) -> Sequence[ClaimPromise]:
    """Every promise of a claim, in the order in which they were made."""
    return (
        await session.scalars(
            select(ClaimPromise).where(ClaimPromise.claim_id == claim_id).order_by(ClaimPromise.id)
        )
    ).all()


async def stops_of(session: AsyncSession, claim_id: UUID) -> Sequence[ClaimPromiseStop]:
    """Every span in which a promise of the claim stood still."""
    return (
        await session.scalars(
            select(ClaimPromiseStop)
            .join(ClaimPromise, ClaimPromise.id == ClaimPromiseStop.promise_id)
            .where(ClaimPromise.claim_id == claim_id)
            .order_by(ClaimPromiseStop.id)
        )
    ).all()


async def escalations_of(session: AsyncSession, claim_id: UUID) -> Sequence[ClaimEscalation]:
    """Every missed promise of the claim."""
    return (
        await session.scalars(
            select(ClaimEscalation)
            .where(ClaimEscalation.claim_id == claim_id)
            .order_by(ClaimEscalation.id)
        )
    ).all()


def _show(claim: Claim, made: ClaimPromise) -> None:
    """The claim carries the promised days, for the queue and for lists."""
    if made.clock == "review":
        claim.review_due_at = made.due_at
    else:
        claim.payout_due_at = made.due_at


async def _open_stop(session: AsyncSession, promise_id: UUID) -> ClaimPromiseStop | None:
    return await session.scalar(
        select(ClaimPromiseStop).where(
            ClaimPromiseStop.promise_id == promise_id, ClaimPromiseStop.resumed_at.is_(None)
        )
    )


async def _schedule(session: AsyncSession, made: ClaimPromise) -> None:
    if made.nudged_at is None:
        await schedule(session, PROMISE_NUDGE, made.id, made.nudge_at)
    await schedule(session, PROMISE_DUE, made.id, made.due_at)


async def _unschedule(session: AsyncSession, promise_id: UUID) -> None:
    await unschedule(session, PROMISE_NUDGE, promise_id)
    await unschedule(session, PROMISE_DUE, promise_id)
