"""What a cancellation is asked with, and what it gives back."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.kernel.schema import Body, View


class StaffCancellationBody(Body):
    """Why staff cancel for a member."""

    reason: Literal["member_asked", "enrolled_by_mistake", "no_longer_eligible"] = Field(
        examples=["member_asked"]
    )


class ReinstatementBody(Body):
    """Why cancelled cover goes on after all."""

    reason: Literal["cancelled_by_mistake", "member_changed_mind", "appeal_granted"] = Field(
        examples=["cancelled_by_mistake"]
    )


class ReinstatementView(View):
    """Cover that goes on; between the cancellation and `effective_at` there may be a gap."""

    policy_id: UUID
    number: str = Field(examples=["P4T9K2M7XQ18"])
    status: str = Field(examples=["in_force"])
    effective_at: datetime = Field(description="First instant that is covered again.")
    starts_at: datetime = Field(description="Waiting days count from here.")
    ends_at: datetime


class PaymentBackView(View):
    """What goes back of one payment, and on which way.

    `gateway` returns it to where it came from; after a year it goes by `payout` to an
    account of the member; `sponsor` means that the sponsor owes less.
    """

    order_id: UUID
    amount_fen: int = Field(examples=[2083])
    method: Literal["gateway", "payout", "sponsor"] = Field(examples=["gateway"])


class CancellationView(View):
    """What cancelling gives back, from when nothing is covered, and why."""

    policy_id: UUID
    number: str = Field(examples=["P4T9K2M7XQ18"])
    plan_code: str = Field(examples=["RIDER-ACC"])
    started: bool = Field(description="Whether cover had begun.")
    ends_at: datetime = Field(description="First instant that is no longer covered.")
    paid_fen: int = Field(description="Contributions paid, without deposits.", examples=[2500])
    claimed_fen: int = Field(description="Benefits paid under this policy.", examples=[0])
    refund_fen: int = Field(description="What the member gets, deposit included.", examples=[2083])
    deposit_fen: int = Field(description="The part of it that is deposit.", examples=[0])
    payments: list[PaymentBackView]
    explanation: dict[str, Any] = Field(
        description="The plan's rule, computed step by step, in both languages."
    )
