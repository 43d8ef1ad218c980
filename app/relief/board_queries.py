"""Who decided about a case, who may, and who must not."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.models import StaffAccount
from app.kernel.principal import Principal
from app.organisations.models import Organisation
from app.organisations.queries import managed
from app.relief.case_models import ReliefDecision, ReliefVote
from app.relief.household_models import HouseholdMember


async def decision_of(session: AsyncSession, case_id: UUID) -> ReliefDecision | None:
    return await session.scalar(select(ReliefDecision).where(ReliefDecision.case_id == case_id))


async def votes_of(
    session: AsyncSession, decision_id: UUID
) -> Sequence[tuple[ReliefVote, StaffAccount]]:
    rows = await session.execute(
        select(ReliefVote, StaffAccount)
        .join(StaffAccount, StaffAccount.id == ReliefVote.staff_id)
        .where(ReliefVote.decision_id == decision_id)
        .order_by(ReliefVote.staff_id)
    )
    return [(row[0], row[1]) for row in rows]


async def board_members(
    session: AsyncSession, staff_ids: Sequence[UUID], organisation_id: UUID
) -> frozenset[UUID]:
    """Those of the accounts that are active in the organisation or below it."""
    rows = await session.scalars(
        select(StaffAccount.id)
        .join(Organisation, Organisation.id == StaffAccount.organisation_id)
        .where(
            StaffAccount.id.in_(staff_ids),
            StaffAccount.status == "active",
            Organisation.lineage.contains([organisation_id]),
        )
    )
    return frozenset(rows.all())


async def kin_at_work(session: AsyncSession, household_id: UUID) -> frozenset[UUID]:
    """Staff accounts of a household's kin, those who left it included."""
    rows = await session.scalars(
        select(HouseholdMember.staff_id).where(
            HouseholdMember.household_id == household_id, HouseholdMember.staff_id.is_not(None)
        )
    )
    return frozenset(each for each in rows if each is not None)


async def visible_staff(session: AsyncSession, principal: Principal, staff_id: UUID) -> bool:
    """Whether an account belongs to the caller's own organisation or one below."""
    found = await session.scalar(
        select(StaffAccount.id)
        .join(Organisation, Organisation.id == StaffAccount.organisation_id)
        .where(StaffAccount.id == staff_id, managed(principal))
    )
    return found is not None
