"""Every look at funds, households and cases; each begins from what the caller may see."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.models import MemberAccount
from app.kernel.pagination import keyset
from app.kernel.principal import Principal
from app.kernel.transitions import StatusHistory
from app.members.models import Member
from app.organisations.models import Kind, Organisation
from app.organisations.queries import in_scope
from app.relief.case_models import (
    WITH_MONEY,
    ReliefCase,
    ReliefCaseFacts,
    ReliefDocument,
    ReliefVisit,
)
from app.relief.household_models import Household, HouseholdMember, HouseholdSituation
from app.relief.models import ReliefContribution, ReliefFormula, ReliefFund


def visible_funds(principal: Principal) -> Select[ReliefFund]:
    """Funds that a staff account manages, and those above it that pay for its members."""
    above = (
        select(func.unnest(Organisation.lineage))
        .where(Organisation.id == principal.organisation_id)
        .scalar_subquery()
    )
    return select(ReliefFund).where(
        or_(in_scope(principal, ReliefFund.organisation_id), ReliefFund.organisation_id.in_(above))
    )


def managed_funds(principal: Principal) -> Select[ReliefFund]:
    """Funds of the caller's own organisation and all below it."""
    return select(ReliefFund).where(in_scope(principal, ReliefFund.organisation_id))


async def funds_for(session: AsyncSession, person_id: UUID) -> Sequence[ReliefFund]:
    """Open funds whose organisation stands above the member's; without one, the city's."""
    lineage = (
        select(Organisation.lineage)
        .join(Member, Member.organisation_id == Organisation.id)
        .where(Member.person_id == person_id)
    )
    found = await session.scalar(lineage)
    office = Organisation.kind == Kind.MUNICIPAL_OFFICE
    scope = (
        ReliefFund.organisation_id.in_(found)
        if found
        else ReliefFund.organisation_id.in_(select(Organisation.id).where(office))
    )
    rows = await session.scalars(
        select(ReliefFund).where(ReliefFund.status == "open", scope).order_by(ReliefFund.code)
    )
    return rows.all()


async def locked_fund(session: AsyncSession, fund_id: UUID) -> ReliefFund:
    """One grant at a time from a fund."""
    return await session.get_one(ReliefFund, fund_id, with_for_update=True, populate_existing=True)


async def fund_by_account(session: AsyncSession, account_code: str) -> ReliefFund | None:
    return await session.scalar(
        select(ReliefFund).where(ReliefFund.account_code == account_code).with_for_update()
    )


async def contribution_of(session: AsyncSession, receipt_id: UUID) -> ReliefContribution | None:
    return await session.scalar(
        select(ReliefContribution).where(ReliefContribution.receipt_id == receipt_id)
    )


async def formula_in_force(session: AsyncSession, fund_id: UUID) -> ReliefFormula | None:
    return await session.scalar(
        select(ReliefFormula).where(
            ReliefFormula.fund_id == fund_id, ReliefFormula.status == "published"
        )
    )


async def formula_by_number(
    session: AsyncSession, fund_id: UUID, number: int
) -> ReliefFormula | None:
    return await session.scalar(
        select(ReliefFormula).where(
            ReliefFormula.fund_id == fund_id, ReliefFormula.number == number
        )
    )


async def formulas_of(
    session: AsyncSession, fund_id: UUID, before: int | None, limit: int
) -> Sequence[ReliefFormula]:
    """Newest first, one row more than `limit`."""
    of_fund = select(ReliefFormula).where(ReliefFormula.fund_id == fund_id)
    rows = await session.scalars(
        keyset(of_fund, ReliefFormula.number, before, limit, newest_first=True)
    )
    return rows.all()


def visible_households(principal: Principal) -> Select[Household]:
    return select(Household).where(in_scope(principal, Household.organisation_id))


async def members_of(session: AsyncSession, household_id: UUID) -> Sequence[HouseholdMember]:
    """Who belongs to a household now, in the order in which they came."""
    rows = await session.scalars(
        select(HouseholdMember)
        .where(HouseholdMember.household_id == household_id, HouseholdMember.left_at.is_(None))
        .order_by(HouseholdMember.id)
    )
    return rows.all()


async def household_of(session: AsyncSession, person_id: UUID) -> Household | None:
    """The open file in which a person is."""
    return await session.scalar(
        select(Household)
        .join(HouseholdMember, HouseholdMember.household_id == Household.id)
        .where(
            HouseholdMember.person_id == person_id,
            HouseholdMember.left_at.is_(None),
            Household.status != "exited",
        )
    )


async def situations_of(session: AsyncSession, household_id: UUID) -> Sequence[HouseholdSituation]:
    """Newest first."""
    rows = await session.scalars(
        select(HouseholdSituation)
        .where(HouseholdSituation.household_id == household_id)
        .order_by(HouseholdSituation.version.desc())
    )
    return rows.all()


