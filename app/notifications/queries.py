"""Finding messages, deliveries and permissions; a member's begin at the login account."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.models import MemberAccount
from app.kernel.principal import Principal
from app.members.models import Member
from app.notifications.models import (
    Message,
    MessageDelivery,
    MessagePreference,
    SubscriptionConsent,
)
from app.organisations.queries import in_scope


def _inbox(account_id: UUID, now: datetime) -> Select[Message]:
    """What has come to the person who logs in with this account."""
    return (
        select(Message)
        .join(MemberAccount, MemberAccount.person_id == Message.person_id)
        .where(
            MemberAccount.id == account_id,
            Message.not_before <= now,
            Message.dropped_at.is_(None),
        )
    )


async def inbox_page(
    session: AsyncSession,
    account_id: UUID,
    now: datetime,
    before: tuple[datetime, UUID] | None,
    limit: int,
    *,
    unread: bool,
) -> Sequence[Message]:
    """Newest first; one row more than `limit` proves that more follow."""
    query = _inbox(account_id, now).order_by(Message.not_before.desc(), Message.id.desc())
    if before is not None:
        query = query.where(tuple_(Message.not_before, Message.id) < tuple_(*before))
    if unread:
        query = query.where(Message.read_at.is_(None))
    return (await session.scalars(query.limit(limit + 1))).all()


async def unread_count(session: AsyncSession, account_id: UUID, now: datetime) -> int:
    unread = _inbox(account_id, now).where(Message.read_at.is_(None)).subquery()
    return int(await session.scalar(select(func.count()).select_from(unread)) or 0)


async def message_of_account(
    session: AsyncSession, account_id: UUID, message_id: UUID, now: datetime
) -> Message | None:
    return await session.scalar(
        _inbox(account_id, now).where(Message.id == message_id).with_for_update(of=Message)
    )


async def newest_account(session: AsyncSession, person_id: UUID) -> MemberAccount | None:
    """The account by which a person is reached: of several the one made last."""
    return await session.scalar(
        select(MemberAccount)
        .where(MemberAccount.person_id == person_id, MemberAccount.status == "active")
        .order_by(MemberAccount.id.desc())
        .limit(1)
    )


async def language_of(session: AsyncSession, person_id: UUID) -> str:
    found = await session.scalar(
        select(MessagePreference.language).where(MessagePreference.person_id == person_id)
    )
    return found or "zh"


def consents_left(account_id: UUID, template: str) -> Select[SubscriptionConsent]:
    """Permissions of WeChat that are not used up, oldest first."""
    return (
        select(SubscriptionConsent)
        .where(
            SubscriptionConsent.account_id == account_id,
            SubscriptionConsent.template == template,
            SubscriptionConsent.answer == "accepted",
            SubscriptionConsent.delivery_id.is_(None),
            SubscriptionConsent.ended_at.is_(None),
        )
        .order_by(SubscriptionConsent.id)
    )


async def counts_of_consents(session: AsyncSession, account_id: UUID) -> dict[str, int]:
    """How many messages each template may still send to WeChat; absent means none."""
    rows = await session.execute(
        select(SubscriptionConsent.template, func.count())
        .where(
            SubscriptionConsent.account_id == account_id,
            SubscriptionConsent.answer == "accepted",
            SubscriptionConsent.delivery_id.is_(None),
            SubscriptionConsent.ended_at.is_(None),
        )
        .group_by(SubscriptionConsent.template)
    )
    return {row[0]: row[1] for row in rows}


async def locked_delivery(session: AsyncSession, delivery_id: UUID) -> MessageDelivery | None:
    return await session.scalar(
        select(MessageDelivery).where(MessageDelivery.id == delivery_id).with_for_update()
    )


async def delivery_in_scope(
    session: AsyncSession, staff: Principal, delivery_id: UUID
) -> Row[MessageDelivery, Message] | None:
    """A delivery to a member of the caller's subtree, locked, with its message."""
    ours = select(Member.person_id).where(in_scope(staff, Member.organisation_id))
    rows = await session.execute(
        select(MessageDelivery, Message)
        .join(Message, Message.id == MessageDelivery.message_id)
        .where(MessageDelivery.id == delivery_id, Message.person_id.in_(ours))
        .with_for_update(of=MessageDelivery)
    )
    return rows.one_or_none()


async def deliveries_page(
    session: AsyncSession,
    staff: Principal,
    *,
    status: str | None,
    channel: str | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Row[MessageDelivery, Message]]:
    """Deliveries to members of the caller's subtree, newest first."""
    ours = select(Member.person_id).where(in_scope(staff, Member.organisation_id))
    query = (
        select(MessageDelivery, Message)
        .join(Message, Message.id == MessageDelivery.message_id)
        .where(Message.person_id.in_(ours))
        .order_by(MessageDelivery.id.desc())
        .limit(limit + 1)
    )
    if status is not None:
        query = query.where(MessageDelivery.status == status)
    if channel is not None:
        query = query.where(MessageDelivery.channel == channel)
    if before is not None:
        query = query.where(MessageDelivery.id < before)
    return (await session.execute(query)).all()
