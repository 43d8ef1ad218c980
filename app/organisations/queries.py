"""Whose organisations: every select begins from the subtree that the caller manages."""

from collections.abc import Collection
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, false, select, true, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from app.access.models import PartnerClient, StaffAccount
from app.kernel.principal import Principal
from app.organisations.models import Area, Organisation, Partner


def within(organisation_ids: Collection[UUID]) -> ColumnElement[bool]:
    """True of organisations in the subtree of any of the given ones, themselves included."""
    if not organisation_ids:
        return false()
    overlaps: ColumnElement[bool] = Organisation.lineage.overlap(list(organisation_ids))
    return overlaps


def managed(principal: Principal) -> ColumnElement[bool]:
    """True of the organisations that the principal manages.

    Staff manage the subtree of their own organisation; the system manages all; members
    and partners manage none.
    """
    if principal.kind == "system":
        return true()
    if principal.kind != "staff" or principal.organisation_id is None:
        return false()
    return Organisation.lineage.contains([principal.organisation_id])


def in_scope(
    principal: Principal, column: InstrumentedAttribute[UUID] | InstrumentedAttribute[UUID | None]
) -> ColumnElement[bool]:
    """True where `column` names an organisation that the principal manages."""
    if principal.kind == "system":
        return true()
    return column.in_(select(Organisation.id).where(managed(principal)))


def visible_organisations(principal: Principal) -> Select[Organisation]:
    return select(Organisation).where(managed(principal))


def page_of_organisations(
    principal: Principal,
    *,
    parent_id: UUID | None,
    kind: str | None,
    on: date | None,
    after: list[Any] | None,
    limit: int,
) -> Select[Organisation]:
    """By id, which is by age; `on` leaves out those not valid on that day."""
    query = visible_organisations(principal).order_by(Organisation.id).limit(limit + 1)
    if parent_id is not None:
        query = query.where(Organisation.parent_id == parent_id)
    if kind is not None:
        query = query.where(Organisation.kind == kind)
    if on is not None:
        ends_later = Organisation.valid_to.is_(None) | (Organisation.valid_to > on)
        query = query.where(Organisation.valid_from <= on, ends_later)
    if after is not None:
        query = query.where(Organisation.id > UUID(after[0]))
    return query


def areas_on(day: date | None) -> Select[Area]:
    """Areas by code; with a day only those valid on it."""
    query = select(Area).order_by(Area.code)
    if day is None:
        return query
    began = Area.valid_from.is_(None) | (Area.valid_from <= day)
    return query.where(began, Area.valid_to.is_(None) | (Area.valid_to > day))


def visible_staff(principal: Principal) -> Select[StaffAccount]:
    return select(StaffAccount).where(in_scope(principal, StaffAccount.organisation_id))


def page_of_staff(
    principal: Principal,
    *,
    organisation_id: UUID | None,
    status: str | None,
    after: list[Any] | None,
    limit: int,
) -> Select[StaffAccount]:
    """By user name; `organisation_id` narrows to the accounts held there."""
    query = visible_staff(principal).order_by(StaffAccount.username).limit(limit + 1)
    if organisation_id is not None:
        query = query.where(StaffAccount.organisation_id == organisation_id)
    if status is not None:
        query = query.where(StaffAccount.status == status)
    if after is not None:
        query = query.where(StaffAccount.username > after[0])
    return query


def visible_partners(principal: Principal) -> Select[Partner]:
    return select(Partner).where(in_scope(principal, Partner.organisation_id))


def page_of_partners(
    principal: Principal, *, after: list[Any] | None, limit: int
) -> Select[Partner]:
    """By name, then id."""
    query = visible_partners(principal).order_by(Partner.name, Partner.id).limit(limit + 1)
    if after is not None:
        query = query.where(tuple_(Partner.name, Partner.id) > (after[0], UUID(after[1])))
    return query


def clients_of_visible_partners(principal: Principal, partner_id: UUID) -> Select[PartnerClient]:
    return (
        select(PartnerClient)
        .join(Partner, Partner.id == PartnerClient.partner_id)
        .where(Partner.id == partner_id, in_scope(principal, Partner.organisation_id))
    )
