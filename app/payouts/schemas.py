"""Payout accounts and payouts as the member sees them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.kernel.schema import Body, View

PayoutStatus = Literal[
    "requested", "sending", "unknown", "accepted", "waiting_confirm", "paid", "failed"
]

# The `openapi_extra` of every door of the gateway.
GATEWAY_NOTICE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A signed and sealed notice as WeChat Pay v3 sends it.",
        "content": {
            "application/json": {
                "schema": {"type": "object"},
                "example": {
                    "id": "EV-2018022511223320873",
                    "create_time": "2026-11-22T16:00:00+08:00",
                    "event_type": "TRANSACTION.SUCCESS",
                    "resource_type": "encrypt-resource",
                    "summary": "支付成功",
                    "resource": {
                        "algorithm": "AEAD_AES_256_GCM",
                        "original_type": "transaction",
                        "nonce": "fdasfjihihihl",
                        "associated_data": "transaction",
                        "ciphertext": "Nq3vXw8kT1yR6mB4cZ9dHg==",
                    },
                },
            }
        },
    }
}


class PayoutAccountBody(Body):
    """A bank account in the member's own name."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "account_number": "6222020000000000",
                    "account_name": "张三",
                    "bank_code": "ICBC",
                }
            ]
        },
    )

    account_number: Annotated[str, Field(pattern=r"^[0-9]{8,30}$")]
    account_name: Annotated[str, Field(min_length=2, max_length=64)]
    bank_code: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,14}$")]


class PayoutAccountView(View):
    """An account with everything but its last digits hidden."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0192f0c1-7a10-7c3e-8a44-51d8ac9ec001",
                    "method": "bank",
                    "bank_code": "ICBC",
                    "account_ending": "0000",
                    "usable_from": "2026-11-22T08:00:00Z",
                }
            ]
        }
    )

    id: UUID
    method: Literal["bank"]
    bank_code: str
    account_ending: str
    usable_from: datetime


class PayoutView(View):
    """Where the money is. `confirmation` goes to `wx.requestMerchantTransfer` as it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0192f0c1-7a10-7c3e-8a44-51d8ac9ec002",
                    "method": "wechat",
                    "amount_fen": 350000,
                    "status": "waiting_confirm",
                    "requested_at": "2026-11-22T08:00:00Z",
                    "settled_at": None,
                    "confirm_before": "2026-11-23T08:00:00Z",
                    "confirm_seconds": 86212,
                    "stopping": False,
                    "confirmation": {
                        "mchId": "1900000001",
                        "appId": "wx1",
                        "package": "affffddafdfafddffda==",
                    },
                    "failure_code": None,
                }
            ]
        }
    )

    id: UUID
    method: Literal["wechat", "bank"]
    amount_fen: int
    status: PayoutStatus
    requested_at: datetime
    settled_at: datetime | None
    confirm_before: datetime | None
    confirm_seconds: int | None = Field(
        default=None, description="What is left of the time to confirm, for a countdown."
    )
    stopping: bool = Field(default=False, description="Staff have asked to take it back.")
    confirmation: dict[str, str] | None
    failure_code: str | None
