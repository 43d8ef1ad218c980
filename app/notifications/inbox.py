"""A member's inbox, and what staff see of deliveries."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.member_accounts import contact_of, person_id_of
from app.kernel import audit
from app.kernel.clock import system_now
from app.kernel.jobs import schedule
from app.kernel.pagination import Page, decode_cursor, encode_cursor, page_of
from app.kernel.principal import Principal
from app.kernel.text import Language
from app.kernel.transitions import move
from app.kernel.vault import Vault
from app.members.errors import IdentityRequired
from app.members.phones import mask_phone
from app.notifications import queries
from app.notifications.errors import DeliveryNotFound, MessageNotFound, NotSentAgain
from app.notifications.events import SEND
from app.notifications.models import DELIVERY, Message, MessageDelivery, MessagePreference
from app.notifications.quiet import after_quiet_hours
from app.notifications.rendering import render
from app.notifications.schemas import DeliveryView, MessagePage, MessageView, PreferencesView
from app.notifications.templates import TEMPLATES


def _view(vault: Vault, message: Message) -> MessageView:
    template = TEMPLATES[message.template]
    values = vault.open("message", message.id, message.sealed)
    title, text = render(template, values, "zh")
    title_en, text_en = render(template, values, "en")
    return MessageView.model_validate(
        {
            "id": message.id,
            "template": message.template,
            "title": {"zh": title, "en": title_en},
            "text": {"zh": text, "en": text_en},
            "subject": message.subject,
            "subject_id": message.subject_id,
            "at": message.not_before,
            "read_at": message.read_at,
        }
    )


async def list_inbox(
    session: AsyncSession,
    vault: Vault,
    member: Principal,
    now: datetime,
    *,
    unread: bool,
    cursor: str | None,
    limit: int,
) -> MessagePage:
    """What has come, newest first; raises TamperedCursor (400)."""
    listing = f"inbox:{member.id}:{unread}"
    position = decode_cursor(vault, listing, cursor)
    before = (datetime.fromisoformat(position[0]), UUID(position[1])) if position else None
    rows = await queries.inbox_page(session, member.id, now, before, limit, unread=unread)
    page = page_of(
        rows,
        limit,
        lambda row: _view(vault, row),
        lambda row: encode_cursor(vault, listing, [row.not_before.isoformat(), str(row.id)]),
    )
    return MessagePage(
        items=page.items,
        unread=await queries.unread_count(session, member.id, now),
        next_cursor=page.next_cursor,
    )


async def mark_read(
    session: AsyncSession, vault: Vault, member: Principal, message_id: UUID, now: datetime
) -> MessageView:
    """Remember when it was first read; raises MessageNotFound (404)."""
    message = await queries.message_of_account(session, member.id, message_id, now)
    if message is None:
        raise MessageNotFound
    if message.read_at is None:
        message.read_at = now
        await audit.record(
            session, member, "message.mark_read", subject="message", subject_ids=[message.id]
        )
    return _view(vault, message)


async def choose_language(
    session: AsyncSession, member: Principal, language: Language
) -> PreferencesView:
    """From the next message on; raises IdentityRequired (409)."""
    person_id = await person_id_of(session, member.id)
    if person_id is None:
        raise IdentityRequired
    chosen = {"language": language, "updated_at": system_now()}
    await session.execute(
        insert(MessagePreference)
        .values(person_id=person_id, **chosen)
        .on_conflict_do_update(index_elements=["person_id"], set_=chosen)
    )
    await audit.record(
        session,
        member,
        "message_preference.choose",
        subject="message_preference",
        subject_ids=[person_id],
        details={"language": language},
    )
    return PreferencesView(language=language)


async def preferences_of(session: AsyncSession, member: Principal) -> PreferencesView:
    person_id = await person_id_of(session, member.id)
    found = await queries.language_of(session, person_id) if person_id else "zh"
    return PreferencesView.model_validate({"language": found})


async def list_deliveries(
    session: AsyncSession,
    vault: Vault,
    staff: Principal,
    *,
    status: str | None,
    channel: str | None,
    cursor: str | None,
    limit: int,
) -> Page[DeliveryView]:
    """Deliveries to members of the caller's subtree; the look is recorded."""
    listing = f"deliveries:{staff.id}:{status}:{channel}"
    position = decode_cursor(vault, listing, cursor)
    before = UUID(position[0]) if position else None
    rows = [
        (row[0], row[1])
        for row in await queries.deliveries_page(
            session, staff, status=status, channel=channel, before=before, limit=limit
        )
    ]
    shown = [delivery.id for delivery, _ in rows[:limit]]
    await audit.record(
        session, staff, "message_delivery.read", subject="message_delivery", subject_ids=shown
    )
    views = {
        delivery.id: await _delivery_view(session, vault, delivery, message)
        for delivery, message in rows[:limit]
    }
    return page_of(
        [delivery for delivery, _ in rows],
        limit,
        lambda row: views[row.id],
        lambda row: encode_cursor(vault, listing, [str(row.id)]),
    )


async def send_again(
    session: AsyncSession, vault: Vault, staff: Principal, delivery_id: UUID, now: datetime
) -> DeliveryView:
    """Queue an SMS that failed once more, for instance after the phone was put right.

    It keeps the carrier's key, so that one that had arrived after all does not come twice.
    Raises DeliveryNotFound (404), NotSentAgain (409).
    """
    found = await queries.delivery_in_scope(session, staff, delivery_id)
    if found is None:
        raise DeliveryNotFound
    delivery, message = found
    if delivery.channel != "sms" or delivery.status != "failed":
        raise NotSentAgain
    await move(session, DELIVERY, delivery, "queued", actor=staff, at=now)
    delivery.attempts, delivery.reason_code, delivery.settled_at = 0, None, None
    await schedule(session, SEND, delivery.id, after_quiet_hours(now))
    await audit.record(
        session,
        staff,
        "message_delivery.send_again",
        subject="message_delivery",
        subject_ids=[delivery.id],
    )
    return await _delivery_view(session, vault, delivery, message)


async def _delivery_view(
    session: AsyncSession, vault: Vault, delivery: MessageDelivery, message: Message
) -> DeliveryView:
    masked = None
    if delivery.account_id is not None:
        phone, _ = await contact_of(session, vault, delivery.account_id)
        masked = mask_phone(phone)
    return DeliveryView.model_validate(
        {
            "id": delivery.id,
            "message_id": message.id,
            "template": message.template,
            "subject": message.subject,
            "subject_id": message.subject_id,
            "channel": delivery.channel,
            "status": delivery.status,
            "reason_code": delivery.reason_code,
            "attempts": delivery.attempts,
            "to_masked": masked,
            "not_before": message.not_before,
            "settled_at": delivery.settled_at,
        }
    )
