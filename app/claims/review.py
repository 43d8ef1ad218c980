"""Reviewing: one person at a time by lease, each document accepted or returned with a reason."""

from datetime import datetime, timedelta
from typing import get_args
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import promises, queries
from app.claims.bodies import ReturnBody
from app.claims.death_queries import entered_claimants
from app.claims.errors import (
    ClaimNotFound,
    ConflictOfInterest,
    DocumentNotFound,
    LeaseHeld,
    LeaseNeeded,
    NoteNeeded,
    NotReviewable,
)
from app.claims.events import CLAIM_RETURNED
from app.claims.life_errors import ClockStands, DecidedBefore
from app.claims.models import CLAIM, DOCUMENT, Claim, ClaimDocument
from app.claims.noticing import notice, notice_decider
from app.claims.signals import reorder
from app.claims.survivors import unprove
from app.claims.words import PauseReason
from app.kernel.facts import Fact, state
from app.kernel.principal import Principal
from app.kernel.problems import Forbidden
from app.kernel.transitions import move
from app.kernel.vault import Vault
from app.organisations.service import manages
from app.policies.models import Policy

LEASE = timedelta(minutes=10)
# However active its holder: without a decision a claim goes back to everybody.
LONGEST_LEASE = timedelta(hours=2)
PAUSES = get_args(PauseReason)
LEASED = ("submitted", "under_review", "waiting_for_member", "appealed", "reopened")


async def find_to_decide(session: AsyncSession, reviewer: Principal, claim_id: UUID) -> Claim:
    """The locked claim, for people of the deciding organisation who have no stake in it.

    Raises ClaimNotFound (404); Forbidden (403) for who only received it or decided below;
    ConflictOfInterest (403) for who submitted it, entered its claimants or enrolled its
    member; DecidedBefore
    (409) for who took part in the decision that is appealed against.
    """
    claim = await queries.find_locked(session, reviewer, claim_id)
    if claim is None:
        raise ClaimNotFound
    if not await manages(session, reviewer, claim.decider_id):
        raise Forbidden
    policy = await session.get_one(Policy, claim.policy_id)
    enrolled_by = await queries.enrolling_staff(session, claim.person_id)
    submitter = claim.claimed_by if claim.claimed_by_kind == "staff" else None
    if reviewer.id in (submitter, policy.enrolled_by, enrolled_by):
        raise ConflictOfInterest
    if claim.for_survivors and await entered_claimants(session, claim.id, reviewer.id):
        raise ConflictOfInterest
    if claim.stage > 1 and await queries.decided_in_earlier_stage(session, claim, reviewer.id):
        raise DecidedBefore
    return claim


async def take_lease(
    session: AsyncSession,
    vault: Vault,
    reviewer: Principal,
    claim_id: UUID,
    now: datetime,
    system_now: datetime,
) -> Claim:
    """Reserve a claim for ten minutes of the system clock; again it extends them, up to two
    hours. What has become odd about it meanwhile is raised, so that it can be judged.

    Of two who ask at once the row lock lets one win; the other gets LeaseHeld (409).
    """
    claim = await find_to_decide(session, reviewer, claim_id)
    if claim.status not in LEASED:
        raise NotReviewable(status=claim.status)
    if _held_by_other(claim, reviewer, system_now) and claim.lease_until is not None:
        raise LeaseHeld(claim.lease_until)
    if claim.status in ("submitted", "appealed", "reopened"):
        await move(session, CLAIM, claim, "under_review", actor=reviewer, at=now)
    lend(claim, reviewer.id, system_now)
    await session.flush()
    await notice(session, vault, claim, now)
    await notice_decider(session, claim, reviewer, now)
    await _state(session, reviewer, claim, "take_lease", now)
    return claim


async def release_lease(
    session: AsyncSession, reviewer: Principal, claim_id: UUID, now: datetime
) -> None:
    """Give a claim back to the queue; a supervisor may release anybody's, and where nobody holds
    it nothing happens. Raises LeaseNeeded (409)."""
    claim = await find_to_decide(session, reviewer, claim_id)
    if claim.lease_holder_id != reviewer.id and "supervisor" not in reviewer.roles:
        raise LeaseNeeded
    # The trail tells no release of what nobody had; what is under review is somebody's.
    if claim.lease_holder_id is None:
        return
    claim.lease_holder_id = claim.lease_until = claim.lease_since = None
    await session.flush()
    if claim.status == "under_review":
        await move(session, CLAIM, claim, "submitted", actor=reviewer, at=now)
    await _state(session, reviewer, claim, "release_lease", now)


async def find_leased(
    session: AsyncSession, reviewer: Principal, claim_id: UUID, system_now: datetime
) -> Claim:
    """The locked claim, for who holds its lease; raises LeaseNeeded, LeaseHeld (409)."""
    claim = await find_to_decide(session, reviewer, claim_id)
    if claim.status not in LEASED:
        raise NotReviewable(status=claim.status)
    if _held_by_other(claim, reviewer, system_now) and claim.lease_until is not None:
        raise LeaseHeld(claim.lease_until)
    if claim.lease_holder_id != reviewer.id or claim.lease_until is None:
        raise LeaseNeeded
    if claim.lease_until <= system_now:
        raise LeaseNeeded
    # Activity renews the lease.
    lend(claim, reviewer.id, system_now)
    return claim


