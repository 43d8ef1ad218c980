"""What a year of claims cost a person, and what mutual aid paid of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.decision_models import BenefitUse
from app.claims.facts import facts_known
from app.claims.models import Claim, ClaimDocument, Incident
from app.kernel.clock import day_start
from app.kernel.vault import Vault


@dataclass(frozen=True, slots=True)
class ClaimCost:
    """One decided claim: what its member paid themselves, and what the plan paid; both fen."""

    claim_id: UUID
    number: str
    cause: str
    self_pay_fen: int
    paid_fen: int


async def costs_of_year(
    session: AsyncSession, vault: Vault, person_id: UUID, year: int
) -> list[ClaimCost]:
    """Every decided claim about an incident of the calendar year (Asia/Shanghai), oldest first.

    What the member paid is the fact `self_pay_fen`, or that of each stay added up; a claim
    that was denied cost them no less.
    """
    first, after = day_start(date(year, 1, 1)), day_start(date(year + 1, 1, 1))
    paid = (
        select(func.coalesce(func.sum(BenefitUse.amount_fen), 0))
        .where(BenefitUse.claim_id == Claim.id, BenefitUse.reversed_at.is_(None))
        .scalar_subquery()
    )
    rows = await session.execute(
        select(Claim, Incident.cause, paid)
        .join(Incident, Incident.id == Claim.incident_id)
        .where(
            Claim.person_id == person_id,
            Claim.decided_at.is_not(None),
            Claim.status != "withdrawn",
            Incident.occurred_at >= first,
            Incident.occurred_at < after,
        )
        .order_by(Claim.id)
    )
    return [
        ClaimCost(
            claim_id=claim.id,
            number=claim.number,
            cause=cause,
            self_pay_fen=self_pay_of(await facts_known(session, vault, claim)),
            paid_fen=int(paid_fen),
        )
        for claim, cause, paid_fen in rows
    ]


def self_pay_of(facts: Mapping[str, Any]) -> int:
    """What the facts of a claim say that the member paid inside the insurance's rules, in fen."""
    whole = facts.get("self_pay_fen")
    if whole is not None:
        return int(whole)
    stays = facts.get("stays") or ()
    return sum(int(stay.get("self_pay_fen") or 0) for stay in stays)


async def accepted_kinds(session: AsyncSession, claim_ids: list[UUID]) -> frozenset[str]:
    """The kinds of documents that reviewers accepted on these claims."""
    rows = await session.scalars(
        select(ClaimDocument.kind)
        .where(ClaimDocument.claim_id.in_(claim_ids), ClaimDocument.status == "accepted")
        .distinct()
    )
    return frozenset(rows.all())
