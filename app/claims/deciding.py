"""What every decision does, whoever takes it: its row, its line, its use of limits, its end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import promises, queries
from app.claims.amounts import Case
from app.claims.comparing import Comparison, changed_facts, compare
from app.claims.decision_models import ClaimLine, Decision
from app.claims.errors import DocumentsNotAccepted
from app.claims.events import CLAIM_APPROVED
from app.claims.facts import givers_of
from app.claims.life_models import ClaimAppeal
from app.claims.models import CLAIM, Claim
from app.claims.papers import states_of
from app.claims.paying import pay
from app.claims.survivors import require_kinship
from app.claims.uses import record_use
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.transitions import move
from app.kernel.vault import Vault
from app.plans.assessment import Assessment
from app.plans.explanation import explain
from app.plans.terms import PlanTerms


@dataclass(frozen=True, slots=True)
class Sitting:
    """One decision being taken: by whom, on which claim, when."""

    session: AsyncSession
    vault: Vault
    actor: Principal
    claim: Claim
    terms: PlanTerms
    now: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """What the engine found for the accepted facts, told, and held against the claimed ones."""

    found: Assessment
    facts: Mapping[str, Any]
    explanation: Mapping[str, Any]
    comparison: Comparison

    def content(self, note: str | None) -> dict[str, Any]:
        """What is sealed with the decision."""
        return {
            "note": note,
            "facts": self.facts,
            "explanation": self.explanation,
            **self.comparison.record(),
        }


async def finding(
    sitting: Sitting, case: Case, found: Assessment, facts: Mapping[str, Any]
) -> Finding:
    """The found amount with its explanation and what each changed fact cost."""
    changes = await changed_facts(sitting.session, sitting.vault, sitting.claim.id)
    return Finding(
        found,
        facts,
        explain(sitting.terms, found, await givers_of(sitting.session, sitting.claim.id)),
        compare(case, facts, found.amount_fen, changes),
    )


async def record(
    sitting: Sitting,
    step: str,
    verdict: str,
    content: Mapping[str, Any],
    *,
    amount: int | None = None,
    reason: str | None = None,
    partly: bool = False,
) -> Decision:
    """The decision's row; the system decides by rule and has no name."""
    decision_id = new_id()
    by_rule = sitting.actor.kind == "system"
    decision = Decision(
        id=decision_id,
        claim_id=sitting.claim.id,
        round=sitting.claim.round,
        stage=sitting.claim.stage,
        step=step,
        verdict=verdict,
        amount_fen=amount,
        reason_code=reason,
        partly=partly,
        sealed=sitting.vault.seal("decision", decision_id, dict(content)),
        by_rule=by_rule,
        decided_by=None if by_rule else sitting.actor.id,
        decided_at=sitting.now,
    )
    sitting.session.add(decision)
    await sitting.session.flush()
    return decision


async def record_approval(sitting: Sitting, told: Finding, note: str | None) -> Decision:
    """The first word for an amount: decision, line, use of limits; the claim carries it."""
    claim, found = sitting.claim, told.found
    decision = await record(
        sitting,
        "first",
        "approve",
        told.content(note),
        amount=found.amount_fen,
        partly=told.comparison.partly,
    )
    line_id = new_id()
    sealed = {"facts": told.facts, "explanation": told.explanation}
    sitting.session.add(
        ClaimLine(
            id=line_id,
            claim_id=claim.id,
            decision_id=decision.id,
            benefit_code=claim.benefit_code,
            amount_fen=found.amount_fen,
            outcome={"limits": [limit.limit.per for limit in found.limits if limit.bit]},
            sealed=sitting.vault.seal("claim_line", line_id, sealed),
        )
    )
    incident = await queries.incident_of(sitting.session, claim)
    await record_use(
        sitting.session, claim, incident, decision, found.amount_fen, found.counters, sitting.now
    )
    claim.amount_fen = found.amount_fen
    claim.lease_holder_id = claim.lease_until = claim.lease_since = None
    await sitting.session.flush()
    return decision


async def approved(sitting: Sitting, approvers: list[UUID]) -> None:
    """Everybody who had to has agreed: the member is told, and the money goes its way."""
    claim = sitting.claim
    await move(sitting.session, CLAIM, claim, "approved", actor=sitting.actor, at=sitting.now)
    claim.decided_at = sitting.now
    await sitting.session.flush()
    await promises.end(sitting.session, claim, "review", sitting.now)
    await promises.promise(
        sitting.session, claim, "payout", sitting.terms.claims.payout, sitting.now
    )
    await end_appeal(sitting, "decided_anew")
    told = {"amount_fen": claim.amount_fen, "approvers": [str(each) for each in approvers]}
    if claim.decided_by_rule:
        told["by_rule"] = True
    if claim.paid_before_fen:
        told["paid_before_fen"] = claim.paid_before_fen
    agreed = Fact("claim", claim.id, "claim.approve", CLAIM_APPROVED, told)
    await state(sitting.session, [agreed], actor=sitting.actor, at=sitting.now)
    await pay(sitting.session, sitting.actor, claim, sitting.now)


async def end_appeal(sitting: Sitting, outcome: str) -> None:
    """Say how the appeal under way has ended, if there is one."""
    appeal = await sitting.session.scalar(
        select(ClaimAppeal).where(
            ClaimAppeal.claim_id == sitting.claim.id, ClaimAppeal.outcome.is_(None)
        )
    )
    if appeal is not None:
        appeal.outcome, appeal.ended_at = outcome, sitting.now
        await sitting.session.flush()


async def require_accepted(session: AsyncSession, claim: Claim, terms: PlanTerms) -> None:
    """Raise DocumentsNotAccepted (409) naming each kind that nobody has accepted, or
    KinshipNotProven (409)."""
    states = await states_of(session, claim, terms)
    still_open = [kind for kind, found in states.items() if found not in ("accepted", "verified")]
    if still_open:
        raise DocumentsNotAccepted(still_open)
    if claim.for_survivors:
        await require_kinship(session, claim)
