"""Every look-up of registrations, checks, consents and members."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.models import MemberAccount
from app.kernel.principal import Principal
from app.members.consent_models import Consent, ConsentText, ServeGrant
from app.members.models import LIVE, EnrolmentCode, IdentityCheck, Member, Person, Registration
from app.organisations.models import Kind, Organisation


async def live_registration(
    session: AsyncSession, account_id: UUID, *, lock: bool = False
) -> Registration | None:
    """The registration that an account has under way."""
    found = select(Registration).where(
        Registration.account_id == account_id, Registration.status.in_(LIVE)
    )
    return await session.scalar(found.with_for_update() if lock else found)


async def latest_registration(session: AsyncSession, account_id: UUID) -> Registration | None:
    """The registration an account has under way, or else its completed one."""
    return await session.scalar(
        select(Registration)
        .where(Registration.account_id == account_id, Registration.status != "abandoned")
        .order_by(Registration.id.desc())
        .limit(1)
    )


async def locked_registration(session: AsyncSession, registration_id: UUID) -> Registration | None:
    return await session.scalar(
        select(Registration).where(Registration.id == registration_id).with_for_update()
    )


async def stale_registrations(
    session: AsyncSession, untouched_since: datetime, limit: int
) -> Sequence[Registration]:
    """Drafts and submitted ones not touched since, locked; those locked elsewhere are passed."""
    rows = await session.scalars(
        select(Registration)
        .where(
            Registration.status.in_(("draft", "submitted")),
            Registration.updated_at < untouched_since,
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return rows.all()


async def latest_check(session: AsyncSession, registration_id: UUID) -> IdentityCheck | None:
    return await session.scalar(
        select(IdentityCheck)
        .where(IdentityCheck.registration_id == registration_id)
        .order_by(IdentityCheck.id.desc())
        .limit(1)
    )


async def live_check(session: AsyncSession, registration_id: UUID) -> IdentityCheck | None:
    return await session.scalar(
        select(IdentityCheck).where(
            IdentityCheck.registration_id == registration_id, IdentityCheck.status == "requested"
        )
    )


async def own_check(
    session: AsyncSession, account_id: UUID, check_id: UUID
) -> IdentityCheck | None:
    return await session.scalar(
        select(IdentityCheck).where(
            IdentityCheck.id == check_id, IdentityCheck.account_id == account_id
        )
    )


async def tries_since(session: AsyncSession, account_id: UUID, since: datetime) -> int:
    """Face checks that reached the vendor, or still may; a vendor that was down costs none."""
    counted = await session.scalar(
        select(func.count())
        .select_from(IdentityCheck)
        .where(
            IdentityCheck.account_id == account_id,
            IdentityCheck.requested_at >= since,
            IdentityCheck.route == "vendor",
            or_(
                IdentityCheck.vendor_reference.is_not(None),
                IdentityCheck.status.in_(("requested", "failed")),
            ),
        )
    )
    return counted or 0


async def present_texts(session: AsyncSession, now: datetime) -> Sequence[ConsentText]:
    """The newest text in force of each purpose."""
    newest = (
        select(ConsentText.purpose, func.max(ConsentText.version))
        .where(ConsentText.effective_at <= now)
        .group_by(ConsentText.purpose)
    )
    rows = await session.scalars(
        select(ConsentText)
        .where(tuple_(ConsentText.purpose, ConsentText.version).in_(newest))
        .order_by(ConsentText.purpose)
    )
    return rows.all()


def _owned_by(account_id: UUID) -> Select[Consent]:
    """An account's consents, and those its person gave standing at a site."""
    person = select(MemberAccount.person_id).where(MemberAccount.id == account_id)
    return select(Consent).where(
        Consent.withdrawn_at.is_(None),
        or_(Consent.account_id == account_id, Consent.person_id == person.scalar_subquery()),
    )


async def consents_of(session: AsyncSession, account_id: UUID) -> Sequence[Consent]:
    """The consents in force of an account and of its person, oldest first."""
    return (await session.scalars(_owned_by(account_id).order_by(Consent.id))).all()


async def consents_to(session: AsyncSession, account_id: UUID, purpose: str) -> Sequence[Consent]:
    """The consents in force to one purpose, locked."""
    found = _owned_by(account_id).where(Consent.purpose == purpose).with_for_update()
    return (await session.scalars(found)).all()


async def code_by_text(session: AsyncSession, code: str) -> EnrolmentCode | None:
    return await session.scalar(select(EnrolmentCode).where(EnrolmentCode.code == code))


def visible_members(principal: Principal, at: datetime) -> Select[Member, Person]:
    """Members that a staff account manages or may serve now; blocked ones are hidden."""
    return reachable_members(principal, at).where(Person.blocked_at.is_(None))


def reachable_members(principal: Principal, at: datetime) -> Select[Member, Person]:
    """Members of a staff account's subtree, or served by it now, blocked ones as well.

    Members without an organisation are managed by the municipal office.
    """
    own = principal.organisation_id
    at_the_top = (
        select(Organisation.id)
        .where(Organisation.id == own, Organisation.kind == Kind.MUNICIPAL_OFFICE)
        .exists()
    )
    served = (
        select(ServeGrant.id)
        .where(
            ServeGrant.staff_id == principal.id,
            ServeGrant.person_id == Member.person_id,
            ServeGrant.expires_at > at,
        )
        .exists()
    )
    return (
        select(Member, Person)
        .join(Person, Person.id == Member.person_id)
        .outerjoin(Organisation, Organisation.id == Member.organisation_id)
        .where(
            or_(
                Organisation.lineage.contains([own]),
                and_(Member.organisation_id.is_(None), at_the_top),
                served,
            )
        )
    )


async def member_of_person(session: AsyncSession, person_id: UUID) -> Member | None:
    return await session.scalar(select(Member).where(Member.person_id == person_id))
