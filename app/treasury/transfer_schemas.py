"""Transfers between funds: asked for, decided, shown."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.kernel.schema import Body, PositiveFen, View

TransferStatus = Literal["proposed", "posted", "declined"]
FundCode = Annotated[
    str,
    Field(
        pattern=r"^(fund|relief-fund):[0-9A-Za-z-]{1,64}$",
        examples=["fund:0192f0c1-7a10-7c3e-8a44-51d8ac9ec001"],
    ),
]


class FundTransferBody(Body):
    """So much of an organisation's own fund for another fund, and why; no personal data."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "from_account": "fund:0192f0c1-7a10-7c3e-8a44-51d8ac9ec001",
                    "to_account": "relief-fund:CQ-RELIEF-DEMO",
                    "amount_fen": 5_000_000,
                    "reason": "按主席会议纪要拨付年度救助资金",
                }
            ]
        },
    )

    from_account: FundCode
    to_account: FundCode
    amount_fen: PositiveFen
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class FundTransferView(View):
    """A transfer; `posting_id` is its booking, which can be taken back like any other, then
    `reversed_at` says when."""

    id: UUID
    from_account: str = Field(examples=["fund:0192f0c1-7a10-7c3e-8a44-51d8ac9ec001"])
    to_account: str = Field(examples=["relief-fund:CQ-RELIEF-DEMO"])
    amount_fen: int
    reason: str
    status: TransferStatus
    proposed_by: UUID
    proposed_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    posting_id: UUID | None
    reversed_at: datetime | None = Field(examples=[None])
