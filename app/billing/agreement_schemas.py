"""Payment agreements as the API speaks them."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.kernel.schema import Body, PositiveFen, View


class RenewalAgreementBody(Body):
    """What the member agrees to: no renewal is charged above `most_fen`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"most_fen": 6000}]})

    most_fen: PositiveFen


class SigningView(View):
    """For `wx.navigateToMiniProgram`: there the member confirms the agreement."""

    app_id: str = Field(examples=["wxbd687630cd02ce1d"])
    path: str = Field(examples=["pages/index/index?pre_entrustweb_id=pre2026112288"])


class RenewalAgreementView(View):
    """An agreement that renewals of a policy, and of those that follow it, pay themselves.

    `requested` until the member confirms before `confirm_before`; `ended_because` is one of
    member, wechat, replaced, not_confirmed, policy_over.
    """

    id: UUID
    plan_code: str = Field(examples=["RIDER-ACC"])
    status: Literal["requested", "active", "ended"]
    most_fen: int = Field(examples=[6000])
    requested_at: datetime
    confirm_before: datetime
    signed_at: datetime | None
    ended_at: datetime | None
    ended_because: str | None = Field(examples=["member"])
    signing: SigningView | None = Field(description="While it waits to be confirmed.")
