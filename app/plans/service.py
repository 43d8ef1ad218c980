"""Plans for the features above: the version on sale, its terms, the public catalogue."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.transitions import begin, move
from app.ledger.accounts import open_plan_accounts
from app.plans import queries
from app.plans.checking import check
from app.plans.errors import PlanNotFound, PlanNotOnSale
from app.plans.models import PLAN_VERSION, Plan, PlanVersion
from app.plans.terms import FROZEN_TERMS, PlanTerms


async def version_on_sale(session: AsyncSession, plan_code: str, now: datetime) -> PlanVersion:
    """The one published version that may be sold at `now` (business clock).

    Raises PlanNotFound (404), PlanNotOnSale (409).
    """
    found = await queries.on_sale(session, plan_code, now)
    if found is not None:
        return found
    if await queries.newest(session, plan_code) is None:
        raise PlanNotFound
    raise PlanNotOnSale


async def version_of(session: AsyncSession, version_id: UUID) -> PlanVersion:
    """The version that a policy or order was sold under; raises PlanNotFound (404)."""
    found = await queries.version(session, version_id)
    if found is None:
        raise PlanNotFound
    return found


async def newest_version(session: AsyncSession, plan_code: str) -> PlanVersion:
    """The newest version that was ever published; raises PlanNotFound (404)."""
    found = await queries.newest(session, plan_code)
    if found is None:
        raise PlanNotFound
    return found


async def versions_on_sale(session: AsyncSession, now: datetime) -> Sequence[PlanVersion]:
    """Every plan's version on sale at `now`, by plan code."""
    return await queries.all_on_sale(session, now)


async def draft_version(
    session: AsyncSession,
    document: dict[str, Any],
    *,
    effective_from: datetime,
    effective_to: datetime | None,
    actor: Principal,
    now: datetime,
) -> PlanVersion:
    """Store a document as the plan's next version, still a draft; makes the plan if new.

    Raises InvalidPlan (422) with every fault of the document.
    """
    return await draft_terms(
        session,
        check(document),
        effective_from=effective_from,
        effective_to=effective_to,
        actor=actor,
        now=now,
    )


async def draft_terms(
    session: AsyncSession,
    terms: PlanTerms,
    *,
    effective_from: datetime,
    effective_to: datetime | None,
    actor: Principal,
    now: datetime,
) -> PlanVersion:
    """The same for a document that was checked."""
    await queries.lock_plans(session, terms.code)
    if await queries.plan(session, terms.code) is None:
        session.add(
            Plan(code=terms.code, name_zh=terms.name.zh, name_en=terms.name.en, kind=terms.kind)
        )
        await session.flush()
        await open_plan_accounts(session, terms.code, terms.name.zh, terms.name.en)
    version = PlanVersion(
        id=new_id(),
        plan_code=terms.code,
        number=await queries.newest_number(session, terms.code) + 1,
        status="draft",
        effective_from=effective_from,
        effective_to=effective_to,
        document=terms.document(),
    )
    begin(session, PLAN_VERSION, version, actor=actor, at=now)
    await session.flush()
    return version


async def publish_version(
    session: AsyncSession, version: PlanVersion, *, actor: Principal, now: datetime
) -> None:
    """From here on the document is frozen and, between its dates, sold.

    Raises InvalidTransition (409); overlapping another published version is a 409 too.
    """
    await move(session, PLAN_VERSION, version, "published", actor=actor, at=now)


async def close_version(
    session: AsyncSession, version: PlanVersion, *, actor: Principal, now: datetime
) -> None:
    """Stop selling it; cover under it goes on."""
    await move(session, PLAN_VERSION, version, "closed", actor=actor, at=now)


async def terms_of(connection: asyncpg.Connection | asyncpg.Pool, version_id: UUID) -> PlanTerms:
    """The terms of a version that is no draft; read once per process, for it never changes.

    Raises PlanNotFound (404).
    """
    known = FROZEN_TERMS.known(version_id)
    if known is not None:
        return known
    document = await connection.fetchval(
        "select document::text from plan_version where id = $1 and status <> 'draft'", version_id
    )
    if document is None:
        raise PlanNotFound
    return FROZEN_TERMS.read(version_id, document)


async def terms_of_newest(
    connection: asyncpg.Connection | asyncpg.Pool, plan_code: str
) -> PlanTerms:
    """The terms of a plan's newest published version; raises PlanNotFound (404)."""
    version_id = await connection.fetchval(
        "select id from plan_version where plan_code = $1 and status <> 'draft'"
        " order by number desc limit 1",
        plan_code,
    )
    if version_id is None:
        raise PlanNotFound
    return await terms_of(connection, version_id)
