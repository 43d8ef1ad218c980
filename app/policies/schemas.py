"""Answers about policies and cover."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.kernel.schema import View
from app.plans.benefits import Cause
from app.plans.schemas import WordsView
from app.policies.cover import Reason

PolicyState = Literal["pending", "not_started", "in_force", "expired", "cancelled", "void"]


class PolicyLine(View):
    """A policy in a list; `state` is seen from the business clock."""

    id: UUID
    number: str = Field(examples=["P4T9K2M7XQ18"])
    plan_code: str = Field(examples=["RIDER-ACC"])
    plan_name: WordsView
    version: int = Field(examples=[1])
    shares: int = Field(examples=[2])
    state: PolicyState
    channel: str = Field(examples=["bought"])
    starts_at: datetime = Field(description="First covered instant.")
    ends_at: datetime = Field(description="First instant that is no longer covered.")
    order_id: UUID | None
    issued_at: datetime


class PolicyPage(View):
    """One page of policies, newest first."""

    items: list[PolicyLine]
    next_cursor: str | None = None


class TransactionView(View):
    """One thing that was done to the policy."""

    kind: str = Field(examples=["issue"])
    status: str = Field(examples=["in_force"])
    shares: int
    option_code: str | None = Field(
        description="The contribution option from here on, where it is another.", examples=[None]
    )
    starts_at: datetime
    ends_at: datetime
    effective_at: datetime
    recorded_at: datetime
    reason_code: str | None


class PolicyView(PolicyLine):
    """A policy with its history, as its holder sees it."""

    plan_version_id: UUID
    certificate: bool = Field(description="Whether the certificate can be downloaded.")
    transactions: list[TransactionView]


class LayerView(View):
    """Shares that began together; waiting days and stages count from `since_on`."""

    shares: int = Field(examples=[1])
    since_on: date


class TierView(View):
    """A contribution option that the policy has had, and since when it counts."""

    option_code: str | None = Field(examples=["A"])
    since_on: date


class PolicyCoverView(View):
    """One policy at the instant; without a number it is an order that is not paid yet."""

    policy_id: UUID | None
    number: str | None = Field(examples=["P4T9K2M7XQ18"])
    plan_version_id: UUID | None
    covered: bool
    reason: Reason
    until: datetime | None = Field(
        description="In grace: until before when it can be renewed, or when the renewal was paid."
    )
    shares: int
    layers: list[LayerView]
    option_code: str | None = Field(description="The newest at the instant.", examples=["A"])
    options: list[TierView] = Field(description="Every option until the instant, oldest first.")
    term_number: int = Field(examples=[1])
    starts_at: datetime
    ends_at: datetime
    extended: bool = Field(
        default=False, description="Covered only because a moratorium moved the end."
    )


class WaitingShares(View):
    """Shares of one policy that do not pay for a cause yet."""

    number: str = Field(examples=["P4T9K2M7XQ18"])
    cause: Cause
    shares: int = Field(examples=[1])
    until: datetime


class WaitingOption(View):
    """A raised option whose waiting days are not over: the one before it pays until then."""

    number: str = Field(examples=["P4T9K2M7XQ18"])
    cause: Cause
    option_code: str = Field(examples=["B"])
    until: datetime


class BenefitCoverView(View):
    """When each cause of a benefit pays, and for how many shares."""

    code: str = Field(examples=["HOSP_DAY"])
    name: WordsView
    pays_now: list[Cause]
    shares_paying: dict[Cause, int] = Field(examples=[{"accident": 2, "illness": 1}])
    waits_until: dict[Cause, datetime] = Field(
        description="Causes that pay for no share yet, and from when they do."
    )
    waiting: list[WaitingShares] = Field(description="Shares that wait, layer by layer.")
    options_waiting: list[WaitingOption] = Field(description="Raised options that wait.")


class PlanCoverView(View):
    """One plan at the instant; `reason` says why not where `covered` is false."""

    plan_code: str = Field(examples=["RIDER-ACC"])
    plan_name: WordsView
    covered: bool
    reason: Reason
    explanation: WordsView
    shares: int = Field(description="Shares covered at the instant.", examples=[2])
    policies: list[PolicyCoverView]
    benefits: list[BenefitCoverView]


class CoverView(View):
    """Everything one person is or is not covered for at an instant."""

    at: datetime
    covered: bool
    plans: list[PlanCoverView]


class CertificateCheck(View):
    """What anybody may know who holds a certificate: that it is genuine, and its dates."""

    number: str = Field(examples=["P4T9K2M7XQ18"])
    holder: str = Field(description="The name, masked.", examples=["张**"])
    plan_name: WordsView
    shares: int = Field(examples=[2])
    state: PolicyState
    starts_on: date
    ends_on: date = Field(description="The last covered day, until 24:00.")


Document = dict[str, Any]
