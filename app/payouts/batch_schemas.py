"""Batches as the treasury's staff see them; no account number, no name."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.kernel.schema import Body, View

BatchStatus = Literal["prepared", "submitting", "unknown", "submitted", "refused", "settled"]
RowOutcome = Literal["pending", "paid", "failed", "unknown", "released"]


class BatchBody(Body):
    """Who hands the file in: the worker at the bank's door, or a person by hand."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"channel": "door"}]},
    )

    channel: Literal["door", "hand"] = "door"


class BatchTally(View):
    """Rows of one outcome."""

    outcome: RowOutcome
    rows: int
    amount_fen: int


class BatchView(View):
    """A batch; `rows` and `amount_fen` are the control sums of its file."""

    id: UUID
    number: str = Field(examples=["B7K2M9QX0PH6"])
    business_on: date
    channel: Literal["door", "hand"]
    status: BatchStatus
    rows: int = Field(examples=[2])
    amount_fen: int = Field(examples=[13500000])
    sha256: str = Field(description="Of the plain file, in hex.")
    refusal_code: str | None
    made_at: datetime
    submitted_at: datetime | None
    settled_at: datetime | None


class BatchDetail(BatchView):
    """A batch and how far it is."""

    tally: list[BatchTally]


class BatchRowView(View):
    """One transfer of a batch and what became of it; `released` ones go into another batch."""

    position: int
    payout_id: UUID
    reference: str
    amount_fen: int
    outcome: RowOutcome
    code: str | None = Field(examples=["account_closed"])
    bank_reference: str | None
    told_at: datetime | None


class FileLinkView(View):
    """Where the file is, for the one who asked, once."""

    url: str = Field(examples=["/v1/staff/payout-batch-files/AZzKq3f8Zp1dVx0sT6rL"])
    expires_at: datetime


class ResultView(View):
    """A result file that was believed; its rows are applied by the worker."""

    id: UUID
    sha256: str
    rows: int
    amount_fen: int
    received_at: datetime
    applied_at: datetime | None


class StopBody(Body):
    """Why a payout is stopped, by a word."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"reason": "wrong_payee"}]},
    )

    reason: Literal["wrong_payee", "wrong_amount", "fraud_suspected", "member_asked", "other"]
