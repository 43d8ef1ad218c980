"""Reports of deaths and claimants as they are shown."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from app.kernel.schema import View
from app.payouts.schemas import PayoutView
from app.plans.schemas import WordsView
from app.policies.change_schemas import BeneficiaryView, Relation

ReportStatus = Literal["reported", "confirmed", "declined", "withdrawn"]


class ClaimablePolicyView(View):
    """A policy of the dead under which its reader may open a claim, and for which benefit."""

    policy_id: UUID
    number: str
    plan_code: str
    plan_name: WordsView
    benefit_code: str
    benefit_name: WordsView


class DeathReportView(View):
    """A report as the member who made it sees it.

    `policies` are what they may claim under, once an office has confirmed the death; what was
    reported about nobody whom we know looks like any other until then.
    """

    id: UUID
    status: ReportStatus
    status_text: WordsView
    died_on: date
    relation: Relation | None
    reported_at: datetime
    answered_at: datetime | None
    policies: list[ClaimablePolicyView]


class StaffDeathReportView(View):
    """A report as an office sees it; `person_id` is null while nobody is known by it."""

    id: UUID
    status: ReportStatus
    person_id: UUID | None
    member_id: UUID | None
    name: str | None
    organisation_id: UUID
    died_on: date
    relation: Relation | None
    evidence: str | None
    reason: str | None
    reported_by_kind: Literal["member", "staff"]
    reported_at: datetime
    confirmed_by: UUID | None
    confirmed_at: datetime | None
    ended_by: UUID | None
    ended_at: datetime | None


class ClaimantView(View):
    """A survivor and their share. `name` is masked but for the reader's own and for staff.

    `amount_fen` is the share of what was decided so far; `payout` is shown to its payee and
    to staff.
    """

    id: UUID
    own: bool
    name: str = Field(examples=["王**"])
    relation: Relation
    named: bool = Field(description="Named as a beneficiary on the policy.")
    share_percent: int = Field(examples=[50])
    kinship_document_id: UUID | None
    amount_fen: int | None = Field(examples=[2_000_000])
    payout: PayoutView | None


class EarlierClaimView(View):
    """Another claim of the same member, for comparing incidents."""

    claim_id: UUID
    number: str
    benefit_code: str
    status: str
    occurred_at: datetime
    same_incident: bool
    amount_fen: int | None


class SurvivorsView(View):
    """Why survivors claim, whom the policy named at the death, and what was claimed before."""

    report_id: UUID
    died_on: date
    beneficiaries: list[BeneficiaryView]
    left_out_note: str | None
    earlier_claims: list[EarlierClaimView]
