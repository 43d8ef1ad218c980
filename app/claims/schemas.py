"""Claims as they are shown: the response bodies."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.claims.death_schemas import ClaimantView, SurvivorsView
from app.claims.life_schemas import AppealView, ChangedFactView, PromiseView
from app.claims.signal_schemas import SignalLine
from app.claims.words import ShownAs
from app.kernel.schema import View
from app.plans.benefits import Cause, DocumentKind
from app.plans.schemas import FactView, WordsView

ClaimStatus = Literal[
    "draft",
    "submitted",
    "under_review",
    "waiting_for_member",
    "awaiting_second_approval",
    "approved",
    "denied",
    "paying",
    "paid",
    "withdrawn",
    "appealed",
    "reopened",
]

VerdictWord = Literal["approved", "partly_approved", "denied", "returned", "upheld"]


class FileView(View):
    """One uploaded file; of an erased one only this is left."""

    id: UUID
    status: Literal["waiting", "accepted", "returned", "replaced"]
    media_type: str
    pages: int
    uploaded_at: datetime
    erased_at: datetime | None
    reason_code: str | None
    reason: WordsView | None
    note: str | None


class RequiredDocumentView(View):
    """One kind of the plan's set: `verified` needs no upload, `missing` and `returned` do.

    `former_files` were replaced or taken back, and can still be looked at.
    """

    kind: DocumentKind
    name: WordsView
    state: Literal["missing", "verified", "waiting", "accepted", "returned"]
    files: list[FileView]
    former_files: list[FileView]


class FactNeededView(FactView):
    """A fact that the amount depends on; `value` is null until somebody gave it."""

    value: Any = Field(examples=[350000])


class TimelineEntry(View):
    """Something that happened: a new `status`, a `document` that was `returned` and why, a
    promised day missed (`late`: the parent organisation takes it up), or the promise `waiting`
    for somebody else's answer."""

    at: datetime
    what: Literal["status", "returned", "late", "waiting"]
    status: ClaimStatus | None
    document: WordsView | None = None
    text: WordsView
    reason_code: str | None
    reason: WordsView | None


class ExplanationView(View):
    """One step of the calculation and the steps before it, in both languages.

    `value` is whole fen, or an exact number as text; `input` and `source` say where a
    value came from.
    """

    model_config = ConfigDict(frozen=True, from_attributes=True, extra="allow")

    code: str = Field(examples=["at_most"])
    zh: str = Field(examples=["以 10,000.00 元为限"])
    en: str = Field(examples=["At most 10,000.00 yuan"])
    value: Any = Field(examples=[1000000])
    unit: str | None = Field(default=None, examples=["fen"])
    steps: list["ExplanationView"] = []


class DecisionView(View):
    """What was decided, why, and how the amount came about.

    Where facts were accepted otherwise than claimed, `changes` say what each cost, and
    `claimed_fen` what the claim would have come to. `stage` 2 is the appeal.
    """

    verdict: VerdictWord
    step: Literal["first", "second"]
    stage: int
    by_rule: bool
    amount_fen: int | None
    claimed_fen: int | None
    changes: list[ChangedFactView]
    reason_code: str | None
    reason: WordsView | None
    note: str | None
    decided_at: datetime
    explanation: ExplanationView | None


class IncidentView(View):
    """The incident as it was told."""

    cause: Cause
    occurred_at: datetime
    place: str
    description: str


class ReadingView(View):
    """What the code printed on a document says; `whole` sums include tax."""

    document_id: UUID
    amount_fen: int
    issued_on: date
    whole: bool


class ReceiptView(View):
    """A receipt of the claim: `typed` in, or until then as `readings` of documents say.

    `differs` names what is unlike the documents; `number` when they name other receipts only.
    """

    id: UUID
    code: str
    number: str
    amount_fen: int
    issued_on: date
    typed: bool
    readings: list[ReadingView]
    differs: list[Literal["amount", "day", "number"]]


class ClaimView(View):
    """A claim with everything its member may know, the promised day included.

    `shown_as` is the status in few plain words, `status` the office's own. `next_step_by`
    is the day that goes with the next step.
    """

    id: UUID
    number: str
    shown_as: ShownAs
    shown_as_text: WordsView
    status: ClaimStatus
    status_text: WordsView
    next_step: WordsView | None
    next_step_by: datetime | None
    verdict: VerdictWord | None
    plan_code: str
    policy_id: UUID
    benefit_code: str
    benefit_name: WordsView
    incident: IncidentView
    documents: list[RequiredDocumentView]
    facts: list[FactNeededView]
    receipts: list[ReceiptView]
    opened_at: datetime
    submitted_at: datetime | None
    decision_promised_by: datetime | None
    clock_stopped: bool
    payout_promised_by: datetime | None
    promises: list[PromiseView]
    escalated: bool
    amount_fen: int | None
    paid_before_fen: int
    paid_at: datetime | None
    decided_by_rule: bool
    appeal_until: datetime | None
    appeal: AppealView | None
    for_survivors: bool = Field(description="The member has died; `claimants` are paid.")
    claimants: list[ClaimantView]
    decisions: list[DecisionView]
    timeline: list[TimelineEntry]


class StaffClaimView(ClaimView):
    """A claim for those who decide it."""

    member_name: str
    managing_organisation_id: UUID
    receiving_organisation_id: UUID | None
    deciding_organisation_id: UUID
    rank_at: datetime | None
    at_stake_fen: int
    hardship: bool
    signals: list[SignalLine]
    survivors: SurvivorsView | None
    lease_holder_id: UUID | None
    lease_until: datetime | None
    lease_since: datetime | None
    round: int
    stage: int
    after_check: Literal["due", "confirmed", "reopened"] | None
    second_approval_above_fen: int


class ClaimSummary(View):
    """A line of the member's list."""

    id: UUID
    number: str
    shown_as: ShownAs
    status: ClaimStatus
    plan_code: str
    benefit_code: str
    opened_at: datetime
    submitted_at: datetime | None
    decision_promised_by: datetime | None
    payout_promised_by: datetime | None
    amount_fen: int | None


class QueueRow(View):
    """A line of the review queue; rows come in the order of `rank_at`: the promised day less
    a head start for large sums (`amount_ahead_hours`, 48 at most), for hardship, and for
    signals that nobody has judged (`signals` counts them). `nudged` says that four fifths of
    the time of a promise are gone."""

    id: UUID
    number: str
    status: ClaimStatus
    plan_code: str
    benefit_code: str
    managing_organisation_id: UUID
    submitted_at: datetime | None
    decision_promised_by: datetime | None
    clock_stopped: bool
    rank_at: datetime
    amount_ahead_hours: float
    hardship_ahead_hours: int
    signal_ahead_hours: int
    at_stake_fen: int
    hardship: bool
    signals: int
    nudged: bool
    escalated_at: datetime | None
    stage: int
    lease_holder_id: UUID | None
    lease_until: datetime | None
    amount_fen: int | None


class QueuePage(View):
    """A page of the review queue."""

    items: list[QueueRow]
    next_cursor: str | None


class LeaseView(View):
    """Whose claim this is to review, until when (system clock)."""

    claim_id: UUID
    holder_id: UUID
    until: datetime
