"""Claims as their member and their reviewers see them; every showing is recorded by the caller."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import queries
from app.claims.appeals import DECIDED, appeal_until
from app.claims.death_views import claimant_views, survivors_view
from app.claims.errors import ClaimNotFound
from app.claims.facts import facts_known
from app.claims.life_views import (
    appeal_view,
    decision_view,
    promise_views,
    returned_words,
    standing_verdict,
    timeline,
    words,
)
from app.claims.models import Claim, ClaimDocument, ClaimReceipt
from app.claims.papers import states_of
from app.claims.receipts import Readings, differences, readings_of
from app.claims.schemas import (
    ClaimView,
    FactNeededView,
    FileView,
    IncidentView,
    ReadingView,
    ReceiptView,
    RequiredDocumentView,
    StaffClaimView,
)
from app.claims.signal_views import signal_line
from app.claims.signals import signals_of
from app.claims.terms import terms_of
from app.claims.words import (
    MAY_APPEAL,
    NEXT_STEPS,
    SHOWN_AS,
    SHOWN_WORDS,
    STATUS_WORDS,
)
from app.documents.models import StoredObject
from app.kernel import audit
from app.kernel.principal import SYSTEM, Principal
from app.kernel.text import Text
from app.kernel.vault import Vault
from app.members.models import Person
from app.members.service import name_of, person_of
from app.plans.facts import facts_of
from app.plans.plan_views import fact_view
from app.plans.schemas import WordsView
from app.plans.terms import PlanTerms

Files = Sequence[tuple[ClaimDocument, StoredObject]]


async def show(
    session: AsyncSession, vault: Vault, principal: Principal, claim_id: UUID
) -> ClaimView:
    """One claim for who asks to see it, with its row in the read audit; raises ClaimNotFound."""
    claim = await queries.find(session, principal, claim_id)
    if claim is None:
        raise ClaimNotFound
    staff = principal.kind == "staff"
    await audit.record(
        session,
        principal,
        "claim.read",
        subject="claim",
        subject_ids=[claim.id, claim.person_id],
        on_behalf_of=claim.person_id if staff else None,
    )
    if staff:
        return await staff_view(session, vault, claim)
    return await member_view(session, vault, claim, principal)


async def member_view(
    session: AsyncSession, vault: Vault, claim: Claim, member: Principal
) -> ClaimView:
    """The claim for its member, or for a survivor, who sees the others masked."""
    reader = await person_of(session, member.id) if claim.for_survivors else None
    claimants = await claimant_views(session, vault, claim, reader.id if reader else None)
    return ClaimView(**await _content(session, vault, claim), claimants=claimants)


async def staff_view(session: AsyncSession, vault: Vault, claim: Claim) -> StaffClaimView:
    person = await session.get_one(Person, claim.person_id)
    terms = await terms_of(session, claim)
    odd = await signals_of(session, claim.id)
    return StaffClaimView(
        **await _content(session, vault, claim),
        claimants=await claimant_views(session, vault, claim, None),
        survivors=await survivors_view(session, vault, claim, terms),
        member_name=name_of(vault, person),
        managing_organisation_id=claim.managing_organisation_id,
        receiving_organisation_id=claim.receiving_organisation_id,
        deciding_organisation_id=claim.decider_id,
        rank_at=claim.rank_at,
        at_stake_fen=claim.at_stake_fen,
        hardship=claim.hardship,
        signals=[signal_line(each) for each in odd],
        lease_holder_id=claim.lease_holder_id,
        lease_until=claim.lease_until,
        lease_since=claim.lease_since,
        round=claim.round,
        stage=claim.stage,
        after_check=cast(Any, claim.after_check),
        second_approval_above_fen=terms.claims.second_approval_above_fen,
    )


async def _content(session: AsyncSession, vault: Vault, claim: Claim) -> dict[str, Any]:
    terms = await terms_of(session, claim)
    benefit = terms.benefit(claim.benefit_code)
    return {
        "id": claim.id,
        "number": claim.number,
        "plan_code": claim.plan_code,
        "policy_id": claim.policy_id,
        "benefit_code": claim.benefit_code,
        "benefit_name": WordsView(zh=benefit.name.zh, en=benefit.name.en),
        "incident": await _incident(session, vault, claim),
        "documents": await _documents(session, vault, claim, terms),
        "facts": await _facts(session, vault, claim, terms),
        "receipts": await _receipts(session, vault, claim),
        "opened_at": claim.opened_at,
        "submitted_at": claim.submitted_at,
        "decision_promised_by": claim.review_due_at,
        "clock_stopped": claim.clock_stopped_at is not None,
        "payout_promised_by": claim.payout_due_at,
        "escalated": claim.escalated_at is not None,
        "amount_fen": claim.amount_fen if claim.decided_at is not None else None,
        "paid_before_fen": claim.paid_before_fen,
        "paid_at": claim.paid_at,
        "decided_by_rule": claim.decided_by_rule,
        "for_survivors": claim.for_survivors,
        **await _life(session, vault, claim, terms),
    }


async def _life(
    session: AsyncSession, vault: Vault, claim: Claim, terms: PlanTerms
) -> dict[str, Any]:
    """Where the claim stands, in plain words with a date, and how it came there."""
    benefit = terms.benefit(claim.benefit_code)
    decisions = await queries.decisions_of(session, claim.id)
    shown = await promise_views(session, claim.id)
    appeal = await appeal_view(session, vault, claim.id)
    until = None
    if appeal is None and claim.status in DECIDED:
        until = appeal_until(claim, terms)
    step, by = _next_step(claim, until)
    shown_as = SHOWN_AS[claim.status]
    return {
        "shown_as": shown_as,
        "shown_as_text": words(SHOWN_WORDS[shown_as]),
        "status": claim.status,
        "status_text": words(STATUS_WORDS[claim.status]),
        "next_step": None if step is None else words(step),
        "next_step_by": by,
        "verdict": standing_verdict(claim, decisions),
        "promises": shown,
        "appeal_until": until,
        "appeal": appeal,
        "decisions": [decision_view(vault, each, terms, benefit) for each in decisions],
        "timeline": await timeline(session, claim, terms, shown),
    }


def _next_step(claim: Claim, appeal_until: datetime | None) -> tuple[Text | None, datetime | None]:
    """What comes next, and by when: a promised day, or the last for an appeal."""
    if claim.status in DECIDED:
        return (None, None) if appeal_until is None else (MAY_APPEAL, appeal_until)
    by = None
    if claim.status in ("approved", "paying"):
        by = claim.payout_due_at
    elif claim.clock_stopped_at is None and claim.status != "withdrawn":
        by = claim.review_due_at
    return NEXT_STEPS.get(claim.status), by


async def _incident(session: AsyncSession, vault: Vault, claim: Claim) -> IncidentView:
    incident = await queries.incident_of(session, claim)
    told = vault.open("incident", incident.id, incident.sealed)
    return IncidentView.model_validate(
        {"cause": incident.cause, "occurred_at": incident.occurred_at, **told}
    )


async def _documents(
    session: AsyncSession, vault: Vault, claim: Claim, terms: PlanTerms
) -> list[RequiredDocumentView]:
    everything = await queries.every_document_of(session, claim.id)
    found = [each for each in everything if each[0].status != "replaced"]
    former = [each for each in everything if each[0].status == "replaced"]
    return [
        RequiredDocumentView(
            kind=kind,
            name=words(terms.document_name(kind)),
            state=state,
            files=[_file(vault, *each) for each in found if each[0].kind == kind],
            former_files=[_file(vault, *each) for each in former if each[0].kind == kind],
        )
        for kind, state in (await states_of(session, claim, terms)).items()
    ]


def _file(vault: Vault, file: ClaimDocument, stored: StoredObject) -> FileView:
    sealed = None if file.sealed is None else vault.open("claim_document", file.id, file.sealed)
    return FileView.model_validate(
        {
            "id": file.id,
            "status": file.status,
            "media_type": stored.media_type,
            "pages": stored.pages,
            "uploaded_at": file.uploaded_at,
            "erased_at": stored.erased_at,
            "reason_code": file.reason_code,
            "reason": returned_words(file.reason_code),
            "note": None if sealed is None else sealed["note"],
        }
    )


async def _facts(
    session: AsyncSession, vault: Vault, claim: Claim, terms: PlanTerms
) -> list[FactNeededView]:
    known = await facts_known(session, vault, claim)
    return [
        FactNeededView(**fact_view(fact).model_dump(), value=known.get(fact.name))
        for fact in facts_of(terms, terms.benefit(claim.benefit_code))
    ]


async def _receipts(session: AsyncSession, vault: Vault, claim: Claim) -> list[ReceiptView]:
    readings = await readings_of(session, claim.id)
    found = await queries.receipts_of(session, claim.id)
    return [_receipt(vault, each, readings) for each in found]


def _receipt(vault: Vault, receipt: ClaimReceipt, readings: Readings) -> ReceiptView:
    record = vault.open("claim_receipt", receipt.id, receipt.sealed)
    return ReceiptView(
        id=receipt.id,
        code=record["code"],
        number=record["number"],
        amount_fen=receipt.amount_fen,
        issued_on=receipt.issued_on,
        typed=receipt.recorded_by_kind != SYSTEM.kind,
        readings=[ReadingView.model_validate(each) for each in readings.get(receipt.id, ())],
        differs=differences(receipt, readings),
    )
