"""WeChat's permissions: each answer of the member allows one message of one template."""

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.notifications import queries
from app.notifications.errors import MessageTemplateNotFound
from app.notifications.models import SubscriptionConsent
from app.notifications.schemas import (
    Bilingual,
    SubscriptionBody,
    SubscriptionList,
    SubscriptionView,
)
from app.notifications.templates import TEMPLATES
from app.settings import Settings


def template_id(settings: Settings, template: str) -> str | None:
    """WeChat's id of a template; simulators take our own code for it."""
    own = template if settings.sandbox else None
    return settings.wechat_message_templates.get(template, own)


async def record_answer(
    session: AsyncSession,
    settings: Settings,
    member: Principal,
    template: str,
    body: SubscriptionBody,
) -> SubscriptionView:
    """Add a member's answer to the ledger; told twice under one reference, it counts once.

    Raises MessageTemplateNotFound (404).
    """
    if template not in TEMPLATES:
        raise MessageTemplateNotFound
    consent_id = new_id()
    written: UUID | None = await session.scalar(
        insert(SubscriptionConsent)
        .values(
            id=consent_id,
            account_id=member.id,
            template=template,
            reference=body.reference,
            answer=body.answer,
        )
        .on_conflict_do_nothing(constraint="uq_subscription_consent__reference")
        .returning(SubscriptionConsent.id)
    )
    if written is not None:
        await audit.record(
            session,
            member,
            f"subscription_consent.{body.answer}",
            subject="subscription_consent",
            subject_ids=[consent_id],
            details={"template": template},
        )
    counts = await queries.counts_of_consents(session, member.id)
    return _view(settings, template, counts)


async def list_subscriptions(
    session: AsyncSession, settings: Settings, member: Principal
) -> SubscriptionList:
    """Every template that WeChat may be asked about, and how many messages are allowed."""
    counts = await queries.counts_of_consents(session, member.id)
    return SubscriptionList(items=[_view(settings, code, counts) for code in TEMPLATES])


def _view(settings: Settings, template: str, counts: dict[str, int]) -> SubscriptionView:
    words = TEMPLATES[template].title
    return SubscriptionView(
        template=template,
        title=Bilingual(zh=words.zh, en=words.en),
        wechat_template_id=template_id(settings, template),
        left=counts.get(template, 0),
    )
