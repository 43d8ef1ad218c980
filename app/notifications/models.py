"""What members are told: messages, their way out by each channel, and WeChat's permissions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base
from app.kernel.transitions import Lifecycle

# `sending` is written before the call. A carrier that answers the same for the same key is
# called again from there; WeChat does not, so that it is asked once and never again. Staff may
# have a failed SMS sent again: under its key, which the carrier takes once.
DELIVERY = Lifecycle.of(
    "message_delivery",
    ["queued"],
    {
        "queued": ["sending", "dropped", "failed"],
        "sending": ["queued", "sent", "failed"],
        "sent": [],
        "failed": ["queued"],
        "dropped": [],
    },
)
CHANNELS = ("sms", "wechat")
_CHANNELS = ", ".join(f"'{channel}'" for channel in CHANNELS)
LANGUAGES = "language in ('zh', 'en')"


class Message(Base):
    """One fact told to one person, once: `once_key` names the fact.

    `sealed` holds the template's parameters. The inbox shows it from `not_before` on
    (business clock), which quiet hours have moved already; `dropped_at` takes it back
    while that is still ahead.
    """

    __tablename__ = "message"
    __table_args__ = (
        CheckConstraint(LANGUAGES, name="language"),
        UniqueConstraint("once_key", name="uq_message__once_key"),
        Index("ix_message__person_id", "person_id", "not_before", "id"),
        Index(
            "ix_message__unread",
            "person_id",
            postgresql_where=text("read_at is null and dropped_at is null"),
        ),
        Index("ix_message__subject_id", "subject_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    template: Mapped[str]
    subject: Mapped[str]
    subject_id: Mapped[UUID]
    once_key: Mapped[str]
    language: Mapped[str]
    sealed: Mapped[bytes]
    not_before: Mapped[datetime]
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    dropped_at: Mapped[datetime | None]


class MessageDelivery(Base):
    """A message on its way by one channel; its id is the carrier's idempotency key.

    `account_id` is whose openid or phone it goes to; null where only the person's phone
    on the file is known.
    """

    __tablename__ = "message_delivery"
    __table_args__ = (
        CheckConstraint(f"channel in ({_CHANNELS})", name="channel"),
        CheckConstraint(DELIVERY.check(), name="status"),
        CheckConstraint("attempts >= 0", name="attempts"),
        UniqueConstraint("message_id", "channel", name="uq_message_delivery__channel"),
        Index("ix_message_delivery__failed", "id", postgresql_where=text("status = 'failed'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    message_id: Mapped[UUID] = mapped_column(ForeignKey("message.id"))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("member_account.id"))
    channel: Mapped[str]
    status: Mapped[str]
    reason_code: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    outside_reference: Mapped[str | None]
    tried_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]


class SubscriptionConsent(Base):
    """One answer to WeChat's question; an accepted one allows one message of its template.

    `reference` is the mini-program's own for the answer, so that telling us twice counts
    once. Used up when `delivery_id` is set; `ended_at` when WeChat said that it is gone.
    """

    __tablename__ = "subscription_consent"
    __table_args__ = (
        CheckConstraint("answer in ('accepted', 'rejected')", name="answer"),
        UniqueConstraint(
            "account_id", "template", "reference", name="uq_subscription_consent__reference"
        ),
        UniqueConstraint("delivery_id", name="uq_subscription_consent__delivery_id"),
        Index(
            "ix_subscription_consent__left",
            "account_id",
            "template",
            postgresql_where=text(
                "answer = 'accepted' and delivery_id is null and ended_at is null"
            ),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("member_account.id"))
    template: Mapped[str]
    reference: Mapped[str]
    answer: Mapped[str]
    given_at: Mapped[datetime] = mapped_column(server_default=func.now())
    delivery_id: Mapped[UUID | None] = mapped_column(ForeignKey("message_delivery.id"))
    ended_at: Mapped[datetime | None]


class MessagePreference(Base):
    """In which language a person wants messages; Chinese where nobody said."""

    __tablename__ = "message_preference"
    __table_args__ = (CheckConstraint(LANGUAGES, name="language"),)

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    language: Mapped[str]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
