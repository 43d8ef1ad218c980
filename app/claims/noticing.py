"""Looking for what is odd about a claim: its papers, its days, its account, who decides it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import queries
from app.claims.errors import ConflictOfInterest
from app.claims.facts import facts_known
from app.claims.invoice_numbers import same_numbers
from app.claims.models import UNDECIDED, Claim, Incident
from app.claims.noticing_accounts import doubted_before, look_at_ways, shared_accounts
from app.claims.noticing_days import dated_before, outside_or_early
from app.claims.noticing_papers import near_images, same_files, same_receipts
from app.claims.signals import Noticed, naming, raise_signals
from app.claims.terms import terms_of
from app.kernel.clock import business_day, day_start
from app.kernel.principal import Principal
from app.kernel.vault import Vault
from app.policies.models import Policy


async def notice(session: AsyncSession, vault: Vault, claim: Claim, now: datetime) -> None:
    """Raise what is odd about a claim that was handed in; again it adds only what is new.

    Of one that is approved and waits for its money only what its bank account has to do with.
    The claim's row is locked by the caller.
    """
    if claim.status == "approved":
        await look_at_ways(session, claim, now)
    if claim.status not in UNDECIDED:
        return
    terms = await terms_of(session, claim)
    incident = await queries.incident_of(session, claim)
    facts = await facts_known(session, vault, claim)
    receipts = await queries.receipts_of(session, claim.id)
    noticed = [
        *await same_receipts(session, claim),
        *await same_numbers(session, vault, claim),
        *await same_files(session, claim),
        *await near_images(session, claim),
        *await outside_or_early(session, claim, terms, incident),
        *dated_before(incident, receipts, facts),
        *await _same_event(session, claim, incident),
        *await shared_accounts(session, claim),
        *await doubted_before(session, claim),
    ]
    await raise_signals(session, claim, noticed, now)


async def notice_decider(
    session: AsyncSession, claim: Claim, reviewer: Principal, now: datetime
) -> None:
    """Raise that whoever takes the claim once enrolled its member, under any policy."""
    enrolled = await _enrolled_under(session, claim, reviewer)
    if enrolled is not None:
        evidence = {"staff_id": str(reviewer.id), "policy_id": str(enrolled)}
        await raise_signals(
            session, claim, [Noticed("own-enrolment", str(reviewer.id), evidence)], now
        )


async def require_stranger(session: AsyncSession, claim: Claim, second: Principal) -> None:
    """Raise ConflictOfInterest (403) for a second person who once enrolled the member."""
    if await _enrolled_under(session, claim, second) is not None:
        raise ConflictOfInterest


async def _enrolled_under(session: AsyncSession, claim: Claim, staff: Principal) -> UUID | None:
    return await session.scalar(
        select(Policy.id)
        .where(Policy.person_id == claim.person_id, Policy.enrolled_by == staff.id)
        .order_by(Policy.id)
        .limit(1)
    )


async def others_named(session: AsyncSession, vault: Vault, claim: Claim) -> Sequence[UUID]:
    """Undecided claims of which the same is odd, because of what this one has."""
    incident = await queries.incident_of(session, claim)
    noticed = [
        *await same_receipts(session, claim),
        *await same_numbers(session, vault, claim),
        *await same_files(session, claim),
        *await near_images(session, claim),
        *await _same_event(session, claim, incident),
    ]
    named = {UUID(other["claim_id"]) for each in noticed for other in each.evidence["claims"]}
    people = {UUID(each.evidence["person_id"]) for each in await shared_accounts(session, claim)}
    rows = await session.scalars(
        select(Claim.id)
        .where(or_(Claim.id.in_(named), Claim.person_id.in_(people)), Claim.status.in_(UNDECIDED))
        .order_by(Claim.id)
    )
    return rows.all()


async def _same_event(session: AsyncSession, claim: Claim, incident: Incident) -> list[Noticed]:
    """Other claims of the person about something of the same day."""
    day = business_day(incident.occurred_at)
    rows = await session.scalars(
        select(Claim.id)
        .join(Incident, Incident.id == Claim.incident_id)
        .where(
            Claim.person_id == claim.person_id,
            Claim.id != claim.id,
            Claim.submitted_at.is_not(None),
            Claim.status != "withdrawn",
            Incident.occurred_at >= day_start(day),
            Incident.occurred_at < day_start(day + timedelta(days=1)),
        )
        .order_by(Claim.submitted_at.desc())
    )
    others = [(day.isoformat(), {"claim_id": str(other)}) for other in rows.all()]
    return naming("same-event", "occurred_on", others)
