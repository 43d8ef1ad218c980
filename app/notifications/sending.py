"""Sending: the attempt is recorded, the carrier called, its answer recorded.

The SMS carrier answers the same for the same key, so that an attempt without an answer is
made again. WeChat has no key and cannot be asked: what may have been sent counts as sent
for ever, and is shown to staff as failed with `outcome_unknown`.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.member_accounts import contact_of
from app.integrations.errors import OutcomeUnknown, Refused, Unreachable
from app.integrations.outside import Outside
from app.kernel.clock import system_now
from app.kernel.jobs import JobContext, RetryLater, schedule
from app.kernel.principal import SYSTEM
from app.kernel.text import Language
from app.kernel.transitions import move
from app.kernel.vault import Vault
from app.members.blocking import blocked_since
from app.members.models import Person
from app.notifications import queries
from app.notifications.events import SEND
from app.notifications.models import DELIVERY, Message, MessageDelivery, SubscriptionConsent
from app.notifications.quiet import after_quiet_hours
from app.notifications.rendering import texts, wechat_fields
from app.notifications.service import open_delivery
from app.notifications.subscriptions import template_id
from app.notifications.templates import TEMPLATES

log = structlog.get_logger("notifications")

# About six hours with the waits below.
ATTEMPTS = 40
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=10), timedelta(minutes=10)
# Longer than any call: whoever finds an attempt older than this knows that nobody makes it.
ABANDONED = timedelta(seconds=60)
FOR_LATER = frozenset({"too_often"})


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is about to be sent; everything it takes was read in the transaction."""

    delivery_id: UUID
    channel: str
    attempts: int
    language: Language
    template: str
    to: str = field(repr=False)
    values: dict[str, str] = field(repr=False)
    template_id: str = ""
    page: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """The carrier's answer: taken, or refused for a reason."""

    reference: str | None = None
    reason_code: str | None = None


async def send(context: JobContext, delivery_id: UUID) -> None:
    """Send one delivery, at most once for all that anybody can know.

    Raises RetryLater while the carrier does not answer.
    """
    async with context.transaction() as session:
        prepared = await _prepare(context, session, delivery_id)
    if prepared is None:
        return
    wait = min(FIRST_WAIT * 2 ** min(prepared.attempts - 1, 10), LONGEST_WAIT)
    try:
        sent = await _call(context.outside, prepared)
    except Unreachable as error:
        await _try_again(context, prepared, "unreachable")
        raise RetryLater(wait) from error
    except OutcomeUnknown as error:
        if prepared.channel == "wechat":
            await _record(context, prepared, Sent(reason_code="outcome_unknown"))
            return
        await _try_again(context, prepared, "unreachable")
        raise RetryLater(wait) from error
    except Refused as error:
        if error.code in FOR_LATER and prepared.attempts < ATTEMPTS:
            await _try_again(context, prepared, error.code)
            raise RetryLater(LONGEST_WAIT) from error
        # The key was used with another number or text: that attempt was taken.
        taken = prepared.channel == "sms" and error.code == "key_reused"
        sent = Sent() if taken else Sent(reason_code=error.code)
    await _record(context, prepared, sent)


async def _call(outside: Outside, prepared: Prepared) -> Sent:
    if prepared.channel == "sms":
        name = f"{prepared.template}_{prepared.language}"
        key = str(prepared.delivery_id)
        receipt = await outside.sms.send(prepared.to, name, prepared.values, key)
        return Sent(receipt.message_id)
    if not prepared.template_id or not prepared.to:
        return Sent(reason_code="not_offered")
    await outside.wechat.send_subscribe_message(
        prepared.to,
        prepared.template_id,
        prepared.values,
        page=prepared.page,
        language="zh_CN" if prepared.language == "zh" else "en_US",
    )
    return Sent()


async def _prepare(
    context: JobContext, session: AsyncSession, delivery_id: UUID
) -> Prepared | None:
    """Record that it is being tried; None when there is nothing to send, or not now."""
    delivery = await queries.locked_delivery(session, delivery_id)
    if delivery is None or delivery.status not in ("queued", "sending"):
        return None
    now = await context.business_now(session)
    message = await session.get_one(Message, delivery.message_id)
    if delivery.status == "sending" and delivery.channel == "wechat":
        await _settle_abandoned(session, delivery, message, now)
        return None
    if delivery.attempts >= ATTEMPTS:
        await _failed(session, delivery, message, "unreachable", now)
        return None
    if await blocked_since(session, message.person_id) is not None:
        status = "dropped" if delivery.status == "queued" else "failed"
        await _end(session, delivery, status, "member_blocked", now)
        return None
    later = after_quiet_hours(max(now, message.not_before))
    if later > now:
        await schedule(session, SEND, delivery.id, later)
        return None
    if delivery.status == "queued":
        await move(session, DELIVERY, delivery, "sending", actor=SYSTEM, at=now)
    prepared = await _read(context, session, delivery, message)
    if prepared is None:
        await _failed(session, delivery, message, "no_address", now)
        return None
    delivery.attempts, delivery.tried_at = prepared.attempts, system_now()
    await session.flush()
    return prepared


