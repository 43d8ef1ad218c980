"""The inbox, permissions and preferences as the API speaks them."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.kernel.schema import Body, View
from app.kernel.text import Language

Channel = Literal["sms", "wechat"]
DeliveryStatus = Literal["queued", "sending", "sent", "failed", "dropped"]


class Bilingual(View):
    """One text in both languages."""

    zh: str = Field(examples=["保障即将到期"])
    en: str = Field(examples=["Your cover is about to end"])


class MessageView(View):
    """One message in the inbox; `subject` and `subject_id` say what it is about."""

    id: UUID
    template: str = Field(examples=["renewal_reminder"])
    title: Bilingual
    text: Bilingual
    subject: str = Field(examples=["policy"])
    subject_id: UUID
    at: datetime
    read_at: datetime | None


class MessagePage(View):
    """A page of the inbox, newest first, and how many messages are unread in all."""

    items: list[MessageView]
    unread: int = Field(examples=[2])
    next_cursor: str | None = None


class SubscriptionBody(Body):
    """What the member answered to `wx.requestSubscribeMessage` for this template.

    `reference` is the mini-program's own for this answer: sent again, it counts once.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"answer": "accepted", "reference": "01JD3K7X-1"}]}
    )

    answer: Literal["accepted", "rejected"]
    reference: str = Field(pattern=r"^[0-9A-Za-z_-]{4,64}$")


class SubscriptionView(View):
    """How many messages of a template WeChat may still bring."""

    template: str = Field(examples=["renewal_reminder"])
    title: Bilingual
    wechat_template_id: str | None = Field(
        description="For `wx.requestSubscribeMessage`; null where WeChat is not used.",
        examples=["PgP5l1kHXf2Q0yTDr0m9w3xkfkjHBzZ9mJw1qk7b3sE"],
    )
    left: int = Field(examples=[1])


class SubscriptionList(View):
    """All templates."""

    items: list[SubscriptionView]


class PreferencesBody(Body):
    """The language of SMS and WeChat messages."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"language": "zh"}]})

    language: Language


class PreferencesView(View):
    """How messages come."""

    language: Language = Field(examples=["zh"])


class DeliveryView(View):
    """A message on its way, for those who look after the service: nothing of its content."""

    id: UUID
    message_id: UUID
    template: str = Field(examples=["claim_returned"])
    subject: str = Field(examples=["claim"])
    subject_id: UUID
    channel: Channel
    status: DeliveryStatus
    reason_code: str | None = Field(examples=["undeliverable"])
    attempts: int = Field(examples=[1])
    to_masked: str | None = Field(
        description="The phone now on file, masked.", examples=["138****5678"]
    )
    not_before: datetime
    settled_at: datetime | None
