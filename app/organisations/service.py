"""The tree: who manages what, and adding, changing and ending organisations."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.clock import business_day
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.problems import (
    FieldError,
    Forbidden,
    NotFound,
    PreconditionFailed,
    Unprocessable,
)
from app.kernel.text import Text
from app.organisations import queries
from app.organisations.errors import OrganisationHasEnded
from app.organisations.models import CHILDREN, Area, Kind, Organisation

UNKNOWN_ORGANISATION = Text(
    "机构不存在，或不在您的管理范围内", "Unknown, or not an organisation that you manage."
)
WRONG_PARENT = Text("该类机构不能设在此上级之下", "This kind cannot stand under that parent.")
UNKNOWN_AREA = Text("该日期没有此行政区划代码", "No such area on that day.")
ENDS_BEFORE_START = Text("结束日期须晚于开始日期", "It must end after it began.")


async def manages(session: AsyncSession, principal: Principal, organisation_id: UUID) -> bool:
    """Whether the organisation is in the subtree that the principal manages."""
    if principal.kind == "system" or organisation_id == principal.organisation_id:
        return principal.kind in ("system", "staff")
    found = exists().where(Organisation.id == organisation_id, queries.managed(principal))
    return bool(await session.scalar(select(found)))


async def visible_organisation(
    session: AsyncSession, principal: Principal, organisation_id: UUID
) -> Organisation:
    """An organisation that the principal manages; raises NotFound (404) for any other."""
    query = queries.visible_organisations(principal)
    found = await session.scalar(query.where(Organisation.id == organisation_id))
    if found is None:
        raise NotFound
    return found


async def managed_reference(
    session: AsyncSession, principal: Principal, organisation_id: UUID, pointer: str
) -> Organisation:
    """An organisation that a body refers to; raises Unprocessable (422) naming the field."""
    try:
        return await visible_organisation(session, principal, organisation_id)
    except NotFound as error:
        raise _invalid(pointer, "unknown-organisation", UNKNOWN_ORGANISATION) from error


async def create_organisation(
    session: AsyncSession,
    principal: Principal,
    *,
    parent_id: UUID,
    kind: Kind,
    name: str,
    area_code: str | None,
    uscc: str | None,
    valid_from: date | None,
    now: datetime,
) -> Organisation:
    """Add an organisation under one that the principal manages.

    `valid_from` is today if left out. Raises Unprocessable (422) for a parent, kind or
    area that does not fit, OrganisationHasEnded (409) for a parent that has ended.
    """
    parent = await managed_reference(session, principal, parent_id, "/parent_id")
    if kind not in CHILDREN[Kind(parent.kind)]:
        raise _invalid("/kind", "wrong-parent", WRONG_PARENT)
    today = business_day(now)
    if parent.valid_to is not None and parent.valid_to <= today:
        raise OrganisationHasEnded
    starts = valid_from or today
    await _check_area(session, area_code, starts)
    organisation_id = new_id()
    row = Organisation(
        id=organisation_id,
        parent_id=parent.id,
        kind=kind,
        name=name,
        area_code=area_code if area_code is not None else parent.area_code,
        uscc=uscc,
        lineage=[*parent.lineage, organisation_id],
        valid_from=starts,
        version=1,
        created_at=now,
    )
    session.add(row)
    await session.flush()
    await _record(session, principal, "create", row, kind=str(kind))
    return row


async def create_root(
    session: AsyncSession,
    principal: Principal,
    name: str,
    now: datetime,
    area_code: str | None = None,
    valid_from: date | None = None,
) -> Organisation:
    """Add a municipal office; done when a city is set up, not by API."""
    organisation_id = new_id()
    row = Organisation(
        id=organisation_id,
        kind=Kind.MUNICIPAL_OFFICE,
        name=name,
        area_code=area_code,
        lineage=[organisation_id],
        valid_from=valid_from or business_day(now),
        version=1,
        created_at=now,
    )
    session.add(row)
    await session.flush()
    await _record(session, principal, "create", row, kind=str(Kind.MUNICIPAL_OFFICE))
    return row


async def change_organisation(
    session: AsyncSession,
    principal: Principal,
    organisation_id: UUID,
    changes: Mapping[str, Any],
    *,
    version: int,
    now: datetime,
) -> Organisation:
    """Set name, area_code, uscc, valid_to or successor_id.

    Raises NotFound (404), PreconditionFailed (412) when `version` is not the present
    one, Unprocessable (422), Forbidden (403) for ending one's own organisation: that is
    for those above it.
    """
    row = await visible_organisation(session, principal, organisation_id)
    if row.id == principal.organisation_id and {"valid_to", "successor_id"} & changes.keys():
        raise Forbidden
    await session.refresh(row, with_for_update=True)
    if row.version != version:
        raise PreconditionFailed
    if "area_code" in changes:
        await _check_area(session, changes["area_code"], business_day(now))
    if changes.get("valid_to") is not None and changes["valid_to"] <= row.valid_from:
        raise _invalid("/valid_to", "ends-before-start", ENDS_BEFORE_START)
    if changes.get("successor_id") is not None:
        await managed_reference(session, principal, changes["successor_id"], "/successor_id")
    for name, value in changes.items():
        setattr(row, name, value)
    row.version += 1
    await session.flush()
    await _record(session, principal, "change", row, fields=sorted(changes))
    return row


async def _check_area(session: AsyncSession, code: str | None, day: date) -> None:
    if code is None:
        return
    found = await session.scalar(queries.areas_on(day).where(Area.code == code))
    if found is None:
        raise _invalid("/area_code", "unknown-area", UNKNOWN_AREA)


async def _record(
    session: AsyncSession, principal: Principal, verb: str, row: Organisation, **details: Any
) -> None:
    await audit.record(
        session,
        principal,
        f"organisation.{verb}",
        subject="organisation",
        subject_ids=[row.id],
        details=details,
    )


def _invalid(pointer: str, code: str, message: Text) -> Unprocessable:
    return Unprocessable(errors=[FieldError(pointer, code, message)])