async def _settle_abandoned(
    session: AsyncSession, delivery: MessageDelivery, message: Message, now: datetime
) -> None:
    """Somebody was killed between the attempt and its answer, or is still waiting for it."""
    if delivery.tried_at is not None and system_now() - delivery.tried_at < ABANDONED:
        raise RetryLater(ABANDONED)
    await _failed(session, delivery, message, "outcome_unknown", now)


async def _read(
    context: JobContext, session: AsyncSession, delivery: MessageDelivery, message: Message
) -> Prepared | None:
    template, language = TEMPLATES[message.template], _language(message)
    values = context.vault.open("message", message.id, message.sealed)
    to = await _address(session, context.vault, delivery, message)
    if to is None:
        return None
    by_wechat = delivery.channel == "wechat"
    return Prepared(
        delivery_id=delivery.id,
        channel=delivery.channel,
        attempts=delivery.attempts + 1,
        language=language,
        template=message.template,
        to=to,
        values=(wechat_fields if by_wechat else texts)(template, values, language),
        template_id=template_id(context.settings, message.template) or "",
        page=template.page,
    )


def _language(message: Message) -> Language:
    return "en" if message.language == "en" else "zh"


async def _address(
    session: AsyncSession, vault: Vault, delivery: MessageDelivery, message: Message
) -> str | None:
    """The account's openid or phone as it is now; without an account the phone on the file."""
    if delivery.account_id is not None:
        phone, openid = await contact_of(session, vault, delivery.account_id)
        return openid or "" if delivery.channel == "wechat" else phone
    person = await session.get_one(Person, message.person_id)
    if person.erased_at is not None:
        return None
    known: str | None = vault.open("person", person.id, person.sealed).get("phone")
    return known


async def _try_again(context: JobContext, prepared: Prepared, reason_code: str) -> None:
    """WeChat was not reached, so that it may be asked anew; an SMS keeps its key anyway."""
    async with context.transaction() as session:
        delivery = await queries.locked_delivery(session, prepared.delivery_id)
        if delivery is None or delivery.status != "sending":
            return
        delivery.reason_code = reason_code
        if prepared.channel == "wechat":
            now = await context.business_now(session)
            await move(
                session, DELIVERY, delivery, "queued", actor=SYSTEM, at=now, reason_code=reason_code
            )


async def _record(context: JobContext, prepared: Prepared, sent: Sent) -> None:
    async with context.transaction() as session:
        delivery = await queries.locked_delivery(session, prepared.delivery_id)
        if delivery is None or delivery.status != "sending":
            return
        now = await context.business_now(session)
        if sent.reason_code is not None:
            message = await session.get_one(Message, delivery.message_id)
            await _failed(session, delivery, message, sent.reason_code, now)
            return
        delivery.outside_reference, delivery.reason_code = sent.reference, None
        delivery.settled_at = now
        await move(session, DELIVERY, delivery, "sent", actor=SYSTEM, at=now)


async def _failed(
    session: AsyncSession,
    delivery: MessageDelivery,
    message: Message,
    reason_code: str,
    now: datetime,
) -> None:
    """Say so, and take the SMS instead of a WeChat message that certainly did not come."""
    await _end(session, delivery, "failed", reason_code, now)
    log.warning("message not sent", channel=delivery.channel, reason=reason_code)
    if delivery.channel != "wechat" or reason_code == "outcome_unknown":
        return
    if reason_code == "not_subscribed" and delivery.account_id is not None:
        # WeChat counts as well, and its count is the one that holds.
        gone = queries.consents_left(delivery.account_id, message.template).with_only_columns(
            SubscriptionConsent.id
        )
        await session.execute(
            update(SubscriptionConsent)
            .where(SubscriptionConsent.id.in_(gone.order_by(None)))
            .values(ended_at=system_now())
        )
    at = after_quiet_hours(now)
    await open_delivery(session, message.id, "sms", delivery.account_id, at, now)


async def _end(
    session: AsyncSession, delivery: MessageDelivery, status: str, reason_code: str, now: datetime
) -> None:
    delivery.reason_code, delivery.settled_at = reason_code, now
    await move(session, DELIVERY, delivery, status, actor=SYSTEM, at=now, reason_code=reason_code)
