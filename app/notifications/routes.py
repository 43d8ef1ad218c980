"""A member's messages and how they come; deliveries for those who look after the service."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query

from app.kernel.api_document import refused
from app.kernel.database import SessionDep
from app.kernel.dependencies import NowDep, SettingsDep, VaultDep
from app.kernel.pagination import CursorParameter, Page, PageSize
from app.kernel.principal import Member, Principal, require
from app.kernel.routing import router
from app.notifications import inbox, subscriptions
from app.notifications.schemas import (
    Channel,
    DeliveryStatus,
    DeliveryView,
    MessagePage,
    MessageView,
    PreferencesBody,
    PreferencesView,
    SubscriptionBody,
    SubscriptionList,
    SubscriptionView,
)

routes = router("messages")

Overseer = Annotated[
    Principal,
    Depends(require("staff", "caseworker", "supervisor", "auditor", "administrator")),
]
Sender = Annotated[
    Principal, Depends(require("staff", "caseworker", "supervisor", "administrator"))
]
TemplateCode = Annotated[
    str,
    Path(
        pattern=r"^[a-z_]{3,40}$",
        description="The template's code.",
        examples=["renewal_reminder"],
    ),
]


@routes.get("/v1/me/messages")
async def list_messages(
    member: Member,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    unread: Annotated[bool, Query(description="Only what has not been read.")] = False,
    limit: PageSize = 20,
    cursor: CursorParameter = None,
) -> MessagePage:
    """Your inbox, newest first, in both languages, with the number of unread messages."""
    return await inbox.list_inbox(
        session, vault, member, now, unread=unread, cursor=cursor, limit=limit
    )


@routes.put("/v1/me/messages/{message_id}/read", responses=refused(404))
async def mark_message_read(
    member: Member,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    message_id: Annotated[UUID, Path(description="The message's id.")],
) -> MessageView:
    """Say that you have read a message; again it changes nothing."""
    return await inbox.mark_read(session, vault, member, message_id, now)


@routes.get("/v1/me/message-subscriptions")
async def list_message_subscriptions(
    member: Member, session: SessionDep, settings: SettingsDep
) -> SubscriptionList:
    """Which messages WeChat may bring you, and how many of each you have allowed."""
    return await subscriptions.list_subscriptions(session, settings, member)


@routes.put("/v1/me/message-subscriptions/{template}", responses=refused(404))
async def answer_message_subscription(
    member: Member,
    session: SessionDep,
    settings: SettingsDep,
    template: TemplateCode,
    body: SubscriptionBody,
) -> SubscriptionView:
    """Record your answer to WeChat's question. Each `accepted` allows one message; the same
    reference again counts once.
    """
    return await subscriptions.record_answer(session, settings, member, template, body)


@routes.get("/v1/me/message-preferences")
async def read_message_preferences(member: Member, session: SessionDep) -> PreferencesView:
    """The language in which messages come to your phone."""
    return await inbox.preferences_of(session, member)


@routes.put("/v1/me/message-preferences", responses=refused(409))
async def choose_message_preferences(
    member: Member, session: SessionDep, body: PreferencesBody
) -> PreferencesView:
    """Choose the language of messages to your phone, from the next one on."""
    return await inbox.choose_language(session, member, body.language)


@routes.get("/v1/staff/messages")
async def list_deliveries(
    overseer: Overseer,
    session: SessionDep,
    vault: VaultDep,
    status: Annotated[
        DeliveryStatus | None, Query(description="Only deliveries in this status.")
    ] = None,
    channel: Annotated[Channel | None, Query(description="Only this channel.")] = None,
    limit: PageSize = 50,
    cursor: CursorParameter = None,
) -> Page[DeliveryView]:
    """Messages on their way to members of your subtree, newest first: what failed, and why.

    Texts are not shown and phones are masked. The look is recorded.
    """
    return await inbox.list_deliveries(
        session, vault, overseer, status=status, channel=channel, cursor=cursor, limit=limit
    )


@routes.post("/v1/staff/messages/{delivery_id}/retry", responses=refused(404, 409))
async def send_message_again(
    sender: Sender,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    delivery_id: Annotated[UUID, Path(description="The delivery's id.")],
) -> DeliveryView:
    """Have an SMS that failed sent once more, by day, to the phone that is on file now."""
    return await inbox.send_again(session, vault, sender, delivery_id, now)
