"""How long a relief case's documents are used, stored, and when they are erased.

The same terms as for claims (app/claims/keeping.py): what is paid is a voucher.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from app.documents.keeping import Due, block_all, erase_all, unblock_all
from app.kernel.clock import years_before
from app.kernel.jobs import JobContext
from app.kernel.transitions import StatusHistory
from app.relief.case_models import ReliefCase, ReliefDocument

ENDED = ("paid", "declined", "withdrawn")


async def keep_documents(context: JobContext, _payload: Mapping[str, Any]) -> None:
    """Block, free and erase what is due today; asked for again and again."""
    settings = context.settings
    async with context.transaction() as session:
        now = await context.business_now(session)
    paid = years_before(now, settings.paid_documents_kept_years)
    unpaid = years_before(now, settings.unpaid_documents_kept_years)
    used_until = now - timedelta(days=settings.documents_used_days)
    silent = now - timedelta(days=settings.draft_documents_kept_days)
    was_paid, ended_at = ReliefCase.status == "paid", _ended_at()
    without = ReliefCase.status.in_(("declined", "withdrawn"))
    for reason, due in (
        ("paid-long-ago", _files(was_paid, ReliefCase.paid_at < paid)),
        ("ended-long-ago", _files(without, ended_at < unpaid)),
        ("taken-back", _files(ReliefDocument.removed_at < silent)),
    ):
        await erase_all(context, due, reason, now)
    over = _files(
        or_(was_paid & (ReliefCase.paid_at < used_until), without & (ended_at < used_until))
    )
    await block_all(context, over, "ended", now)
    await unblock_all(context, _files(ReliefCase.status.not_in(ENDED)), "reopened")


def _files(*conditions: ColumnElement[bool]) -> Due:
    return (
        select(ReliefDocument.object_id)
        .join(ReliefCase, ReliefCase.id == ReliefDocument.case_id)
        .where(*conditions)
    )


def _ended_at() -> ColumnElement[Any]:
    return (
        select(func.max(StatusHistory.at))
        .where(
            StatusHistory.subject == "relief_case",
            StatusHistory.subject_id == ReliefCase.id,
            StatusHistory.to_status == ReliefCase.status,
        )
        .scalar_subquery()
    )
