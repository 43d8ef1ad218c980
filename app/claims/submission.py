"""The member's moves: submitting a complete claim, and withdrawing one."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import clocks, queries
from app.claims.errors import ClaimNotFound, MissingDocuments
from app.claims.events import CLAIM_SUBMITTED, CLAIM_WITHDRAWN, REVIEW_DUE
from app.claims.facts import facts_known, release_receipts
from app.claims.models import CLAIM, Claim
from app.claims.terms import state_of_kind, terms_of
from app.claims.words import DOCUMENT_NAMES
from app.kernel.facts import Fact, state
from app.kernel.jobs import schedule, unschedule
from app.kernel.principal import Principal
from app.kernel.transitions import move
from app.kernel.vault import Vault
from app.members.models import Person
from app.plans.terms import PlanTerms

# One hour sooner for each 1,000 yuan at stake, two days at most.
_FEN_PER_HOUR = 100_000
_MOST_AHEAD = timedelta(hours=48)


def rank(due: datetime, at_stake_fen: int) -> datetime:
    """Where a claim stands in the queue: its promised day, less a head start for large sums."""
    return due - min(timedelta(hours=at_stake_fen / _FEN_PER_HOUR), _MOST_AHEAD)


async def submit(
    session: AsyncSession, vault: Vault, actor: Principal, claim_id: UUID, now: datetime
) -> Claim:
    """Hand a complete claim in; one that is in already stays as it is.

    The review clock starts with the first submission and goes on, with the days that
    were left, after each return. Raises ClaimNotFound (404), MissingDocuments (409).
    """
    claim = await queries.find_locked(session, actor, claim_id)
    if claim is None:
        raise ClaimNotFound
    if claim.status in ("submitted", "under_review"):
        return claim
    terms = await terms_of(session, claim)
    await require_complete(session, claim, terms)
    review = terms.claims.review
    if claim.review_due_at is None or claim.clock_stopped_at is None:
        due = clocks.due_at(now, review.length, review.unit)
    else:
        due = clocks.resumed(claim.review_due_at, claim.clock_stopped_at, now, review.unit)
    await move(
        session, CLAIM, claim, "submitted", actor=actor, at=now, on_behalf_of=_for(actor, claim)
    )
    facts = await facts_known(session, vault, claim)
    claim.submitted_at = claim.submitted_at or now
    claim.review_due_at, claim.clock_stopped_at = due, None
    claim.rank_at = rank(due, facts.get("self_pay_fen") or facts.get("loss_fen") or 0)
    claim.lease_holder_id = claim.lease_until = None
    await session.flush()
    await schedule(session, REVIEW_DUE, claim.id, due)
    submitted = Fact("claim", claim.id, "claim.submit", CLAIM_SUBMITTED)
    await state(session, [submitted], actor=actor, at=now, on_behalf_of=_for(actor, claim))
    return claim


async def require_complete(session: AsyncSession, claim: Claim, terms: PlanTerms) -> None:
    """Raise MissingDocuments (409) naming each kind that is missing or was returned."""
    person = await session.get_one(Person, claim.person_id)
    files = [file for file, _ in await queries.documents_of(session, claim.id)]
    missing = [
        kind
        for kind in terms.documents(claim.benefit_code)
        if state_of_kind(kind, files, identity_verified=person.verified_at is not None)
        in ("missing", "returned")
    ]
    if missing:
        raise MissingDocuments(missing, [DOCUMENT_NAMES[kind] for kind in missing])


async def withdraw(session: AsyncSession, actor: Principal, claim_id: UUID, now: datetime) -> Claim:
    """Take the whole claim back before it is decided; its receipts may be used again.

    Raises ClaimNotFound (404), InvalidTransition (409).
    """
    claim = await queries.find_locked(session, actor, claim_id)
    if claim is None:
        raise ClaimNotFound
    await move(session, CLAIM, claim, "withdrawn", actor=actor, at=now)
    claim.lease_holder_id = claim.lease_until = None
    await session.flush()
    await release_receipts(session, claim, now)
    await unschedule(session, REVIEW_DUE, claim.id)
    withdrawn = Fact("claim", claim.id, "claim.withdraw", CLAIM_WITHDRAWN)
    await state(session, [withdrawn], actor=actor, at=now)
    return claim


def _for(actor: Principal, claim: Claim) -> UUID | None:
    return None if actor.kind == "member" else claim.person_id
