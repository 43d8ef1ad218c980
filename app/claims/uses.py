"""What claims use of limits: recorded with a decision, reversed with it, read as a whole."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.decision_models import BenefitUse, Decision
from app.claims.models import Claim, Incident
from app.kernel.clock import business_day
from app.kernel.ids import new_id
from app.plans.history import Use


async def uses_of(
    session: AsyncSession, person_id: UUID, *, besides: UUID | None = None
) -> Sequence[Use]:
    """Everything that counts of a person, oldest first; without one claim's unpaid decision."""
    rows = await session.scalars(
        select(BenefitUse)
        .where(BenefitUse.person_id == person_id, BenefitUse.reversed_at.is_(None))
        .order_by(BenefitUse.event_on, BenefitUse.id)
    )
    return [_use(row) for row in rows if row.claim_id != besides]


def _use(row: BenefitUse) -> Use:
    return Use(
        plan_code=row.plan_code,
        benefit_code=row.benefit_code,
        policy_id=row.policy_id,
        incident_id=row.incident_id,
        claim_id=row.claim_id,
        event_on=row.event_on,
        amount_fen=row.amount_fen,
        counters={name: Fraction(value) for name, value in row.counters.items()},
    )


async def record_use(
    session: AsyncSession,
    claim: Claim,
    incident: Incident,
    decision: Decision,
    amount_fen: int,
    counters: Mapping[str, Fraction],
    now: datetime,
) -> None:
    """Count a decision against limits from here on: what it adds to the claim's earlier ones.

    `amount_fen` and `counters` are those of the whole claim.
    """
    rows = await session.execute(
        select(BenefitUse.amount_fen, BenefitUse.counters).where(
            BenefitUse.claim_id == claim.id, BenefitUse.reversed_at.is_(None)
        )
    )
    added = dict(counters)
    for used, counted in rows:
        amount_fen -= used
        for name, value in counted.items():
            added[name] = added.get(name, Fraction(0)) - Fraction(value)
    session.add(
        BenefitUse(
            id=new_id(),
            person_id=claim.person_id,
            claim_id=claim.id,
            decision_id=decision.id,
            incident_id=incident.id,
            policy_id=claim.policy_id,
            plan_code=claim.plan_code,
            benefit_code=claim.benefit_code,
            event_on=business_day(incident.occurred_at),
            amount_fen=amount_fen,
            counters={name: str(value) for name, value in added.items()},
            recorded_at=now,
        )
    )
    await session.flush()


async def reverse_uses(session: AsyncSession, claim: Claim, now: datetime) -> None:
    """What this round had used counts no more: its decision was taken back before payment."""
    of_round = select(Decision.id).where(
        Decision.claim_id == claim.id, Decision.round == claim.round
    )
    await session.execute(
        update(BenefitUse)
        .where(BenefitUse.decision_id.in_(of_round), BenefitUse.reversed_at.is_(None))
        .values(reversed_at=now)
    )


async def reverse_unpaid_uses(session: AsyncSession, claim: Claim, now: datetime) -> None:
    """A claim that paid nothing is denied for another reason: its counters count no more."""
    await session.execute(
        update(BenefitUse)
        .where(
            BenefitUse.claim_id == claim.id,
            BenefitUse.amount_fen == 0,
            BenefitUse.reversed_at.is_(None),
        )
        .values(reversed_at=now)
    )
