"""Deciding: approve by the engine or deny with a reason; above the limit by two people."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import clocks, queries
from app.claims.amounts import assess_claim, assess_to_nothing
from app.claims.bodies import (
    ApproveBody,
    DecisionBody,
    DenyBody,
    SecondApprovalBody,
    SecondReturnBody,
)
from app.claims.errors import (
    AmountChanged,
    DocumentsNotAccepted,
    NotReviewable,
    SecondPersonNeeded,
    UnknownReason,
)
from app.claims.events import CLAIM_APPROVED, CLAIM_DENIED, REVIEW_DUE
from app.claims.facts import facts_known, give_facts, givers_of, release_receipts
from app.claims.models import CLAIM, Claim, ClaimLine, Decision
from app.claims.paying import pay
from app.claims.review import find_leased, find_to_decide
from app.claims.terms import state_of_kind, terms_of
from app.claims.uses import record_use, reverse_uses
from app.claims.words import DENIAL_REASONS
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id
from app.kernel.jobs import unschedule
from app.kernel.principal import Principal
from app.kernel.transitions import move
from app.kernel.vault import Vault
from app.members.models import Person
from app.plans.assessment import Assessment
from app.plans.explanation import explain
from app.plans.terms import PlanTerms


async def decide(
    session: AsyncSession,
    vault: Vault,
    reviewer: Principal,
    claim_id: UUID,
    body: DecisionBody,
    now: datetime,
    system_now: datetime,
) -> Claim:
    """The first decision, by the holder of the lease.

    Approving needs every document accepted; facts given with it are recorded first. Up
    to the plan's limit the claim is approved and paid, above it a second person follows.
    Raises LeaseNeeded, NotReviewable, DocumentsNotAccepted (409), ConditionNotMet,
    FactsMissing, UnknownReason (422).
    """
    claim = await find_leased(session, reviewer, claim_id, system_now)
    if claim.status != "under_review":
        raise NotReviewable(status=claim.status)
    if isinstance(body, DenyBody):
        return await _deny(session, vault, reviewer, claim, body, now)
    return await _approve(session, vault, reviewer, claim, body, now)


async def _deny(
    session: AsyncSession,
    vault: Vault,
    reviewer: Principal,
    claim: Claim,
    body: DenyBody,
    now: datetime,
) -> Claim:
    terms = await terms_of(session, claim)
    _require_reason(terms, claim, body.reason_code)
    facts = await facts_known(session, vault, claim)
    nothing = None
    if body.reason_code in ("nothing-payable", "used-up"):
        nothing = await assess_to_nothing(session, claim, terms, facts, now)
    explanation = None
    if nothing is not None:
        explanation = explain(terms, nothing, await givers_of(session, claim.id))
    content: dict[str, Any] = {"note": body.note, "facts": facts, "explanation": explanation}
    decision = await _record(
        session, vault, reviewer, claim, "first", "deny", content, now, reason=body.reason_code
    )
    if nothing is not None:
        incident = await queries.incident_of(session, claim)
        await record_use(session, claim, incident, decision, 0, nothing.counters, now)
    await move(
        session, CLAIM, claim, "denied", actor=reviewer, at=now, reason_code=body.reason_code
    )
    claim.decided_at, claim.lease_holder_id, claim.lease_until = now, None, None
    await session.flush()
    await release_receipts(session, claim, now)
    await unschedule(session, REVIEW_DUE, claim.id)
    told = {"reason_code": body.reason_code}
    denied = Fact("claim", claim.id, "claim.deny", CLAIM_DENIED, told)
    await state(session, [denied], actor=reviewer, at=now)
    return claim


def _require_reason(terms: PlanTerms, claim: Claim, code: str) -> None:
    own = [condition.code for condition in terms.benefit(claim.benefit_code).conditions]
    if code not in DENIAL_REASONS and code not in own:
        raise UnknownReason([*DENIAL_REASONS, *own])


async def _approve(
    session: AsyncSession,
    vault: Vault,
    reviewer: Principal,
    claim: Claim,
    body: ApproveBody,
    now: datetime,
) -> Claim:
    terms = await terms_of(session, claim)
    await _require_accepted(session, claim, terms)
    facts = await give_facts(
        session, vault, reviewer, claim, terms, body.facts, "as-on-document", now
    )
    found = await assess_claim(session, claim, terms, facts, now)
    explanation = explain(terms, found, await givers_of(session, claim.id))
    content = {"note": body.note, "facts": facts, "explanation": explanation}
    decision = await _record(
        session, vault, reviewer, claim, "first", "approve", content, now, amount=found.amount_fen
    )
    await _line(session, vault, claim, decision, facts, found, explanation)
    incident = await queries.incident_of(session, claim)
    await record_use(session, claim, incident, decision, found.amount_fen, found.counters, now)
    claim.amount_fen = found.amount_fen
    claim.lease_holder_id = claim.lease_until = None
    await session.flush()
    if found.amount_fen > terms.claims.second_approval_above_fen:
        await move(session, CLAIM, claim, "awaiting_second_approval", actor=reviewer, at=now)
        told = {"amount_fen": found.amount_fen}
        first = Fact("claim", claim.id, "claim.approve_first", None, told)
        await state(session, [first], actor=reviewer, at=now)
        return claim
    await _approved(session, reviewer, claim, terms, [reviewer.id], now)
    return claim


async def second_approval(
    session: AsyncSession,
    vault: Vault,
    supervisor: Principal,
    claim_id: UUID,
    body: SecondApprovalBody,
    now: datetime,
) -> Claim:
    """The second person's word on an amount above the plan's limit.

    The amount is computed again: limits may have been used meanwhile (AmountChanged,
    409). Raises NotReviewable, SecondPersonNeeded (409), ConflictOfInterest (403).
    """
    claim = await find_to_decide(session, supervisor, claim_id)
    if claim.status != "awaiting_second_approval":
        raise NotReviewable(status=claim.status)
    first = await queries.first_decision(session, claim)
    if first is None or first.decided_by == supervisor.id:
        raise SecondPersonNeeded
    if isinstance(body, SecondReturnBody):
        return await _send_back(session, vault, supervisor, claim, body, now)
    terms = await terms_of(session, claim)
    await _require_accepted(session, claim, terms)
    facts = await facts_known(session, vault, claim)
    found = await assess_claim(session, claim, terms, facts, now)
    if found.amount_fen != claim.amount_fen:
        raise AmountChanged
    explanation = explain(terms, found, await givers_of(session, claim.id))
    content = {"note": body.note, "facts": facts, "explanation": explanation}
    await _record(
        session,
        vault,
        supervisor,
        claim,
        "second",
        "approve",
        content,
        now,
        amount=found.amount_fen,
    )
    approvers = [first.decided_by, supervisor.id]
    await _approved(session, supervisor, claim, terms, approvers, now)
    return claim


async def _send_back(
    session: AsyncSession,
    vault: Vault,
    supervisor: Principal,
    claim: Claim,
    body: SecondReturnBody,
    now: datetime,
) -> Claim:
    content: dict[str, Any] = {"note": body.note, "facts": {}, "explanation": None}
    await _record(session, vault, supervisor, claim, "second", "return", content, now)
    await move(session, CLAIM, claim, "submitted", actor=supervisor, at=now)
    claim.amount_fen, claim.round = None, claim.round + 1
    await session.flush()
    await reverse_uses(session, claim, now)
    returned = Fact("claim", claim.id, "claim.return_to_review")
    await state(session, [returned], actor=supervisor, at=now)
    return claim


async def _approved(
    session: AsyncSession,
    actor: Principal,
    claim: Claim,
    terms: PlanTerms,
    approvers: list[UUID],
    now: datetime,
) -> None:
    await move(session, CLAIM, claim, "approved", actor=actor, at=now)
    payout = terms.claims.payout
    claim.decided_at = now
    claim.payout_due_at = clocks.due_at(now, payout.length, payout.unit)
    await session.flush()
    await unschedule(session, REVIEW_DUE, claim.id)
    told = {"amount_fen": claim.amount_fen, "approvers": [str(each) for each in approvers]}
    approved = Fact("claim", claim.id, "claim.approve", CLAIM_APPROVED, told)
    await state(session, [approved], actor=actor, at=now)
    await pay(session, actor, claim, now)


async def _require_accepted(session: AsyncSession, claim: Claim, terms: PlanTerms) -> None:
    person = await session.get_one(Person, claim.person_id)
    files = [file for file, _ in await queries.documents_of(session, claim.id)]
    still_open = [
        kind
        for kind in terms.documents(claim.benefit_code)
        if state_of_kind(kind, files, identity_verified=person.verified_at is not None)
        not in ("accepted", "verified")
    ]
    if still_open:
        raise DocumentsNotAccepted(still_open)


async def _record(
    session: AsyncSession,
    vault: Vault,
    actor: Principal,
    claim: Claim,
    step: str,
    verdict: str,
    content: dict[str, Any],
    now: datetime,
    *,
    amount: int | None = None,
    reason: str | None = None,
) -> Decision:
    decision_id = new_id()
    decision = Decision(
        id=decision_id,
        claim_id=claim.id,
        round=claim.round,
        step=step,
        verdict=verdict,
        amount_fen=amount,
        reason_code=reason,
        sealed=vault.seal("decision", decision_id, content),
        decided_by=actor.id,
        decided_at=now,
    )
    session.add(decision)
    await session.flush()
    return decision


async def _line(
    session: AsyncSession,
    vault: Vault,
    claim: Claim,
    decision: Decision,
    facts: dict[str, Any],
    found: Assessment,
    explanation: dict[str, Any],
) -> None:
    line_id = new_id()
    session.add(
        ClaimLine(
            id=line_id,
            claim_id=claim.id,
            decision_id=decision.id,
            benefit_code=claim.benefit_code,
            amount_fen=found.amount_fen,
            outcome={"limits": [limit.limit.per for limit in found.limits if limit.bit]},
            sealed=vault.seal("claim_line", line_id, {"facts": facts, "explanation": explanation}),
        )
    )
    await session.flush()
