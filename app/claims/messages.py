"""What members are told about their claims."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.death_queries import claimants_of
from app.claims.events import (
    CLAIM_APPROVED,
    CLAIM_DENIED,
    CLAIM_PAID,
    CLAIM_RETURNED,
    CLAIM_UPHELD,
    PAYOUT_OVERDUE,
    REVIEW_OVERDUE,
)
from app.claims.models import Claim
from app.claims.paying_shares import shares_of
from app.kernel.clock import business_day
from app.kernel.event_log import LoggedEvent, heard
from app.kernel.jobs import JobContext
from app.kernel.transitions import StatusHistory
from app.notifications.service import notify

TEMPLATES: Mapping[str, str] = {
    CLAIM_RETURNED: "claim_returned",
    CLAIM_APPROVED: "claim_approved",
    CLAIM_DENIED: "claim_denied",
    CLAIM_PAID: "claim_paid",
    CLAIM_UPHELD: "claim_upheld",
    REVIEW_OVERDUE: "claim_late",
    PAYOUT_OVERDUE: "claim_late",
}


async def tell(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear a claim's return, decision, payment or delay, and tell those it is about."""
    async with context.transaction() as session:
        event = await heard(session, payload)
        claim = await session.get_one(Claim, event.subject_id)
        occasion = f"{event.name}:{claim.id}:{await _occasion(session, event)}"
        now = await context.business_now(session)
        for person_id, amount_fen in await _told(session, event, claim):
            await notify(
                session,
                context.vault,
                person_id=person_id,
                template=TEMPLATES[event.name],
                subject="claim",
                subject_id=claim.id,
                parameters=_parameters(event, claim, amount_fen),
                once_key=f"{occasion}:{person_id}" if claim.for_survivors else occasion,
                now=now,
            )


async def tell_death_withdrawn(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear `person.death_withdrawn`: the member lives, and has to know what was ended."""
    async with context.transaction() as session:
        event = await heard(session, payload)
        await notify(
            session,
            context.vault,
            person_id=event.subject_id,
            template="death_report_withdrawn",
            subject="person",
            subject_id=event.subject_id,
            parameters={},
            once_key=f"death_report_withdrawn:{event.id}",
            now=await context.business_now(session),
        )


async def _told(
    session: AsyncSession, event: LoggedEvent, claim: Claim
) -> list[tuple[UUID, int | None]]:
    """Who hears of it, with the fen that are theirs: the member, or each survivor."""
    if not claim.for_survivors:
        return [(claim.person_id, event.content.get("amount_fen"))]
    claimants = await claimants_of(session, claim.id)
    shares = shares_of(claim, claimants) if claim.amount_fen is not None else {}
    return [(each.person_id, shares.get(each.id)) for each in claimants]


def _parameters(event: LoggedEvent, claim: Claim, amount_fen: int | None) -> dict[str, Any]:
    said: dict[str, Any] = {"number": claim.number}
    if event.name in (CLAIM_APPROVED, CLAIM_PAID):
        said["amount"] = amount_fen
    if event.name == CLAIM_APPROVED:
        due_at = claim.payout_due_at or event.at
        said["due_day"] = business_day(due_at).isoformat()
    return said


async def _occasion(session: AsyncSession, event: LoggedEvent) -> str:
    """Documents returned while the claim waits for the member anyway are one occasion."""
    if event.name != CLAIM_RETURNED:
        return str(event.id)
    times = await session.scalar(
        select(func.count())
        .select_from(StatusHistory)
        .where(
            StatusHistory.subject_id == event.subject_id,
            StatusHistory.to_status == "waiting_for_member",
            StatusHistory.at <= event.at,
        )
    )
    return str(times)
