"""Reports of deaths, claimants and their shares, as they are shown."""

from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import death_queries, queries
from app.claims.death_models import ClaimClaimant, DeathReport
from app.claims.death_schemas import (
    ClaimantView,
    DeathReportView,
    EarlierClaimView,
    ReportStatus,
    StaffDeathReportView,
    SurvivorsView,
)
from app.claims.models import Claim
from app.claims.paying_shares import shares_of
from app.claims.reaching import claimable_policies
from app.claims.survivors import named_at_death
from app.claims.words import REPORT_WORDS
from app.kernel import audit
from app.kernel.principal import Principal
from app.kernel.vault import Vault
from app.members.documents import mask_number
from app.members.models import Person
from app.members.names import mask_name
from app.members.service import member_of, name_of, person_of
from app.payouts.models import Payout
from app.payouts.queries import of_claim
from app.payouts.service import view_payout
from app.plans.schemas import WordsView
from app.plans.terms import PlanTerms
from app.policies.beneficiaries import record_of
from app.policies.change_models import Beneficiary
from app.policies.change_schemas import BeneficiaryView, Relation

Confirmation = Callable[[str], dict[str, str]]


async def own_report(
    session: AsyncSession, vault: Vault, member: Principal, report: DeathReport
) -> DeathReportView:
    """A report for the member who made it."""
    reporter = await person_of(session, member.id)
    policies = await claimable_policies(session, vault, reporter, report)
    if policies:
        shown = [report.id, *(each.policy_id for each in policies)]
        await audit.record(
            session, member, "death_report.read", subject="death_report", subject_ids=shown
        )
    text = REPORT_WORDS[report.status]
    return DeathReportView(
        id=report.id,
        status=cast(ReportStatus, report.status),
        status_text=WordsView(zh=text.zh, en=text.en),
        died_on=report.died_on,
        relation=cast(Relation | None, report.relation),
        reported_at=report.reported_at,
        answered_at=report.confirmed_at or report.ended_at,
        policies=list(policies),
    )


async def staff_report(
    session: AsyncSession, vault: Vault, staff: Principal, report: DeathReport
) -> StaffDeathReportView:
    """A report for an office, with the name of whom it is about; the look is recorded."""
    person = None if report.person_id is None else await session.get_one(Person, report.person_id)
    member = None if person is None else await member_of(session, person.id)
    shown = [report.id] if person is None else [report.id, person.id]
    await audit.record(
        session, staff, "death_report.read", subject="death_report", subject_ids=shown
    )
    record = vault.open("death_report", report.id, report.sealed)
    return StaffDeathReportView.model_validate(
        {
            "id": report.id,
            "status": report.status,
            "person_id": report.person_id,
            "member_id": None if member is None else member.id,
            "name": record.get("name") if person is None else name_of(vault, person),
            "organisation_id": report.organisation_id,
            "died_on": report.died_on,
            "relation": report.relation,
            "evidence": record.get("evidence"),
            "reason": record.get("reason"),
            "reported_by_kind": report.reported_by_kind,
            "reported_at": report.reported_at,
            "confirmed_by": report.confirmed_by,
            "confirmed_at": report.confirmed_at,
            "ended_by": report.ended_by,
            "ended_at": report.ended_at,
        }
    )


async def claimant_views(
    session: AsyncSession, vault: Vault, claim: Claim, reader: UUID | None
) -> list[ClaimantView]:
    """The claimants with their shares; `reader` is the survivor who looks, None for staff."""
    if not claim.for_survivors:
        return []
    claimants = await death_queries.claimants_of(session, claim.id)
    persons = await death_queries.persons_of(session, claimants)
    shares = shares_of(claim, claimants) if claim.decided_at and claim.amount_fen else {}
    newest = {each.claimant_id: each for each in await of_claim(session, claim.id)}
    return [
        _claimant(
            vault, each, persons[each.person_id], shares.get(each.id), newest.get(each.id), reader
        )
        for each in claimants
    ]


def _claimant(
    vault: Vault,
    claimant: ClaimClaimant,
    person: Person,
    amount_fen: int | None,
    payout: Payout | None,
    reader: UUID | None,
) -> ClaimantView:
    own = reader == person.id
    plain = own or reader is None
    name = name_of(vault, person)
    return ClaimantView(
        id=claimant.id,
        own=own,
        name=name if plain else mask_name(name),
        relation=cast(Relation, claimant.relation),
        named=claimant.beneficiary_id is not None,
        share_percent=claimant.share_percent,
        kinship_document_id=claimant.kinship_document_id,
        amount_fen=amount_fen,
        payout=view_payout(vault, payout) if payout is not None and plain else None,
    )


async def survivors_view(
    session: AsyncSession, vault: Vault, claim: Claim, terms: PlanTerms
) -> SurvivorsView | None:
    """What a caseworker and a reviewer compare the claimants with; None for the living."""
    if not claim.for_survivors:
        return None
    report = await death_queries.confirmed_report(session, claim.person_id)
    if report is None:
        return None
    benefit = terms.benefit(claim.benefit_code)
    named = await named_at_death(session, claim.policy_id, benefit, report)
    note = None
    if claim.sealed_survivors is not None:
        note = vault.open("claim", claim.id, claim.sealed_survivors)["note"]
    return SurvivorsView(
        report_id=report.id,
        died_on=report.died_on,
        beneficiaries=[_beneficiary(vault, row) for row in named],
        left_out_note=note,
        earlier_claims=[
            _earlier(claim, other, occurred_at)
            for other, occurred_at in await queries.other_claims_of(session, claim)
        ],
    )


def _beneficiary(vault: Vault, row: Beneficiary) -> BeneficiaryView:
    record: dict[str, Any] = record_of(vault, row)
    number = record["document_number"]
    return BeneficiaryView(
        name=record["name"],
        relation=record["relation"],
        document_type=record["document_type"],
        number_masked=mask_number(number) if number else None,
        share_percent=record["share_percent"],
    )


def _earlier(claim: Claim, other: Claim, occurred_at: Any) -> EarlierClaimView:
    return EarlierClaimView(
        claim_id=other.id,
        number=other.number,
        benefit_code=other.benefit_code,
        status=other.status,
        occurred_at=occurred_at,
        same_incident=other.incident_id == claim.incident_id,
        amount_fen=other.amount_fen if other.decided_at is not None else None,
    )
