"""Finding plans and the version that is on sale."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import Select

from app.plans.models import Plan, PlanVersion


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
