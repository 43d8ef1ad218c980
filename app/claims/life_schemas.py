"""Promises, appeals, changed facts, hand-overs and counts as they are shown."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.kernel.schema import View
from app.plans.schemas import WordsView


class StopView(View):
    """A span in which the promise waited, and for what; `until` is null while it does."""

    reason_code: str = Field(examples=["waiting-for-member"])
    reason: WordsView | None
    since: datetime
    until: datetime | None


class PromiseView(View):
    """A dated promise. `outcome` is null while it is open; `late` says that it was missed.

    `calendar_known` is false where working days were counted in a year whose holidays are
    not published yet: then only weekends and fixed holidays are left out.
    """

    clock: Literal["review", "payout"]
    length: int
    unit: Literal["calendar_days", "working_days"]
    calendar_known: bool
    started_at: datetime
    due_at: datetime
    missed_at: datetime | None
    outcome: Literal["kept", "late", "void"] | None
    stops: list[StopView]


class AppealView(View):
    """The member's appeal, in the member's words, and what became of it."""

    text: str
    appealed_at: datetime
    organisation_name: str
    outcome: Literal["upheld", "decided_anew"] | None
    ended_at: datetime | None


class ChangedFactView(View):
    """A fact that was accepted otherwise than claimed, why, and what that cost in fen."""

    name: str = Field(examples=["self_pay_fen"])
    text: WordsView
    claimed: Any = Field(examples=[350000])
    accepted: Any = Field(examples=[300000])
    reason_code: str = Field(examples=["as-on-document"])
    reason: WordsView | None
    cost_fen: int = Field(examples=[50000])


class HandoverView(View):
    """A claim offered to a colleague."""

    id: UUID
    claim_id: UUID
    from_staff_id: UUID
    to_staff_id: UUID
    status: Literal["offered", "accepted", "declined", "lapsed"]
    offered_at: datetime
    answered_at: datetime | None


class QueueCounts(View):
    """How many claims there are, each number at most 1,001, which means more than 1,000."""

    statuses: dict[str, int] = Field(examples=[{"submitted": 1001, "under_review": 12}])
    escalated: int
    nudged: int
    signals: int
    after_check: int
    mine: int
    offered_to_me: int