def lend(claim: Claim, holder_id: UUID, system_now: datetime) -> None:
    """Ten minutes from now for the holder, up to two hours since the holder took it."""
    live = claim.lease_until is not None and claim.lease_until > system_now
    since = claim.lease_since if live and claim.lease_holder_id == holder_id else None
    claim.lease_holder_id, claim.lease_since = holder_id, since or system_now
    claim.lease_until = min(system_now + LEASE, claim.lease_since + LONGEST_LEASE)


def _held_by_other(claim: Claim, reviewer: Principal, system_now: datetime) -> bool:
    live = claim.lease_until is not None and claim.lease_until > system_now
    return live and claim.lease_holder_id != reviewer.id


async def accept_document(
    session: AsyncSession,
    reviewer: Principal,
    claim_id: UUID,
    document_id: UUID,
    now: datetime,
    system_now: datetime,
) -> Claim:
    """This file is what it should be; raises DocumentNotFound (404), InvalidTransition (409)."""
    claim = await find_leased(session, reviewer, claim_id, system_now)
    document = await _document(session, claim, document_id)
    if document.status != "accepted":
        await _review(session, reviewer, document, "accepted", None, now)
        await _state(session, reviewer, claim, "accept_document", now, document)
    return claim


async def return_document(
    session: AsyncSession,
    vault: Vault,
    reviewer: Principal,
    claim_id: UUID,
    document_id: UUID,
    body: ReturnBody,
    now: datetime,
    system_now: datetime,
) -> Claim:
    """Send one file back: the claim waits for its member and the review clock stops.

    Further files may be returned while the lease lasts. Raises NoteNeeded (422) when the
    reason says that there is one, DocumentNotFound (404), InvalidTransition (409).
    """
    if body.reason_code == "see-note" and body.note is None:
        raise NoteNeeded
    claim = await find_leased(session, reviewer, claim_id, system_now)
    document = await _document(session, claim, document_id)
    document.reason_code = body.reason_code
    document.sealed = vault.seal("claim_document", document.id, {"note": body.note})
    await _review(session, reviewer, document, "returned", body.reason_code, now)
    await unprove(session, claim, document.id)
    if claim.status == "under_review":
        await move(
            session,
            CLAIM,
            claim,
            "waiting_for_member",
            actor=reviewer,
            at=now,
            reason_code=body.reason_code,
        )
        await promises.stop(session, claim, "review", "waiting-for-member", now)
    content = {"document_id": str(document.id), "reason_code": body.reason_code}
    returned = Fact("claim", claim.id, "claim.return_document", CLAIM_RETURNED, content)
    await state(session, [returned], actor=reviewer, at=now)
    return claim


async def pause(
    session: AsyncSession,
    reviewer: Principal,
    claim_id: UUID,
    reason_code: str,
    now: datetime,
    system_now: datetime,
) -> Claim:
    """Another body owes an answer: the promise waits. Raises ClockStands, NotReviewable (409)."""
    claim = await find_leased(session, reviewer, claim_id, system_now)
    if claim.status != "under_review":
        raise NotReviewable(status=claim.status)
    if claim.clock_stopped_at is not None:
        raise ClockStands
    await promises.stop(session, claim, "review", reason_code, now)
    stopped = Fact("claim", claim.id, "claim.pause", None, {"reason_code": reason_code})
    await state(session, [stopped], actor=reviewer, at=now)
    return claim


async def go_on(session: AsyncSession, reviewer: Principal, claim_id: UUID, now: datetime) -> Claim:
    """The answer is there: the promise goes on with the days that were left; again it does
    nothing."""
    claim = await find_to_decide(session, reviewer, claim_id)
    # What waits for the member or for survivors goes on with what they do.
    if await promises.waits_for(session, claim.id, "review") in PAUSES:
        await promises.resume(session, claim, "review", now)
        await reorder(session, claim)
        await _state(session, reviewer, claim, "go_on", now)
    return claim


async def _document(session: AsyncSession, claim: Claim, document_id: UUID) -> ClaimDocument:
    found = await queries.document_of(session, claim.id, document_id)
    if found is None:
        raise DocumentNotFound
    return found[0]


async def _review(
    session: AsyncSession,
    reviewer: Principal,
    document: ClaimDocument,
    status: str,
    reason: str | None,
    now: datetime,
) -> None:
    await move(session, DOCUMENT, document, status, actor=reviewer, at=now, reason_code=reason)
    document.reviewed_by, document.reviewed_at = reviewer.id, now
    if status == "accepted":
        document.reason_code = document.sealed = None
    await session.flush()


async def _state(
    session: AsyncSession,
    reviewer: Principal,
    claim: Claim,
    verb: str,
    now: datetime,
    document: ClaimDocument | None = None,
) -> None:
    content = {} if document is None else {"document_id": str(document.id)}
    done = Fact("claim", claim.id, f"claim.{verb}", None, content)
    await state(session, [done], actor=reviewer, at=now)
