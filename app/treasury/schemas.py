"""Comparisons, differences, and the ways to end them."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.kernel.schema import Body, Day, View
from app.plans.schemas import WordsView

SourceWord = Literal["gateway_trade", "gateway_transfer", "bank"]
RunState = Literal["requested", "open", "balanced"]
Way = Literal["ask", "post_fee", "suspend", "refund", "write_off", "keep_open"]
Cause = Literal[
    "missing_here", "missing_there", "amount_differs", "status_differs", "fee", "timing"
]
# Ways that may be taken with many differences at once.
WayForAll = Literal["ask", "post_fee", "suspend", "write_off"]
ItemStatus = Literal["open", "asked", "proposed", "refunding", "settled"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which comparisons a list shows."""

    source: SourceWord | None
    first: date | None
    last: date | None
    state: RunState | None


class CompareBody(Body):
    """A past day of one outside account."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"source": "bank", "day": "2026-11-20"}]},
    )

    source: SourceWord
    day: Day


class RunView(View):
    """One day of one outside account, compared; balanced once every difference is settled.

    Money in counts positive, money out negative.
    """

    id: UUID
    source: SourceWord
    day: date
    state: RunState
    requested_at: datetime
    finished_at: datetime | None
    our_rows: int | None
    our_fen: int | None
    their_rows: int | None
    their_fen: int | None
    matched: int | None
    open_items: int


class ItemView(View):
    """One difference. `difference_fen` is what our account lacks: theirs less ours."""

    id: UUID
    source: SourceWord
    kind: Literal["payment", "refund", "transfer", "bank_transfer", "receipt", "fee"]
    number: str = Field(description="Out trade, refund or bill number, or the bank's reference.")
    day: date
    subject_id: UUID | None = Field(description="Our payment attempt, refund, payout or receipt.")
    ours_fen: int | None
    theirs_fen: int | None
    ours_status: str | None
    theirs_status: str | None
    difference_fen: int
    cause: Cause
    status: ItemStatus
    ways: list[Way] = Field(description="The ways that are open to end it now.")
    way: Literal["itself", "post_fee", "suspend", "refund", "write_off"] | None
    note: str | None
    proposed_by: UUID | None
    settled_by: UUID | None
    settled_at: datetime | None
    released_at: datetime | None = Field(
        description="When the booking was taken back, because both sides agreed after all."
    )


class SettlementBody(Body):
    """A way to end a difference; `write_off` is proposed by one and confirmed by another."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"way": "post_fee", "note": "银行手续费回单 11-20"}]},
    )

    way: Way
    note: Annotated[str | None, Field(min_length=1, max_length=300)] = None


class DaySettlementBody(Body):
    """One way for every unsettled difference of one cause."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [{"cause": "fee", "way": "post_fee", "note": "11-20 账单手续费"}]
        },
    )

    cause: Cause
    way: WayForAll
    note: Annotated[str | None, Field(min_length=1, max_length=300)] = None


class RefusedLineView(View):
    """A difference with which the way could not be taken, and why; `ways` are those that fit."""

    id: UUID
    code: str = Field(examples=["way-not-fitting"])
    reason: WordsView
    ways: list[Way] = []


class DaySettlementView(View):
    """What one act has done with the differences of a day, line by line.

    `taken` stand as the way leaves them (a write-off is proposed until a second person takes
    it), `left` counts those of the cause that this act did not come to: send it again.
    """

    run_id: UUID
    cause: Cause
    way: WayForAll
    taken: list[ItemView]
    taken_fen: int = Field(description="Sum of the differences taken.", examples=[168])
    refused: list[RefusedLineView]
    left: int = Field(examples=[0])
