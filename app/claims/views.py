"""Claims as their member and their reviewers see them; every showing is recorded by the caller."""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import queries
from app.claims.errors import ClaimNotFound
from app.claims.facts import facts_known
from app.claims.models import Claim, ClaimDocument, ClaimReceipt, Decision
from app.claims.schemas import (
    ClaimStatus,
    ClaimView,
    DecisionView,
    FactNeededView,
    FileView,
    IncidentView,
    ReceiptView,
    RequiredDocumentView,
    StaffClaimView,
    TimelineEntry,
)
from app.claims.terms import state_of_kind, terms_of
from app.claims.words import (
    DENIAL_REASONS,
    DOCUMENT_NAMES,
    NEXT_STEPS,
    RETURN_REASONS,
    STATUS_WORDS,
)
from app.documents.models import StoredObject
from app.kernel import audit
from app.kernel.principal import Principal
from app.kernel.text import Text
from app.kernel.transitions import StatusHistory
from app.kernel.vault import Vault
from app.members.models import Person
from app.members.service import name_of
from app.plans.benefits import Benefit
from app.plans.facts import facts_of
from app.plans.schemas import WordsView, fact_view
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
    return await member_view(session, vault, claim)


async def member_view(session: AsyncSession, vault: Vault, claim: Claim) -> ClaimView:
    return ClaimView(**await _content(session, vault, claim))


async def staff_view(session: AsyncSession, vault: Vault, claim: Claim) -> StaffClaimView:
    person = await session.get_one(Person, claim.person_id)
    terms = await terms_of(session, claim)
    return StaffClaimView(
        **await _content(session, vault, claim),
        member_name=name_of(vault, person),
        managing_organisation_id=claim.managing_organisation_id,
        receiving_organisation_id=claim.receiving_organisation_id,
        rank_at=claim.rank_at,
        lease_holder_id=claim.lease_holder_id,
        lease_until=claim.lease_until,
        second_approval_above_fen=terms.claims.second_approval_above_fen,
    )


async def _content(session: AsyncSession, vault: Vault, claim: Claim) -> dict[str, Any]:
    terms = await terms_of(session, claim)
    benefit = terms.benefit(claim.benefit_code)
    next_step = NEXT_STEPS.get(claim.status)
    return {
        "id": claim.id,
        "number": claim.number,
        "status": claim.status,
        "status_text": _words(STATUS_WORDS[claim.status]),
        "next_step": None if next_step is None else _words(next_step),
        "plan_code": claim.plan_code,
        "policy_id": claim.policy_id,
        "benefit_code": claim.benefit_code,
        "benefit_name": WordsView(zh=benefit.name.zh, en=benefit.name.en),
        "incident": await _incident(session, vault, claim),
        "documents": await _documents(session, vault, claim, terms),
        "facts": await _facts(session, vault, claim, terms),
        "receipts": [_receipt(vault, row) for row in await queries.receipts_of(session, claim.id)],
        "opened_at": claim.opened_at,
        "submitted_at": claim.submitted_at,
        "decision_promised_by": claim.review_due_at,
        "clock_stopped": claim.clock_stopped_at is not None,
        "payout_promised_by": claim.payout_due_at,
        "amount_fen": claim.amount_fen if claim.decided_at is not None else None,
        "paid_at": claim.paid_at,
        "decisions": [
            _decision(vault, row, benefit) for row in await queries.decisions_of(session, claim.id)
        ],
        "timeline": [_entry(row, benefit) for row in await queries.history_of(session, claim.id)],
    }


async def _incident(session: AsyncSession, vault: Vault, claim: Claim) -> IncidentView:
    incident = await queries.incident_of(session, claim)
    told = vault.open("incident", incident.id, incident.sealed)
    return IncidentView.model_validate(
        {"cause": incident.cause, "occurred_at": incident.occurred_at, **told}
    )


async def _documents(
    session: AsyncSession, vault: Vault, claim: Claim, terms: PlanTerms
) -> list[RequiredDocumentView]:
    person = await session.get_one(Person, claim.person_id)
    found = await queries.documents_of(session, claim.id)
    files = [file for file, _ in found]
    verified = person.verified_at is not None
    return [
        RequiredDocumentView(
            kind=kind,
            name=_words(DOCUMENT_NAMES[kind]),
            state=state_of_kind(kind, files, identity_verified=verified),
            files=[_file(vault, file, stored) for file, stored in found if file.kind == kind],
        )
        for kind in terms.documents(claim.benefit_code)
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
            "reason_code": file.reason_code,
            "reason": _returned(file.reason_code),
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


def _receipt(vault: Vault, receipt: ClaimReceipt) -> ReceiptView:
    record = vault.open("claim_receipt", receipt.id, receipt.sealed)
    return ReceiptView(
        id=receipt.id,
        code=record["code"],
        number=record["number"],
        amount_fen=receipt.amount_fen,
        issued_on=receipt.issued_on,
    )


def _decision(vault: Vault, decision: Decision, benefit: Benefit) -> DecisionView:
    content = vault.open("decision", decision.id, decision.sealed)
    return DecisionView.model_validate(
        {
            "verdict": decision.verdict,
            "step": decision.step,
            "amount_fen": decision.amount_fen,
            "reason_code": decision.reason_code,
            "reason": reason_words(decision.reason_code, benefit),
            "note": content["note"],
            "decided_at": decision.decided_at,
            "explanation": content.get("explanation"),
        }
    )


def _entry(row: StatusHistory, benefit: Benefit) -> TimelineEntry:
    return TimelineEntry(
        at=row.at,
        status=cast(ClaimStatus, row.to_status),
        text=_words(STATUS_WORDS[row.to_status]),
        reason_code=row.reason_code,
        reason=(
            reason_words(row.reason_code, benefit)
            if row.to_status == "denied"
            else _returned(row.reason_code)
        ),
    )


def _returned(code: str | None) -> WordsView | None:
    found = None if code is None else RETURN_REASONS.get(code)
    return None if found is None else _words(found)


def reason_words(code: str | None, benefit: Benefit) -> WordsView | None:
    """Why nothing is paid: in the words of the benefit's own condition, or the general ones."""
    for condition in benefit.conditions:
        if condition.code == code:
            return WordsView(zh=condition.words.zh, en=condition.words.en)
    found = None if code is None else DENIAL_REASONS.get(code)
    return None if found is None else _words(found)


def _words(text: Text) -> WordsView:
    return WordsView(zh=text.zh, en=text.en)
