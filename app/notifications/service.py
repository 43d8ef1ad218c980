"""Telling members: one row for each fact, on its way by WeChat or SMS after quiet hours."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.ids import new_id
from app.kernel.jobs import schedule, unschedule
from app.kernel.principal import SYSTEM
from app.kernel.transitions import begin, move
from app.kernel.vault import Vault
from app.members.models import Person
from app.notifications import queries
from app.notifications.events import SEND
from app.notifications.models import DELIVERY, Message, MessageDelivery, SubscriptionConsent
from app.notifications.quiet import after_quiet_hours
from app.notifications.rendering import texts
from app.notifications.templates import TEMPLATES


async def notify(
    session: AsyncSession,
    vault: Vault,
    *,
    person_id: UUID,
    template: str,
    subject: str,
    subject_id: UUID,
    parameters: Mapping[str, Any],
    once_key: str,
    now: datetime,
    not_before: datetime | None = None,
) -> UUID | None:
    """Tell a person one fact, in this transaction; None when `once_key` was told before, or
    nobody lives to be told.

    It reaches inbox and phone at `not_before` or `now` (business clock), moved out of quiet
    hours. WeChat is used where a permission is left, which this uses up; else the SMS goes
    to the account's phone, or to the one on the person's file. Raises KeyError for an
    unknown template or a missing parameter.
    """
    for language in ("zh", "en"):
        texts(TEMPLATES[template], parameters, language)
    person = await _still(session, person_id)
    if person.blocked_at is not None:
        return None
    at = after_quiet_hours(max(now, not_before or now))
    message_id = new_id()
    written = await session.scalar(
        insert(Message)
        .values(
            id=message_id,
            person_id=person.id,
            template=template,
            subject=subject,
            subject_id=subject_id,
            once_key=once_key,
            language=await queries.language_of(session, person.id),
            sealed=vault.seal("message", message_id, parameters),
            not_before=at,
            created_at=now,
        )
        .on_conflict_do_nothing(constraint="uq_message__once_key")
        .returning(Message.id)
    )
    if written is None:
        return None
    await _put_on_its_way(session, vault, person, message_id, template, at, now)
    return message_id


async def _still(session: AsyncSession, person_id: UUID) -> Person:
    """The person, or whom they turned out to be."""
    person = await session.get_one(Person, person_id)
    if person.merged_into_id is not None:
        return await session.get_one(Person, person.merged_into_id)
    return person


async def _put_on_its_way(
    session: AsyncSession,
    vault: Vault,
    person: Person,
    message_id: UUID,
    template: str,
    at: datetime,
    now: datetime,
) -> None:
    account = await queries.newest_account(session, person.id)
    consent = None
    if account is not None and account.openid_index is not None:
        waiting = queries.consents_left(account.id, template).limit(1)
        consent = await session.scalar(waiting.with_for_update(skip_locked=True))
    if consent is not None and account is not None:
        delivery = await open_delivery(session, message_id, "wechat", account.id, at, now)
        consent.delivery_id = delivery.id
        await session.flush()
    elif account is not None or _phone_of(vault, person) is not None:
        await open_delivery(session, message_id, "sms", account.id if account else None, at, now)


def _phone_of(vault: Vault, person: Person) -> str | None:
    if person.erased_at is not None:
        return None
    phone: str | None = vault.open("person", person.id, person.sealed).get("phone")
    return phone


async def open_delivery(
    session: AsyncSession,
    message_id: UUID,
    channel: str,
    account_id: UUID | None,
    at: datetime,
    now: datetime,
) -> MessageDelivery:
    """Queue a message for one channel at an instant of the business clock."""
    delivery = MessageDelivery(
        id=new_id(),
        message_id=message_id,
        account_id=account_id,
        channel=channel,
        status="queued",
        attempts=0,
    )
    begin(session, DELIVERY, delivery, actor=SYSTEM, at=now)
    await session.flush()
    await schedule(session, SEND, delivery.id, at)
    return delivery


async def take_back(
    session: AsyncSession, *, subject_id: UUID, templates: tuple[str, ...], now: datetime
) -> int:
    """Drop what is not true any more and has not gone out yet; returns how many messages."""
    rows = await session.scalars(
        select(Message)
        .where(
            Message.subject_id == subject_id,
            Message.template.in_(templates),
            Message.not_before > now,
            Message.dropped_at.is_(None),
        )
        .order_by(Message.id)
        .with_for_update()
    )
    dropped = 0
    for message in rows.all():
        message.dropped_at = now
        dropped += 1
        await _stop_deliveries(session, message.id, now)
    await session.flush()
    return dropped


async def _stop_deliveries(session: AsyncSession, message_id: UUID, now: datetime) -> None:
    waiting = select(MessageDelivery).where(
        MessageDelivery.message_id == message_id, MessageDelivery.status == "queued"
    )
    for delivery in (await session.scalars(waiting.with_for_update())).all():
        await move(session, DELIVERY, delivery, "dropped", actor=SYSTEM, at=now)
        delivery.settled_at = now
        await unschedule(session, SEND, delivery.id)
        # The permission was not used: it stands for another message.
        await session.execute(
            update(SubscriptionConsent)
            .where(SubscriptionConsent.delivery_id == delivery.id)
            .values(delivery_id=None)
        )
