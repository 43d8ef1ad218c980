"""Finding plans and the version that is on sale."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, or_, select, text, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import Select

from app.access.models import StaffAccount
from app.kernel.principal import Principal
from app.kernel.transitions import StatusHistory
from app.organisations.models import Organisation
from app.organisations.queries import managed
from app.plans.models import PLAN_VERSION, Plan, PlanVersion


def _on_sale(now: datetime) -> Select[PlanVersion]:
    return select(PlanVersion).where(
        PlanVersion.status == "published",
        PlanVersion.effective_from <= now,
        or_(PlanVersion.effective_to.is_(None), PlanVersion.effective_to > now),
    )


async def on_sale(session: AsyncSession, plan_code: str, now: datetime) -> PlanVersion | None:
    """At most one: an exclusion constraint keeps published versions apart."""
    return await session.scalar(_on_sale(now).where(PlanVersion.plan_code == plan_code))


async def all_on_sale(session: AsyncSession, now: datetime) -> Sequence[PlanVersion]:
    return (await session.scalars(_on_sale(now).order_by(PlanVersion.plan_code))).all()


async def plan(session: AsyncSession, plan_code: str) -> Plan | None:
    return await session.get(Plan, plan_code)


async def version(session: AsyncSession, version_id: UUID) -> PlanVersion | None:
    return await session.get(PlanVersion, version_id)


async def newest(session: AsyncSession, plan_code: str) -> PlanVersion | None:
    """The newest version that is no draft."""
    return await session.scalar(
        select(PlanVersion)
        .where(PlanVersion.plan_code == plan_code, PlanVersion.status != "draft")
        .order_by(PlanVersion.number.desc())
        .limit(1)
    )


async def versions(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, PlanVersion]:
    """The versions named, by id."""
    rows = await session.scalars(select(PlanVersion).where(PlanVersion.id.in_(set(ids))))
    return {row.id: row for row in rows}


async def newest_number(session: AsyncSession, plan_code: str) -> int:
    statement = select(func.max(PlanVersion.number)).where(PlanVersion.plan_code == plan_code)
    return await session.scalar(statement) or 0


def _seen_by(principal: Principal) -> ColumnElement[bool]:
    """Versions that were ever published are anybody's; a draft is for those above its author.

    What the system itself drafted is for the municipal office.
    """
    if principal.kind == "system":
        return true()
    drafted = (
        select(StatusHistory)
        .outerjoin(StaffAccount, StaffAccount.id == StatusHistory.actor_id)
        .join(
            Organisation,
            or_(
                Organisation.id == StaffAccount.organisation_id,
                # The root has the whole tree: also what was drafted from the console.
                (StatusHistory.actor_kind == "system")
                & (Organisation.id == principal.organisation_id)
                & Organisation.parent_id.is_(None),
            ),
        )
        .where(
            StatusHistory.subject == PLAN_VERSION.subject,
            StatusHistory.subject_id == PlanVersion.id,
            StatusHistory.from_status.is_(None),
            managed(principal),
        )
    )
    return or_(PlanVersion.status != "draft", exists(drafted.correlate(PlanVersion)))


async def visible_version(
    session: AsyncSession, principal: Principal, version_id: UUID, *, lock: bool = False
) -> PlanVersion | None:
    """A version that the caller may see, locked if it is to be changed."""
    found = select(PlanVersion).where(PlanVersion.id == version_id, _seen_by(principal))
    return await session.scalar(found.with_for_update(of=PlanVersion) if lock else found)


async def page_of_versions(
    session: AsyncSession,
    principal: Principal,
    *,
    plan_code: str | None,
    status: str | None,
    before: UUID | None,
    limit: int,
) -> Sequence[PlanVersion]:
    """Up to `limit` + 1 versions that the caller may see, newest first."""
    page = select(PlanVersion).where(_seen_by(principal)).order_by(PlanVersion.id.desc())
    if plan_code is not None:
        page = page.where(PlanVersion.plan_code == plan_code)
    if status is not None:
        page = page.where(PlanVersion.status == status)
    if before is not None:
        page = page.where(PlanVersion.id < before)
    return (await session.scalars(page.limit(limit + 1))).all()


async def overlapping(session: AsyncSession, version: PlanVersion) -> PlanVersion | None:
    """A published version of the same plan that is sold on some of the same days."""
    mine = func.tstzrange(version.effective_from, version.effective_to)
    theirs = func.tstzrange(PlanVersion.effective_from, PlanVersion.effective_to)
    return await session.scalar(
        select(PlanVersion)
        .where(
            PlanVersion.plan_code == version.plan_code,
            PlanVersion.id != version.id,
            PlanVersion.status == "published",
            theirs.op("&&")(mine),
        )
        .limit(1)
    )


async def relations_of_others(session: AsyncSession, plan_code: str) -> dict[str, dict[str, Any]]:
    """What the published plans say about one another, by code; the newest of each."""
    rows = await session.execute(
        select(PlanVersion.plan_code, PlanVersion.document["relations"])
        .where(PlanVersion.plan_code != plan_code, PlanVersion.status == "published")
        .order_by(PlanVersion.plan_code, PlanVersion.number)
    )
    return {code: relations or {} for code, relations in rows}


async def lock_plans(session: AsyncSession, plan_code: str | None = None) -> None:
    """One at a time drafts versions of a plan, and one at a time publishes any (None)."""
    await session.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"),
        {"key": f"plan-versions:{plan_code or '*'}"},
    )


async def is_root(session: AsyncSession, organisation_id: UUID | None) -> bool:
    """Whether an organisation is a municipal office."""
    found = exists().where(Organisation.id == organisation_id, Organisation.parent_id.is_(None))
    return bool(await session.scalar(select(found)))
