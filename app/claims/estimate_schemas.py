"""What a claim would come to, as it is shown before anything is filed."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import Field

from app.claims.schemas import ExplanationView
from app.kernel.schema import View
from app.plans.benefits import DocumentKind
from app.plans.schemas import ClockView, FactView, WordsView


class RangeView(View):
    """Between what and what the amount lies, whatever the missing facts are."""

    least_fen: int = Field(examples=[0])
    most_fen: int | None = Field(description="Null: without an end.", examples=[1_000_000])


class DocumentNeededView(View):
    """A paper that the claim will need; `fulfilled` ones need not be sent."""

    kind: DocumentKind
    name: WordsView
    fulfilled: bool


class FailedConditionView(View):
    """A condition of the plan that does not hold."""

    code: str = Field(examples=["hospital-grade-too-low"])
    words: WordsView


class ClaimEstimateView(View):
    """What a claim would come to and need; nobody's decision.

    `amount_fen` is null while facts are missing (`range` and `facts_missing` say what is
    known) and where nothing covers. `reason_code` says why nothing would be paid.
    """

    covered: bool
    reason_code: str | None = Field(default=None, examples=["waiting"])
    reason: WordsView | None = None
    policy_id: UUID | None = Field(description="The policy that the claim would be under.")
    plan_code: str = Field(examples=["RIDER-ACC"])
    version: int = Field(examples=[1])
    benefit_code: str = Field(examples=["MED"])
    benefit_name: WordsView
    amount_fen: int | None = Field(default=None, examples=[340000])
    range: RangeView | None = None
    facts_missing: list[FactView] = []
    documents: list[DocumentNeededView]
    payee: Literal["member", "beneficiary"]
    schemes: list[WordsView] = Field(description="Public schemes that pay first.")
    deadline: date = Field(description="The last day on which it can be claimed.")
    review: ClockView = Field(description="How soon a complete claim is decided.")
    payout: ClockView = Field(description="How soon after that it is paid.")
    failed: list[FailedConditionView] = []
    explanation: ExplanationView | None = None
