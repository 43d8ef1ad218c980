"""What orders and payments are asked with, and how they are shown."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from app.kernel.schema import Body, Fen, View
from app.plans.terms import Occupation

TradeType = Literal["jsapi", "native"]


class OrderBody(Body):
    """What to buy; `price_fen` is what the member was shown, checked against ours."""

    plan_code: str = Field(pattern=r"^[A-Z][A-Z0-9-]{1,31}$", examples=["RIDER-ACC"])
    shares: Annotated[int, Field(ge=1, le=100)] = Field(default=1, examples=[2])
    price_fen: Fen | None = Field(default=None, examples=[5000])
    occupation: Occupation | None = Field(default=None, examples=["delivery_rider"])


class PaymentBody(Body):
    """How to pay: inside the mini-program, or by a code that any phone scans."""

    trade_type: TradeType = Field(examples=["native"])


class OrderPolicy(View):
    """The cover that the order became."""

    id: UUID
    number: str = Field(examples=["P4T9K2M7XQ1B"])
    status: str = Field(examples=["in_force"])
    starts_at: datetime
    ends_at: datetime


class OrderRefund(View):
    """Money on its way back, and why."""

    status: str = Field(examples=["accepted"])
    amount_fen: int = Field(examples=[5000])
    reason_code: str = Field(examples=["refund_before_start"])
    requested_at: datetime
    settled_at: datetime | None


class OrderView(View):
    """An order as its member sees it."""

    id: UUID
    number: str = Field(examples=["B4T9K2M7XQ1B"])
    plan_code: str = Field(examples=["RIDER-ACC"])
    plan_version_id: UUID
    shares: int = Field(examples=[2])
    amount_fen: int = Field(examples=[5000])
    status: str = Field(examples=["open"])
    channel: str = Field(examples=["bought"])
    payer: str = Field(examples=["member"])
    opened_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    first_covered_day: date = Field(description="If it were paid on the day it was opened.")
    policy: OrderPolicy | None
    refund: OrderRefund | None


class OrderPage(View):
    """One page of orders, newest first."""

    items: list[OrderView]
    next_cursor: str | None = None


class PaymentView(View):
    """What the phone needs: parameters for `wx.requestPayment`, or a code to show."""

    attempt_id: UUID
    trade_type: TradeType
    client_parameters: dict[str, str] | None = Field(
        description="For `wx.requestPayment`; only with jsapi."
    )
    code_url: str | None = Field(
        description="To be shown as a QR code; only with native.",
        examples=["weixin://wxpay/bizpayurl?pr=p4lpSuKzz"],
    )
    code_svg: str | None = Field(description="`code_url` as an SVG image.")
