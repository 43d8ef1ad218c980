"""The member's moves: submitting a complete claim, and withdrawing one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import promises, queries
from app.claims.amounts import case_of_claim
from app.claims.errors import ClaimNotFound, IncidentInFuture, MissingDocuments, NotCovered
from app.claims.events import CLAIM_SUBMITTED, CLAIM_WITHDRAWN, DECIDE_BY_RULE
from app.claims.facts import facts_known, release_receipts
from app.claims.life_errors import DecidedAlready
from app.claims.models import CLAIM, Claim
from app.claims.noticing import notice
from app.claims.papers import states_of
from app.claims.signals import reorder
from app.claims.survivors import require_whole
from app.claims.terms import terms_of
from app.claims.year import self_pay_of
from app.kernel.facts import Fact, state
from app.kernel.jobs import enqueue
from app.kernel.principal import Principal
from app.kernel.problems import Forbidden, InvalidTransition
from app.kernel.transitions import move
from app.kernel.vault import Vault
from app.plans.terms import PlanTerms


async def submit(
    session: AsyncSession, vault: Vault, actor: Principal, claim_id: UUID, now: datetime
) -> Claim:
    """Hand a complete claim in; one that is in already stays as it is.

    The review clock starts with the first submission and goes on, with the days that
    were left, after each return. Raises ClaimNotFound (404), MissingDocuments,
    InvalidTransition (409).
    """
    claim = await queries.find_locked(session, actor, claim_id)
    if claim is None:
        raise ClaimNotFound
    if claim.status in ("submitted", "under_review"):
        return claim
    terms = await terms_of(session, claim)
    await require_complete(session, claim, terms)
    # A claim with the second person moves to `submitted` too, but by that person alone.
    if claim.status not in ("draft", "waiting_for_member"):
        raise InvalidTransition(current=claim.status, target="submitted")
    first = claim.submitted_at is None
    await move(
        session, CLAIM, claim, "submitted", actor=actor, at=now, on_behalf_of=_for(actor, claim)
    )
    if first:
        claim.submitted_at = now
        await promises.promise(session, claim, "review", terms.claims.review, now)
    else:
        await promises.resume(session, claim, "review", now)
    await set_rank(session, vault, claim, now)
    claim.lease_holder_id = claim.lease_until = claim.lease_since = None
    await session.flush()
    await notice(session, vault, claim, now)
    if first and terms.claims.straight_through_up_to is not None:
        await enqueue(session, DECIDE_BY_RULE, {"claim_id": str(claim.id)})
    submitted = Fact("claim", claim.id, "claim.submit", CLAIM_SUBMITTED)
    await state(session, [submitted], actor=actor, at=now, on_behalf_of=_for(actor, claim))
    return claim


async def set_rank(session: AsyncSession, vault: Vault, claim: Claim, now: datetime) -> None:
    """Put the claim where its promised day, the money at stake and hardship belong.

    At stake is what the member lost, or what the plan pays for the facts as stated: of a
    fixed sum nobody states a loss.
    """
    facts = await facts_known(session, vault, claim)
    lost = facts.get("loss_fen") or self_pay_of(facts)
    claim.at_stake_fen = max(lost, await _payable(session, claim, facts, now))
    await reorder(session, claim)


async def _payable(
    session: AsyncSession, claim: Claim, facts: Mapping[str, Any], now: datetime
) -> int:
    """Fen, as far as the facts tell; nothing where they or the cover do not."""
    try:
        case = await case_of_claim(session, claim, await terms_of(session, claim), facts, now)
    except (NotCovered, IncidentInFuture):
        return 0
    found = case.assess()
    return 0 if found.failed or found.missing else found.amount_fen


async def require_complete(session: AsyncSession, claim: Claim, terms: PlanTerms) -> None:
    """Raise MissingDocuments (409) naming each kind that is missing or was returned, or
    ClaimantsMissing (409)."""
    if claim.for_survivors:
        await require_whole(session, claim)
    states = await states_of(session, claim, terms)
    missing = [kind for kind, found in states.items() if found in ("missing", "returned")]
    if missing:
        raise MissingDocuments(missing, [terms.document_name(kind) for kind in missing])


async def withdraw(session: AsyncSession, actor: Principal, claim_id: UUID, now: datetime) -> Claim:
    """Take the whole claim back before it is decided; its receipts may be used again.

    Of several survivors whoever opened it may. Raises ClaimNotFound (404), Forbidden (403),
    InvalidTransition, DecidedAlready (409).
    """
    claim = await queries.find_locked(session, actor, claim_id)
    if claim is None:
        raise ClaimNotFound
    if claim.for_survivors and claim.claimed_by != actor.id:
        raise Forbidden
    await take_back(session, actor, claim, now)
    return claim


async def take_back(session: AsyncSession, actor: Principal, claim: Claim, now: datetime) -> None:
    """Withdraw a locked claim; raises InvalidTransition, DecidedAlready (409)."""
    if claim.decided_at is not None and claim.status != "withdrawn":
        raise DecidedAlready
    await move(session, CLAIM, claim, "withdrawn", actor=actor, at=now)
    claim.lease_holder_id = claim.lease_until = claim.lease_since = None
    await session.flush()
    await release_receipts(session, claim, now)
    await promises.end(session, claim, "review", now, void=True)
    withdrawn = Fact("claim", claim.id, "claim.withdraw", CLAIM_WITHDRAWN)
    await state(session, [withdrawn], actor=actor, at=now)


def _for(actor: Principal, claim: Claim) -> UUID | None:
    return None if actor.kind == "member" else claim.person_id
