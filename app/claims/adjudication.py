"""Deciding: approve by the engine, deny with a reason, or leave standing what was decided."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import promises, queries
from app.claims.amounts import assess_claim, assess_to_nothing
from app.claims.bodies import (
    ApproveBody,
    DecisionBody,
    DenyBody,
    SecondApprovalBody,
    SecondReturnBody,
    UpholdBody,
)
from app.claims.capturing import require_captured
from app.claims.deciding import (
    Sitting,
    approved,
    end_appeal,
    finding,
    record,
    record_approval,
    require_accepted,
)
from app.claims.errors import (
    AmountChanged,
    NotReviewable,
    SecondPersonNeeded,
    UnknownReason,
)
from app.claims.events import CLAIM_DENIED, CLAIM_UPHELD
from app.claims.facts import facts_known, give_facts, givers_of, release_receipts
from app.claims.life_errors import NothingMore, NothingToUphold
from app.claims.models import CLAIM, Claim
from app.claims.noticing import notice, require_stranger
from app.claims.review import find_leased, find_to_decide
from app.claims.signals import require_judged
from app.claims.terms import terms_of
from app.claims.uses import record_use, reverse_unpaid_uses, reverse_uses
from app.claims.words import DENIAL_REASONS
from app.kernel.facts import Fact, state
from app.kernel.principal import Principal
from app.kernel.transitions import move
from app.kernel.vault import Vault
from app.plans.explanation import explain


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

    Approving needs every document accepted and a receipt captured; facts given with it are
    recorded first. Up to the plan's limit the claim is approved and paid, above it a second
    person follows. What earlier rounds paid stays paid: only more can be approved, or that
    outcome upheld.
    Raises LeaseNeeded, NotReviewable, DocumentsNotAccepted, ReceiptNotCaptured, SignalsOpen,
    NothingMore, NothingToUphold (409), AmountDue, ConditionNotMet, FactsMissing,
    UnknownReason (422).
    """
    claim = await find_leased(session, reviewer, claim_id, system_now)
    if claim.status != "under_review":
        raise NotReviewable(status=claim.status)
    sitting = Sitting(session, vault, reviewer, claim, await terms_of(session, claim), now)
    if isinstance(body, DenyBody):
        await _deny(sitting, body)
    elif isinstance(body, UpholdBody):
        await _uphold(sitting, body)
    else:
        await _approve(sitting, body)
    return claim


async def _deny(sitting: Sitting, body: DenyBody) -> None:
    session, claim, now = sitting.session, sitting.claim, sitting.now
    if claim.paid_before_fen:
        raise NothingMore(claim.paid_before_fen)
    _require_reason(sitting, body.reason_code)
    facts = await facts_known(session, sitting.vault, claim)
    nothing = None
    if body.reason_code in ("nothing-payable", "used-up"):
        nothing = await assess_to_nothing(session, claim, sitting.terms, facts, now)
    explanation = None
    if nothing is not None:
        explanation = explain(sitting.terms, nothing, await givers_of(session, claim.id))
    content: dict[str, Any] = {"note": body.note, "facts": facts, "explanation": explanation}
    decision = await record(sitting, "first", "deny", content, reason=body.reason_code)
    if nothing is None:
        await reverse_unpaid_uses(session, claim, now)
    else:
        incident = await queries.incident_of(session, claim)
        await record_use(session, claim, incident, decision, 0, nothing.counters, now)
    await _denied(sitting, body.reason_code)
    told = {"reason_code": body.reason_code}
    denied = Fact("claim", claim.id, "claim.deny", CLAIM_DENIED, told)
    await state(session, [denied], actor=sitting.actor, at=now)


async def _denied(sitting: Sitting, reason_code: str) -> None:
    claim, now = sitting.claim, sitting.now
    await move(
        sitting.session,
        CLAIM,
        claim,
        "denied",
        actor=sitting.actor,
        at=now,
        reason_code=reason_code,
    )
    _let_go(claim, now)
    await sitting.session.flush()
    await release_receipts(sitting.session, claim, now)
    await promises.end(sitting.session, claim, "review", now)
    await end_appeal(sitting, "upheld")


def _let_go(claim: Claim, now: datetime) -> None:
    claim.decided_at = now
    claim.lease_holder_id = claim.lease_until = claim.lease_since = None


