"""Every look at reports of deaths and at claimants."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.death_models import ClaimClaimant, DeathReport
from app.claims.models import Claim
from app.kernel.principal import Principal
from app.members.models import Person
from app.organisations.queries import in_scope
from app.policies.models import Policy

# A claim in one of these comes to nothing more.
ENDED = ("paid", "denied", "withdrawn")


def visible_reports(staff: Principal) -> Select[DeathReport]:
    """Reports that the caller's subtree answers, and those that the caller made."""
    return select(DeathReport).where(
        in_scope(staff, DeathReport.organisation_id) | (DeathReport.reported_by == staff.id)
    )


async def find_report(
    session: AsyncSession, caller: Principal, report_id: UUID, *, lock: bool = False
) -> DeathReport | None:
    """A report within reach of a staff account, or one that a member made."""
    found = visible_reports(caller)
    if caller.kind == "member":
        found = select(DeathReport).where(
            DeathReport.reported_by_kind == "member", DeathReport.reported_by == caller.id
        )
    found = found.where(DeathReport.id == report_id)
    return await session.scalar(found.with_for_update() if lock else found)


async def reports_page(
    session: AsyncSession, staff: Principal, status: str | None, before: UUID | None, limit: int
) -> Sequence[DeathReport]:
    """Newest first; one row more than `limit` proves that more follow."""
    found = visible_reports(staff).order_by(DeathReport.id.desc()).limit(limit + 1)
    if status is not None:
        found = found.where(DeathReport.status == status)
    if before is not None:
        found = found.where(DeathReport.id < before)
    return (await session.scalars(found)).all()


async def reports_since(session: AsyncSession, account_id: UUID, since: datetime) -> int:
    """How many reports a member made after an instant."""
    counted = await session.scalar(
        select(func.count())
        .select_from(DeathReport)
        .where(
            DeathReport.reported_by_kind == "member",
            DeathReport.reported_by == account_id,
            DeathReport.reported_at > since,
        )
    )
    return counted or 0


async def confirmed_report(session: AsyncSession, person_id: UUID) -> DeathReport | None:
    """The report by which a person is blocked."""
    return await session.scalar(
        select(DeathReport).where(
            DeathReport.person_id == person_id, DeathReport.status == "confirmed"
        )
    )


async def report_of(session: AsyncSession, account_id: UUID, person_id: UUID) -> DeathReport | None:
    """The confirmed report that this member made of that person's death."""
    return await session.scalar(
        select(DeathReport).where(
            DeathReport.reported_by_kind == "member",
            DeathReport.reported_by == account_id,
            DeathReport.person_id == person_id,
            DeathReport.status == "confirmed",
        )
    )


async def claimants_of(session: AsyncSession, claim_id: UUID) -> Sequence[ClaimClaimant]:
    """Who claims, in the order of their entry."""
    return (
        await session.scalars(
            select(ClaimClaimant)
            .where(ClaimClaimant.claim_id == claim_id, ClaimClaimant.removed_at.is_(None))
            .order_by(ClaimClaimant.position)
        )
    ).all()


async def persons_of(
    session: AsyncSession, claimants: Sequence[ClaimClaimant]
) -> dict[UUID, Person]:
    """The persons of claimants, by id."""
    wanted = [each.person_id for each in claimants]
    rows = await session.scalars(select(Person).where(Person.id.in_(wanted)))
    return {person.id: person for person in rows}


async def entered_claimants(session: AsyncSession, claim_id: UUID, staff_id: UUID) -> bool:
    """Whether this caseworker entered who is to be paid."""
    entered = exists().where(
        ClaimClaimant.claim_id == claim_id,
        ClaimClaimant.entered_by_kind == "staff",
        ClaimClaimant.entered_by == staff_id,
    )
    return bool(await session.scalar(select(entered)))


async def approved_with_claimant(session: AsyncSession, person_id: UUID) -> Sequence[UUID]:
    """Approved claims of which the person has a share that may not be on its way."""
    return (
        await session.scalars(
            select(Claim.id)
            .join(ClaimClaimant, ClaimClaimant.claim_id == Claim.id)
            .where(
                ClaimClaimant.person_id == person_id,
                ClaimClaimant.removed_at.is_(None),
                Claim.status == "approved",
            )
        )
    ).all()


async def open_claims_of(session: AsyncSession, person_id: UUID) -> Sequence[Claim]:
    """Claims of a person that may still come to something, locked."""
    return (
        await session.scalars(
            select(Claim)
            .where(Claim.person_id == person_id, Claim.status.not_in(ENDED))
            .order_by(Claim.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    ).all()


async def survivors_claims_of(
    session: AsyncSession, person_id: UUID, since: datetime
) -> Sequence[Claim]:
    """Claims that were opened after a report and have not ended in nothing, locked."""
    return (
        await session.scalars(
            select(Claim)
            .where(
                Claim.person_id == person_id,
                Claim.for_survivors,
                Claim.opened_at >= since,
                Claim.status.not_in(("denied", "withdrawn")),
            )
            .order_by(Claim.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    ).all()


async def policies_of(session: AsyncSession, person_id: UUID) -> Sequence[Policy]:
    """Policies that were in force at some time, newest first."""
    return (
        await session.scalars(
            select(Policy)
            .where(Policy.person_id == person_id, Policy.status == "in_force")
            .order_by(Policy.id.desc())
        )
    ).all()
