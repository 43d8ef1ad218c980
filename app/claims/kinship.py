"""What a reviewer establishes for survivors: kinship by a paper, and which incident it was."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import queries
from app.claims.death_errors import (
    ClaimantNotFound,
    ClaimantsClosed,
    NotAKinshipProof,
    OtherIncident,
)
from app.claims.death_models import ClaimClaimant
from app.claims.errors import ClaimNotFound, NotReviewable
from app.claims.models import DOCUMENT, Claim, Incident
from app.claims.noticing import notice
from app.claims.paying import pay
from app.claims.review import find_leased, find_to_decide
from app.kernel.facts import Fact, state
from app.kernel.principal import Principal
from app.kernel.transitions import move
from app.kernel.vault import Vault
from app.members.models import Person
from app.payouts.accounts import record_for
from app.payouts.schemas import PayoutAccountBody, PayoutAccountView


async def prove_kinship(
    session: AsyncSession,
    reviewer: Principal,
    claim_id: UUID,
    claimant_id: UUID,
    document_id: UUID,
    now: datetime,
    system_now: datetime,
) -> Claim:
    """This paper shows how the claimant was related; it is accepted with that.

    During review by who holds the lease; what was approved before its member died is paid
    once the last claimant is proven. Raises ClaimNotFound, ClaimantNotFound (404),
    LeaseNeeded, NotReviewable (409), ConflictOfInterest (403), NotAKinshipProof (422).
    """
    claim = await find_to_decide(session, reviewer, claim_id)
    if claim.status != "approved":
        claim = await find_leased(session, reviewer, claim_id, system_now)
    if claim.status not in ("under_review", "approved") or not claim.for_survivors:
        raise NotReviewable(status=claim.status)
    claimant = await _claimant(session, claim, claimant_id)
    found = await queries.document_of(session, claim.id, document_id)
    if found is None or found[0].kind != "kinship_proof":
        raise NotAKinshipProof
    document = found[0]
    if document.status not in ("waiting", "accepted"):
        raise NotAKinshipProof
    if document.status == "waiting":
        await move(session, DOCUMENT, document, "accepted", actor=reviewer, at=now)
        document.reviewed_by, document.reviewed_at = reviewer.id, now
    claimant.kinship_document_id = document.id
    claimant.kinship_proven_by, claimant.kinship_proven_at = reviewer.id, now
    await session.flush()
    told = {"claimant_id": str(claimant.id), "document_id": str(document.id)}
    proven = Fact("claim", claim.id, "claim.prove_kinship", None, told)
    await state(session, [proven], actor=reviewer, at=now, on_behalf_of=claimant.person_id)
    if claim.status == "approved":
        await pay(session, reviewer, claim, now)
    return claim


async def _claimant(session: AsyncSession, claim: Claim, claimant_id: UUID) -> ClaimClaimant:
    claimant = await session.get(ClaimClaimant, claimant_id)
    if claimant is None or claimant.claim_id != claim.id or claimant.removed_at is not None:
        raise ClaimantNotFound
    return claimant


async def record_account(
    session: AsyncSession,
    vault: Vault,
    staff: Principal,
    claim_id: UUID,
    claimant_id: UUID,
    body: PayoutAccountBody,
    now: datetime,
) -> PayoutAccountView:
    """Record a bank account in a claimant's own, proven name, at the counter.

    Raises ClaimNotFound, ClaimantNotFound (404), ClaimantsClosed (409) once the claim has
    ended, and as `accounts.record_for`.
    """
    claim = await queries.find_locked(session, staff, claim_id)
    if claim is None:
        raise ClaimNotFound
    claimant = await _claimant(session, claim, claimant_id)
    if claim.status in ("paid", "denied", "withdrawn"):
        raise ClaimantsClosed
    person = await session.get_one(Person, claimant.person_id)
    return await record_for(session, vault, staff, person, body, now)


async def join_incident(
    session: AsyncSession,
    vault: Vault,
    reviewer: Principal,
    claim_id: UUID,
    other_id: UUID,
    now: datetime,
    system_now: datetime,
) -> Claim:
    """Say that a claim is about the incident of another claim of the same person.

    What excludes each other, and what was paid within the incident, then counts; that one
    event has several claims is raised for a person's word. Raises
    LeaseNeeded, NotReviewable (409), OtherIncident (422).
    """
    claim = await find_leased(session, reviewer, claim_id, system_now)
    if claim.status != "under_review" or claim.decided_at is not None:
        raise NotReviewable(status=claim.status)
    other = await queries.find(session, reviewer, other_id)
    if other is None or other.id == claim.id or other.person_id != claim.person_id:
        raise OtherIncident
    incident = await queries.incident_of(session, claim)
    theirs = await session.get_one(Incident, other.incident_id)
    if incident.cause != theirs.cause:
        raise OtherIncident
    former, claim.incident_id = claim.incident_id, theirs.id
    await session.flush()
    told = {"was": str(former), "becomes": str(theirs.id), "claim_id": str(other.id)}
    joined = Fact("claim", claim.id, "claim.join_incident", None, told)
    await state(session, [joined], actor=reviewer, at=now, on_behalf_of=claim.person_id)
    await notice(session, vault, claim, now)
    return claim