async def _uphold(sitting: Sitting, body: UpholdBody) -> None:
    """The decision before stands: after an appeal for good, after reopening until the next."""
    session, claim, now = sitting.session, sitting.claim, sitting.now
    before = await queries.outcome_before(session, claim)
    if before is None:
        raise NothingToUphold
    if before.verdict == "approve":
        await require_judged(session, claim.id)
    await record(sitting, "first", "uphold", {"note": body.note, "facts": {}, "explanation": None})
    if before.verdict == "deny":
        await _denied(sitting, before.reason_code or "")
    else:
        await move(session, CLAIM, claim, "paid", actor=sitting.actor, at=now, reason_code="upheld")
        _let_go(claim, now)
        await session.flush()
        await promises.end(session, claim, "review", now)
        await end_appeal(sitting, "upheld")
    told = {"verdict": before.verdict, "stage": claim.stage}
    upheld = Fact("claim", claim.id, "claim.uphold", CLAIM_UPHELD, told)
    await state(session, [upheld], actor=sitting.actor, at=now)


def _require_reason(sitting: Sitting, code: str) -> None:
    own = [
        condition.code for condition in sitting.terms.benefit(sitting.claim.benefit_code).conditions
    ]
    if code not in DENIAL_REASONS and code not in own:
        raise UnknownReason([*DENIAL_REASONS, *own])


async def _approve(sitting: Sitting, body: ApproveBody) -> None:
    session, claim, now = sitting.session, sitting.claim, sitting.now
    await require_accepted(session, claim, sitting.terms)
    await require_captured(session, sitting.vault, claim)
    await notice(session, sitting.vault, claim, now)
    await require_judged(session, claim.id)
    facts = await give_facts(
        session,
        sitting.vault,
        sitting.actor,
        claim,
        sitting.terms,
        body.facts,
        "as-on-document",
        now,
    )
    case, found = await assess_claim(session, claim, sitting.terms, facts, now)
    if found.amount_fen <= claim.paid_before_fen:
        raise NothingMore(claim.paid_before_fen, found.amount_fen)
    told = await finding(sitting, case, found, facts)
    await record_approval(sitting, told, body.note)
    if found.amount_fen > sitting.terms.claims.second_approval_above_fen:
        await move(session, CLAIM, claim, "awaiting_second_approval", actor=sitting.actor, at=now)
        content = {"amount_fen": found.amount_fen}
        first = Fact("claim", claim.id, "claim.approve_first", None, content)
        await state(session, [first], actor=sitting.actor, at=now)
        return
    await approved(sitting, [sitting.actor.id])


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
    409). Raises NotReviewable, SecondPersonNeeded, ReceiptNotCaptured, SignalsOpen,
    DecidedBefore (409), ConflictOfInterest (403).
    """
    claim = await find_to_decide(session, supervisor, claim_id)
    if claim.status != "awaiting_second_approval":
        raise NotReviewable(status=claim.status)
    first = await queries.first_decision(session, claim)
    if first is None or first.decided_by is None or first.decided_by == supervisor.id:
        raise SecondPersonNeeded
    await require_stranger(session, claim, supervisor)
    sitting = Sitting(session, vault, supervisor, claim, await terms_of(session, claim), now)
    if isinstance(body, SecondReturnBody):
        await _send_back(sitting, body)
        return claim
    await require_accepted(session, claim, sitting.terms)
    await require_captured(session, vault, claim)
    await require_judged(session, claim.id)
    facts = await facts_known(session, vault, claim)
    case, found = await assess_claim(session, claim, sitting.terms, facts, now)
    if found.amount_fen != claim.amount_fen:
        raise AmountChanged
    told = await finding(sitting, case, found, facts)
    content, partly = told.content(body.note), told.comparison.partly
    await record(sitting, "second", "approve", content, amount=found.amount_fen, partly=partly)
    await approved(sitting, [first.decided_by, supervisor.id])
    return claim


async def _send_back(sitting: Sitting, body: SecondReturnBody) -> None:
    session, claim, now = sitting.session, sitting.claim, sitting.now
    content: dict[str, Any] = {"note": body.note, "facts": {}, "explanation": None}
    await record(sitting, "second", "return", content)
    await move(session, CLAIM, claim, "submitted", actor=sitting.actor, at=now)
    await reverse_uses(session, claim, now)
    claim.amount_fen, claim.round = claim.paid_before_fen or None, claim.round + 1
    await session.flush()
    returned = Fact("claim", claim.id, "claim.return_to_review")
    await state(session, [returned], actor=sitting.actor, at=now)
