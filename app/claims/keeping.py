"""How long a claim's documents are used, stored, and when they are erased.

Used while the claim lives and a while after, for questions and audits of the office; then
stored only, until the law's time for vouchers or for suits is over; then erased.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select

from app.access.models import MemberAccount
from app.claims.models import DOCUMENT, Claim, ClaimDocument
from app.claims.receipts import forget_readings
from app.documents.keeping import Due, block_all, erase_all, unblock_all
from app.kernel.clock import years_before
from app.kernel.jobs import JobContext
from app.kernel.principal import SYSTEM
from app.kernel.transitions import StatusHistory, move
from app.members.consent_models import Consent
from app.settings import Settings

UNPAID = ("denied", "withdrawn")
ENDED = ("paid", *UNPAID)
NEVER_HANDED_IN = (Claim.status.in_(("draft", "withdrawn")), Claim.submitted_at.is_(None))


async def keep_documents(context: JobContext, _payload: Mapping[str, Any]) -> None:
    """Block, free and erase what is due today; asked for again and again."""
    settings = context.settings
    async with context.transaction() as session:
        now = await context.business_now(session)
    await _drop_silent_drafts(context, now)
    for reason, due in _long_ago(settings, now):
        await erase_all(context, due, reason, now)
    await block_all(context, _out_of_use(settings, now), "ended", now)
    await unblock_all(context, _files(Claim.status.not_in(ENDED)), "reopened")


async def health_withdrawn(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear `consent.withdrawn`: without consent to health data no paper of it is used.

    What was never handed in is erased, what the law still asks for is stored only; a claim
    under way goes on, because its member has asked for money on it.
    """
    async with context.transaction() as session:
        consent = await session.get_one(Consent, UUID(payload["subject_id"]))
        now = await context.business_now(session)
    if consent.purpose != "health":
        return
    own = Claim.person_id.in_(
        select(MemberAccount.person_id).where(MemberAccount.id == consent.account_id)
    )
    await _drop(context, (own, *NEVER_HANDED_IN), "consent-withdrawn", now)
    await block_all(context, _files(own, Claim.status.in_(ENDED)), "consent-withdrawn", now)


async def _drop_silent_drafts(context: JobContext, now: datetime) -> None:
    silent = now - timedelta(days=context.settings.draft_documents_kept_days)
    conditions = (*NEVER_HANDED_IN, ClaimDocument.uploaded_at < silent)
    await _drop(context, conditions, "never-handed-in", now)


async def _drop(
    context: JobContext, conditions: Sequence[ColumnElement[bool]], reason: str, now: datetime
) -> None:
    """Take files off claims that were never handed in, then erase them."""
    async with context.transaction() as session:
        counting = await session.scalars(
            select(ClaimDocument)
            .join(Claim, Claim.id == ClaimDocument.claim_id)
            .where(ClaimDocument.status != "replaced", *conditions)
            .with_for_update(of=ClaimDocument)
        )
        for document in counting.all():
            await move(session, DOCUMENT, document, "replaced", actor=SYSTEM, at=now)
            await forget_readings(session, document, now)
    await erase_all(context, _files(*conditions), reason, now)


def _long_ago(settings: Settings, now: datetime) -> Sequence[tuple[str, Due]]:
    paid = years_before(now, settings.paid_documents_kept_years)
    unpaid = years_before(now, settings.unpaid_documents_kept_years)
    handed_in = Claim.submitted_at.is_not(None)
    return (
        ("paid-long-ago", _files(Claim.status == "paid", Claim.paid_at < paid)),
        ("ended-long-ago", _files(Claim.status.in_(UNPAID), handed_in, _ended_at() < unpaid)),
    )


def _out_of_use(settings: Settings, now: datetime) -> Due:
    used_until = now - timedelta(days=settings.documents_used_days)
    return _files(
        or_(
            and_(Claim.status == "paid", Claim.paid_at < used_until),
            and_(Claim.status.in_(UNPAID), _ended_at() < used_until),
        )
    )


def _files(*conditions: ColumnElement[bool]) -> Due:
    return (
        select(ClaimDocument.object_id)
        .join(Claim, Claim.id == ClaimDocument.claim_id)
        .where(*conditions)
    )


def _ended_at() -> ColumnElement[datetime]:
    return (
        select(func.max(StatusHistory.at))
        .where(
            StatusHistory.subject == "claim",
            StatusHistory.subject_id == Claim.id,
            StatusHistory.to_status == Claim.status,
        )
        .scalar_subquery()
    )
