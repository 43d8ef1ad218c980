"""Signals as they are shown to staff; members are shown none."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from app.claims.words import SignalKind
from app.kernel.schema import View
from app.plans.schemas import WordsView

Verdict = Literal["harmless", "confirmed"]


class OtherClaimView(View):
    """Another claim that a signal names; of one that the viewer's office has no part in only
    number, office and `distance` are told, the rest is null.

    `document_id` is its document that matches; `distance` counts the bits of 64 in which the
    two pictures differ.
    """

    number: str = Field(examples=["C4T9K2M7XQ1C"])
    organisation_name: str
    id: UUID | None = None
    status: str | None = None
    plan_code: str | None = None
    benefit_code: str | None = None
    submitted_at: datetime | None = None
    same_member: bool | None = None
    document_id: UUID | None = None
    distance: int | None = None


class EvidenceView(View):
    """What matched; null is what the kind of signal does not speak of.

    `document_id` and `receipt_id` are of this claim. `days` is how many days a
    paper is before the incident, or the incident after `covered_from`. The bank account, and
    whose it is as well, are told by last digits, member number and office.
    """

    claims: list[OtherClaimView] = []
    document_id: UUID | None = None
    receipt_id: UUID | None = None
    fact: str | None = Field(default=None, examples=["stays.admitted_on"])
    occurred_on: date | None = None
    dated_on: date | None = None
    covered_from: date | None = None
    days: int | None = None
    within_days: int | None = None
    reason_code: str | None = Field(default=None, examples=["cancelled"])
    account_ending: str | None = Field(default=None, examples=["1234"])
    member_number: str | None = None
    organisation_name: str | None = None
    staff_id: UUID | None = None
    policy_id: UUID | None = None


class SignalLine(View):
    """Something odd about the claim that a person judges; `verdict` is null until then."""

    id: UUID
    kind: SignalKind
    text: WordsView
    raised_at: datetime
    verdict: Verdict | None


class SignalView(SignalLine):
    """A signal with its evidence, and with the reviewer's word."""

    evidence: EvidenceView
    note: str | None
    judged_by: UUID | None
    judged_at: datetime | None
