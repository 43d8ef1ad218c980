"""Pages of funds, households and cases."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.pagination import Page, decode_cursor, encode_cursor, page_of
from app.kernel.principal import Principal
from app.kernel.vault import Vault
from app.relief import queries
from app.relief.case_models import ReliefCase
from app.relief.file_views import fund_view, household_line
from app.relief.household_models import Household
from app.relief.models import ReliefFund
from app.relief.schemas import CaseLine, FundView, HouseholdLine, StaffCaseLine
from app.relief.views import line, staff_line


def _position(vault: Vault, listing: str, cursor: str | None) -> UUID | None:
    position = decode_cursor(vault, listing, cursor)
    return None if position is None else UUID(position[0])


async def page_of_funds(
    session: AsyncSession, vault: Vault, reader: Principal, cursor: str | None, limit: int
) -> Page[FundView]:
    """By id, which is by age."""
    listing = f"relief-funds:{reader.id}"
    found = queries.visible_funds(reader).order_by(ReliefFund.id).limit(limit + 1)
    after = _position(vault, listing, cursor)
    if after is not None:
        found = found.where(ReliefFund.id > after)
    rows = (await session.scalars(found)).all()
    views = {fund.id: await fund_view(session, fund) for fund in rows}
    return page_of(
        rows,
        limit,
        lambda fund: views[fund.id],
        lambda fund: encode_cursor(vault, listing, [str(fund.id)]),
    )


async def page_of_households(
    session: AsyncSession,
    vault: Vault,
    reader: Principal,
    status: str | None,
    cursor: str | None,
    limit: int,
) -> Page[HouseholdLine]:
    """By id; with `review_due` what is to be looked at again."""
    listing = f"households:{reader.id}:{status}"
    found = queries.visible_households(reader).order_by(Household.id).limit(limit + 1)
    if status is not None:
        found = found.where(Household.status == status)
    after = _position(vault, listing, cursor)
    if after is not None:
        found = found.where(Household.id > after)
    rows = (await session.scalars(found)).all()
    return page_of(
        rows,
        limit,
        household_line,
        lambda household: encode_cursor(vault, listing, [str(household.id)]),
    )


async def page_of_own_cases(
    session: AsyncSession, vault: Vault, member: Principal, cursor: str | None, limit: int
) -> Page[CaseLine]:
    """A member's cases, newest first."""
    listing = f"own-relief:{member.id}"
    rows, funds = await _cases(session, vault, member, listing, cursor, limit, ())
    return page_of(
        rows,
        limit,
        lambda case: line(case, funds[case.fund_id]),
        lambda case: encode_cursor(vault, listing, [str(case.id)]),
    )


async def page_of_cases(
    session: AsyncSession,
    vault: Vault,
    reader: Principal,
    statuses: list[Any],
    cursor: str | None,
    limit: int,
) -> Page[StaffCaseLine]:
    """Cases of the reader's subtree, newest first; without statuses everything under way."""
    wanted = tuple(statuses) or ("proposed", "applied", "board", "granted", "paying")
    listing = f"relief:{reader.id}:{','.join(wanted)}"
    rows, funds = await _cases(session, vault, reader, listing, cursor, limit, wanted)
    return page_of(
        rows,
        limit,
        lambda case: staff_line(case, funds[case.fund_id]),
        lambda case: encode_cursor(vault, listing, [str(case.id)]),
    )


async def _cases(
    session: AsyncSession,
    vault: Vault,
    reader: Principal,
    listing: str,
    cursor: str | None,
    limit: int,
    statuses: tuple[str, ...],
) -> tuple[list[ReliefCase], dict[UUID, ReliefFund]]:
    found = queries.visible_cases(reader).order_by(ReliefCase.id.desc()).limit(limit + 1)
    if statuses:
        found = found.where(ReliefCase.status.in_(statuses))
    before = _position(vault, listing, cursor)
    if before is not None:
        found = found.where(ReliefCase.id < before)
    rows = list((await session.scalars(found)).all())
    named = select(ReliefFund).where(ReliefFund.id.in_({case.fund_id for case in rows}))
    funds = (await session.scalars(named)).all() if rows else []
    return rows, {fund.id: fund for fund in funds}
