"""Small claims decided by rule: every check green, no signal, or the queue as ever."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import queries
from app.claims.amounts import Case, case_of_claim
from app.claims.capturing import captured
from app.claims.deciding import Sitting, approved, finding, record_approval
from app.claims.decision_models import Decision
from app.claims.errors import IncidentInFuture, NotCovered
from app.claims.facts import facts_known
from app.claims.models import DOCUMENT, Claim, Incident
from app.claims.noticing import notice
from app.claims.opening import covered_days
from app.claims.papers import states_of
from app.claims.receipts import differences, readings_of
from app.claims.signals import signals_of
from app.claims.terms import terms_of
from app.kernel.clock import business_day
from app.kernel.principal import SYSTEM
from app.kernel.transitions import move
from app.kernel.vault import Vault
from app.plans.assessment import Assessment
from app.plans.terms import PlanTerms
from app.policies.models import Policy


async def decide_by_rule(
    session: AsyncSession, vault: Vault, claim_id: UUID, now: datetime, check_one_in: int
) -> Sequence[str]:
    """Decide a claim that was just handed in, or leave it in the queue, unmarked.

    Returns the codes of the checks that kept it from being decided; empty when it was.
    One in `check_one_in`, always the same ones, is put on a list for a person.
    """
    claim = await queries.locked(session, claim_id)
    if claim.status != "submitted" or claim.round > 1 or claim.lease_holder_id is not None:
        return ["not-fresh"]
    if claim.for_survivors:
        return ["survivors"]
    await notice(session, vault, claim, now)
    terms = await terms_of(session, claim)
    facts = await facts_known(session, vault, claim)
    try:
        case = await case_of_claim(session, claim, terms, facts, now)
    except (NotCovered, IncidentInFuture):
        return ["not-covered"]
    found = case.assess()
    odd = [
        *_amount(terms, found),
        *await _documents(session, claim, terms),
        *await _receipts(session, vault, claim, facts, now),
        *await _signals(session, claim),
    ]
    if odd:
        return odd
    await _approve(Sitting(session, vault, SYSTEM, claim, terms, now), case, found, facts)
    if checked_afterwards(claim.id, check_one_in):
        claim.after_check = "due"
        await session.flush()
    return []


def checked_afterwards(claim_id: UUID, one_in: int) -> bool:
    """Whether a person looks at the claim afterwards: the same answer every time."""
    digest = hashlib.sha256(claim_id.bytes).digest()
    return int.from_bytes(digest[:8], "big") % one_in == 0


async def _approve(
    sitting: Sitting, case: Case, found: Assessment, facts: Mapping[str, Any]
) -> None:
    session, claim, now = sitting.session, sitting.claim, sitting.now
    for document, _ in await queries.documents_of(session, claim.id):
        if document.status == "waiting":
            await move(session, DOCUMENT, document, "accepted", actor=SYSTEM, at=now)
            document.reviewed_at = now
    told = await finding(sitting, case, found, facts)
    claim.decided_by_rule = True
    await record_approval(sitting, told, None)
    await approved(sitting, [])


def _amount(terms: PlanTerms, found: Assessment) -> list[str]:
    limit = terms.claims.straight_through_up_to
    if limit is None:
        return ["not-offered"]
    if found.failed or found.missing or not found.amount_fen:
        return ["no-amount"]
    return ["above-the-limit"] if found.amount_fen > limit.fen else []


async def _documents(session: AsyncSession, claim: Claim, terms: PlanTerms) -> list[str]:
    """Every kind is there, proven and not erased; who the member is was verified."""
    found = await queries.documents_of(session, claim.id)
    if any(stored.erased_at is not None for _, stored in found):
        return ["file-gone"]
    for kind, state in (await states_of(session, claim, terms)).items():
        if state != "verified" if kind == "identity" else state not in ("waiting", "accepted"):
            return [f"document-{kind.replace('_', '-')}"]
    return []


async def _receipts(
    session: AsyncSession, vault: Vault, claim: Claim, facts: Mapping[str, Any], now: datetime
) -> list[str]:
    """Captured whole, of days between the incident and now inside the cover, and enough."""
    receipts = await queries.receipts_of(session, claim.id)
    incident = await queries.incident_of(session, claim)
    first, after = await _days(session, claim, incident)
    odd = []
    if not receipts:
        odd.append("receipt-not-captured")
    readings = await readings_of(session, claim.id)
    if any(differences(each, readings) for each in receipts):
        odd.append("receipt-differs")
    if not all(captured(vault, each) for each in receipts):
        odd.append("receipt-incomplete")
    last = business_day(now)
    if not all(first <= each.issued_on < after and each.issued_on <= last for each in receipts):
        odd.append("receipt-day")
    claimed = facts.get("self_pay_fen") or 0
    if sum(each.amount_fen for each in receipts) < claimed:
        odd.append("receipts-below-claim")
    return odd


async def _days(session: AsyncSession, claim: Claim, incident: Incident) -> tuple[date, date]:
    policy = await session.get_one(Policy, claim.policy_id)
    _, ends_on = await covered_days(session, policy, incident.occurred_at)
    return business_day(incident.occurred_at), ends_on


async def _signals(session: AsyncSession, claim: Claim) -> list[str]:
    """Nothing odd about the claim, and nothing of the person's was ever found not genuine."""
    odd = [f"signal-{signal.kind}" for signal in await signals_of(session, claim.id)]
    not_genuine = await session.scalar(
        select(Decision.id)
        .join(Claim, Claim.id == Decision.claim_id)
        .where(Claim.person_id == claim.person_id, Decision.reason_code == "not-genuine")
        .limit(1)
    )
    if not_genuine is not None:
        odd.append("standing")
    return odd