def visible_cases(principal: Principal) -> Select[ReliefCase]:
    """A member's own; for staff those that their subtree manages, and those they opened."""
    if principal.kind == "member":
        return (
            select(ReliefCase)
            .join(MemberAccount, MemberAccount.person_id == ReliefCase.person_id)
            .where(MemberAccount.id == principal.id)
        )
    return select(ReliefCase).where(
        or_(
            in_scope(principal, ReliefCase.organisation_id),
            ReliefCase.opened_by == principal.id,
        )
    )


async def case_of(
    session: AsyncSession, principal: Principal, case_id: UUID, *, lock: bool = False
) -> ReliefCase | None:
    found = visible_cases(principal).where(ReliefCase.id == case_id)
    return await session.scalar(found.with_for_update(of=ReliefCase) if lock else found)


async def locked_case(session: AsyncSession, case_id: UUID) -> ReliefCase:
    return await session.get_one(ReliefCase, case_id, with_for_update=True, populate_existing=True)


async def cases_of_person(
    session: AsyncSession, person_id: UUID, fund_id: UUID, year: int, statuses: Sequence[str]
) -> Sequence[ReliefCase]:
    """Formula cases of one person, fund and year, locked."""
    rows = await session.scalars(
        select(ReliefCase)
        .where(
            ReliefCase.person_id == person_id,
            ReliefCase.fund_id == fund_id,
            ReliefCase.year == year,
            ReliefCase.kind == "formula",
            ReliefCase.status.in_(statuses),
        )
        .order_by(ReliefCase.id)
        .with_for_update()
    )
    return rows.all()


async def undecided_of(session: AsyncSession, person_id: UUID) -> Sequence[ReliefCase]:
    """Formula cases of a person that no board has decided, locked."""
    rows = await session.scalars(
        select(ReliefCase)
        .where(
            ReliefCase.person_id == person_id,
            ReliefCase.kind == "formula",
            ReliefCase.status.in_(("proposed", "applied", "board")),
        )
        .order_by(ReliefCase.id)
        .with_for_update()
    )
    return rows.all()


async def granted_to(
    session: AsyncSession, fund_id: UUID, person_ids: Sequence[UUID], household_id: UUID | None
) -> Sequence[ReliefCase]:
    """What a fund granted to a household, over all years."""
    theirs: Any = ReliefCase.person_id.in_(person_ids)
    if household_id is not None:
        theirs = or_(theirs, ReliefCase.household_id == household_id)
    rows = await session.scalars(
        select(ReliefCase)
        .where(ReliefCase.fund_id == fund_id, ReliefCase.status.in_(WITH_MONEY), theirs)
        .order_by(ReliefCase.id)
    )
    return rows.all()


async def facts_of(session: AsyncSession, case_id: UUID) -> ReliefCaseFacts | None:
    """The newest facts."""
    return await session.scalar(
        select(ReliefCaseFacts)
        .where(ReliefCaseFacts.case_id == case_id)
        .order_by(ReliefCaseFacts.version.desc())
        .limit(1)
    )


async def givers_of(session: AsyncSession, case_id: UUID) -> Sequence[ReliefCaseFacts]:
    """Every change of a case's facts, oldest first."""
    rows = await session.scalars(
        select(ReliefCaseFacts)
        .where(ReliefCaseFacts.case_id == case_id)
        .order_by(ReliefCaseFacts.version)
    )
    return rows.all()


async def papers_of(session: AsyncSession, case_id: UUID) -> Sequence[ReliefDocument]:
    rows = await session.scalars(
        select(ReliefDocument)
        .where(ReliefDocument.case_id == case_id, ReliefDocument.removed_at.is_(None))
        .order_by(ReliefDocument.id)
    )
    return rows.all()


async def history_of(
    session: AsyncSession, subject: str, subject_id: UUID
) -> Sequence[StatusHistory]:
    rows = await session.scalars(
        select(StatusHistory)
        .where(StatusHistory.subject == subject, StatusHistory.subject_id == subject_id)
        .order_by(StatusHistory.position)
    )
    return rows.all()


async def visit_by_reference(
    session: AsyncSession, staff_id: UUID, client_ref: str
) -> ReliefVisit | None:
    return await session.scalar(
        select(ReliefVisit).where(
            ReliefVisit.staff_id == staff_id, ReliefVisit.client_ref == client_ref
        )
    )


async def waiting_for_account(session: AsyncSession, person_id: UUID) -> Sequence[UUID]:
    """Granted cases of a person that are not on their way to be paid."""
    rows = await session.scalars(
        select(ReliefCase.id).where(
            ReliefCase.person_id == person_id, ReliefCase.status == "granted"
        )
    )
    return rows.all()


async def lock_person(session: AsyncSession, person_id: UUID) -> None:
    """One proposal at a time for one person."""
    await session.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"),
        {"key": f"relief-of-person:{person_id}"},
    )
