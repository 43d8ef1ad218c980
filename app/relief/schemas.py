"""Relief as its members, caseworkers and auditors see it."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.kernel.schema import View
from app.payouts.schemas import PayoutView
from app.plans.schemas import FactView, WordsView
from app.relief.bodies import Relation
from app.relief.grounds import Ground, ReliefDocumentKind

CaseStatus = Literal[
    "proposed",
    "applied",
    "board",
    "granted",
    "declined",
    "withdrawn",
    "paying",
    "paid",
    "revoked",
]
FundStatus = Literal["open", "closed"]
FormulaStatus = Literal["draft", "published", "closed"]
HouseholdStatus = Literal["open", "review_due", "exited"]


class FundView(View):
    """A fund and what it holds; money in fen."""

    id: UUID
    organisation_id: UUID
    code: str = Field(examples=["CQ-RELIEF-DEMO"])
    name: WordsView
    status: FundStatus
    quorum: int = Field(examples=[3])
    account: str = Field(examples=["relief-fund:CQ-RELIEF-DEMO"])
    contributed_fen: int = Field(examples=[50_000_000])
    granted_fen: int = Field(examples=[12_500_000])
    balance_fen: int = Field(examples=[37_500_000])
    formula_in_force: int | None = Field(description="Its number.", examples=[1])


class FormulaLine(View):
    """A version of a formula in a list."""

    id: UUID
    number: int = Field(examples=[1])
    status: FormulaStatus
    name: WordsView
    drafted_at: datetime
    published_at: datetime | None


class FormulaView(FormulaLine):
    """A version with its document, and the facts that its amount depends on."""

    document: dict[str, Any]
    facts: list[FactView]


class KinView(View):
    """Somebody of a household; `name` is null for nobody."""

    id: UUID
    relation: Relation
    person_id: UUID | None
    name: str
    works_here: bool = Field(description="Kin with a staff account: never on the board.")
    joined_at: datetime


class SituationView(View):
    """How a household stood from a moment on."""

    version: int
    occasion: Literal["opened", "changed", "reviewed"]
    changed: list[str]
    situation: dict[str, Any] = Field(examples=[{"household_income_fen": 3600000}])
    recorded_by: UUID
    recorded_at: datetime


class StepView(View):
    """One move of a file or a case."""

    at: datetime
    status: str
    reason_code: str | None
    reason: WordsView | None = Field(description="The code in words, for those who read it.")
    by: Literal["member", "staff", "partner", "system"]


class HouseholdLine(View):
    """A household in a list."""

    id: UUID
    number: str = Field(examples=["H7K3M9QX2TBO"])
    organisation_id: UUID
    status: HouseholdStatus
    review_due_on: date
    opened_at: datetime


class HouseholdView(HouseholdLine):
    """A household's file, with what was known before."""

    address: str
    notes: str | None
    exit_reason: str | None
    reviewed_at: datetime | None
    members: list[KinView]
    situation: dict[str, Any]
    situations: list[SituationView]
    history: list[StepView]


class PaperView(View):
    """One kind of document that the case needs, and where it stands."""

    kind: ReliefDocumentKind
    name: WordsView
    state: Literal["missing", "there", "from_claim", "verified"]
    files: list[UUID]


class CaseLine(View):
    """A case in a list; `suggested_fen` is what the formula comes to, null while facts miss."""

    id: UUID
    number: str = Field(examples=["R7K3M9QX2TBN"])
    fund_id: UUID
    fund: WordsView
    kind: Literal["formula", "condolence"]
    channel: Literal["claim", "staff", "visit"]
    ground: Ground
    year: int = Field(examples=[2026])
    status: CaseStatus
    suggested_fen: int | None = Field(examples=[12_500_000])
    amount_fen: int | None
    opened_at: datetime


class StaffCaseLine(CaseLine):
    """A case in a caseworker's list."""

    person_id: UUID
    organisation_id: UUID


class StatementView(View):
    """Something that the applicant states and answers for."""

    code: str
    words: WordsView


class CaseView(CaseLine):
    """A case with its facts, papers and the explanation of its amount."""

    ground_words: WordsView
    facts: dict[str, Any]
    facts_needed: list[FactView]
    missing_facts: list[str]
    statements: list[StatementView]
    papers: list[PaperView]
    explanation: dict[str, Any] = Field(
        description="How the amount is reached, step by step; of a decided case as decided."
    )
    applied_at: datetime | None
    decided_at: datetime | None
    paid_at: datetime | None
    payout: PayoutView | None
    history: list[StepView]


class ClaimShareView(View):
    """What one decided claim adds to the year; fen."""

    claim_id: UUID
    number: str
    self_pay_fen: int
    paid_fen: int


class BoardSeatView(View):
    """Somebody who sat."""

    staff_id: UUID
    name: str
    vote: Literal["for", "against", "abstain"]


class BoardDecisionView(View):
    """What the board said, who sat, and why."""

    verdict: Literal["grant", "decline"]
    path: Literal["formula", "hardship", "condolence"]
    amount_fen: int | None
    quorum: int
    seats: list[BoardSeatView]
    reason_code: str | None
    reason: str | None
    note: str | None
    recorded_by: UUID
    decided_at: datetime


class StaffCaseView(CaseView):
    """A case as its office sees it."""

    person_id: UUID
    member_name: str
    organisation_id: UUID
    household_id: UUID | None
    given_by: dict[str, str] = Field(examples=[{"net_self_pay_fen": "system"}])
    claims: list[ClaimShareView]
    decision: BoardDecisionView | None


class VisitView(View):
    """A visit as it was recorded, with what came of it."""

    id: UUID
    client_ref: str
    person_id: UUID
    household_id: UUID | None
    visited_at: datetime
    case: CaseLine | None
    claim_id: UUID | None
    claim_number: str | None


class VisitLine(VisitView):
    """A visit in a list, with who went, for which office, and what was noted there."""

    organisation_id: UUID
    organisation_name: str
    visited_by: UUID = Field(description="The staff account of the visitor.")
    notes: str = Field(examples=["到医院慰问"])
    recorded_at: datetime
