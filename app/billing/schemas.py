"""What orders and payments are asked with, and how they are shown."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from app.billing.judging import Wish
from app.billing.price_inputs import Choice
from app.kernel.schema import Body, Day, Fen, Id, View
from app.plans.literals import WORD
from app.plans.schemas import WordsView
from app.plans.terms import Occupation

TradeType = Literal["jsapi", "native"]


PlanCode = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9-]{1,31}$", examples=["RIDER-ACC"])]
StatementCode = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,40}$", examples=["healthy"])]


class ChoiceBody(Body):
    """What to buy, and what the buyer states of themselves and answers for."""

    option: str | None = Field(
        default=None,
        pattern=r"^[A-Z0-9]{1,8}$",
        description="The contribution option; absent: the plan's first, or as before.",
        examples=["A"],
    )
    shares: Annotated[int, Field(ge=1, le=100)] = Field(
        default=1,
        description="Shares to buy; of an upgrade those added, of a renewal as before if absent.",
        examples=[2],
    )
    term_days: Annotated[int, Field(ge=1, le=366)] | None = Field(
        default=None, description="Where the option leaves a choice of days.", examples=[7]
    )
    starts_on: Day | None = Field(
        default=None,
        description="A first day later than the next, at most 30 days; new cover only.",
        examples=["2026-12-24"],
    )
    occupation: Occupation | None = Field(default=None, examples=["delivery_rider"])
    statements: list[StatementCode] = Field(
        default_factory=list,
        max_length=20,
        description="The codes of the plan's statements that the buyer makes.",
        examples=[["healthy"]],
    )
    unit_kind: str | None = Field(
        default=None,
        pattern=WORD,
        description="The kind of unit that the buyer joins through, in the plan's words.",
        examples=["enterprise"],
    )
    card_holder: bool | None = Field(
        default=None, description="Whether the buyer holds the union card.", examples=[True]
    )

    def choice(self) -> Choice:
        """What was chosen and stated."""
        return Choice(
            shares=self.shares,
            option=self.option,
            term_days=self.term_days,
            starts_on=self.starts_on,
            occupation=self.occupation,
            statements=tuple(self.statements),
            unit_kind=self.unit_kind,
            card_holder=self.card_holder,
        )


def _example(**members: Any) -> ConfigDict:
    return ConfigDict(
        strict=True, extra="forbid", frozen=True, json_schema_extra={"examples": [members]}
    )


class QuoteBody(ChoiceBody):
    """What would be bought; a renewal or an upgrade names the policy that it continues."""

    model_config = _example(plan_code="RIDER-ACC", shares=2, occupation="delivery_rider")

    plan_code: PlanCode
    kind: Literal["new", "renewal", "upgrade"] = Field(default="new", examples=["new"])
    policy_id: Id | None = Field(
        default=None, description="The policy to renew or upgrade; of new cover absent."
    )

    @model_validator(mode="after")
    def _continues(self) -> Self:
        if (self.kind == "new") != (self.policy_id is None):
            raise ValueError("a renewal or an upgrade names a policy, new cover does not")
        return self

    def wish(self, **more: Any) -> Wish:
        """The wish; `more` is what the door knows of it."""
        return Wish(
            plan_code=self.plan_code,
            choice=self.choice(),
            kind=self.kind,
            policy_id=self.policy_id,
            same_shares="shares" not in self.model_fields_set,
            **more,
        )


class OrderBody(QuoteBody):
    """What to buy; `price_fen` is what the member was shown, checked against ours."""

    model_config = _example(
        plan_code="RIDER-ACC", shares=2, occupation="delivery_rider", price_fen=5000
    )

    price_fen: Fen | None = Field(default=None, examples=[5000])


class PartView(View):
    """What one payer gives."""

    payer: Literal["member", "unit", "union", "platform"]
    amount_fen: int = Field(examples=[2500])


class WaitingView(View):
    """Benefits that do not pay at once for a cause, and from when they do."""

    benefit: str = Field(examples=["HOSP_DAY"])
    name: WordsView
    cause: Literal["accident", "illness"]
    until: datetime = Field(description="The first instant that pays, for shares that wait.")
    shares: int = Field(description="How many of the shares wait.", examples=[1])


class RuleView(View):
    """A rule that is not met; `pointer` names the member of the body that it is about."""

    code: str = Field(examples=["statement-missing"])
    pointer: str = Field(examples=["/statements"])
    message: WordsView
    statement: str | None = Field(
        default=None, description="The statement that is missing.", examples=["healthy"]
    )


class QuoteView(View):
    """What cover would cost and give if it were ordered now, and every reason why not.

    An order with the same body and `price_fen` costs exactly this.
    """

    plan_code: str = Field(examples=["RIDER-ACC"])
    plan_version_id: UUID
    kind: str = Field(examples=["new"])
    policy_id: UUID | None
    option: str = Field(examples=["A"])
    shares: int = Field(examples=[2])
    term_days: int | None = Field(examples=[None])
    eligible: bool
    reasons: list[RuleView]
    shares_available: int = Field(examples=[3])
    price_fen: int | None = Field(
        description="What the member pays; null while something is missing.", examples=[5000]
    )
    total_fen: int | None = Field(description="What all payers give.", examples=[5000])
    split: list[PartView]
    deposit_fen: int | None = Field(description="Goes back when the term ends.", examples=[0])
    first_covered_day: date
    last_covered_day: date
    starts_at: datetime
    ends_at: datetime = Field(description="First instant that is no longer covered.")
    pay_before: datetime | None = Field(
        description="When it is too late for this period; null where payment moves it."
    )
    follows_without_gap: bool = Field(description="Whether old shares go on and do not wait.")
    waits: list[WaitingView]
    explanation: dict[str, Any] = Field(
        description="How the price was reached, as a tree of steps.",
        examples=[{"code": "price", "zh": "应缴互助费 50.00 元", "en": "50.00 yuan", "steps": []}],
    )


class EligibilityView(View):
    """Whether an order would be accepted now, and every reason why not."""

    plan_code: str = Field(examples=["RIDER-ACC"])
    eligible: bool
    reasons: list[RuleView]
    shares_available: int = Field(examples=[3])
    price_fen: int | None = Field(
        description="What the member pays for the shares asked for; null while unknown.",
        examples=[5000],
    )
    price_per_share_fen: int | None = Field(
        description="Null where it depends on the person.", examples=[2500]
    )
    first_covered_day: date


class PaymentBody(Body):
    """How to pay: inside the mini-program, or by a code that any phone scans."""

    trade_type: TradeType = Field(examples=["native"])


class OrderPolicy(View):
    """The cover that the order became."""

    id: UUID
    number: str = Field(examples=["P4T9K2M7XQ18"])
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
    number: str = Field(examples=["B4T9K2M7XQ15"])
    plan_code: str = Field(examples=["RIDER-ACC"])
    plan_version_id: UUID
    kind: str = Field(description="new, renewal or upgrade", examples=["new"])
    policy_id: UUID | None = Field(description="The policy that it renews or adds shares to.")
    option_code: str | None = Field(examples=["A"])
    term_days: int | None = Field(examples=[None])
    shares: int = Field(examples=[2])
    amount_fen: int = Field(description="What the payer pays.", examples=[5000])
    split: dict[str, int] | None = Field(
        description="What others owe beside it, fen by payer.", examples=[None]
    )
    deposit_fen: int = Field(description="Goes back when the term ends.", examples=[0])
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
