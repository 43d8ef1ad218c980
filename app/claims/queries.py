"""Every look at claims; each begins from whose they are."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.models import MemberAccount
from app.claims.death_models import ClaimClaimant
from app.claims.decision_models import Decision
from app.claims.models import DOCUMENT, Claim, ClaimDocument, ClaimFacts, ClaimReceipt, Incident
from app.documents.models import StoredObject
from app.kernel.clock import business_day, day_start
from app.kernel.principal import Principal
from app.kernel.transitions import StatusHistory
from app.members.models import Member
from app.organisations.models import Kind, Organisation
from app.organisations.queries import in_scope

ENDED_WITHOUT_PAYMENT = ("denied", "withdrawn")


def visible(principal: Principal) -> Select[Claim]:
    """Claims that the principal may see.

    A member's own, and those in which they are claimants; for staff those that their subtree
    manages or decides, and those that it received.
    """
    if principal.kind == "member":
        shared = exists().where(
            ClaimClaimant.claim_id == Claim.id,
            ClaimClaimant.person_id == MemberAccount.person_id,
            ClaimClaimant.removed_at.is_(None),
        )
        return (
            select(Claim)
            .join(MemberAccount, or_(MemberAccount.person_id == Claim.person_id, shared))
            .where(MemberAccount.id == principal.id)
        )
    return select(Claim).where(
        or_(
            in_scope(principal, Claim.managing_organisation_id),
            in_scope(principal, Claim.receiving_organisation_id),
            in_scope(principal, Claim.deciding_organisation_id),
        )
    )


async def find(session: AsyncSession, principal: Principal, claim_id: UUID) -> Claim | None:
    return await session.scalar(visible(principal).where(Claim.id == claim_id))


async def find_locked(session: AsyncSession, principal: Principal, claim_id: UUID) -> Claim | None:
    return await session.scalar(
        visible(principal).where(Claim.id == claim_id).with_for_update(of=Claim)
    )


async def locked(session: AsyncSession, claim_id: UUID) -> Claim:
    return await session.get_one(Claim, claim_id, with_for_update=True, populate_existing=True)


async def incident_of(session: AsyncSession, claim: Claim) -> Incident:
    return await session.get_one(Incident, claim.incident_id)


async def incident_on(
    session: AsyncSession, person_id: UUID, cause: str, occurred_at: datetime
) -> Incident | None:
    """The person's first incident of a cause on the day (Asia/Shanghai) of an instant."""
    first = day_start(business_day(occurred_at))
    return await session.scalar(
        select(Incident)
        .where(
            Incident.person_id == person_id,
            Incident.cause == cause,
            Incident.occurred_at >= first,
            Incident.occurred_at < first + timedelta(days=1),
        )
        .order_by(Incident.id)
        .limit(1)
    )


async def documents_of(
    session: AsyncSession, claim_id: UUID
) -> Sequence[tuple[ClaimDocument, StoredObject]]:
    """The files that count, in the order of upload; replaced ones are left out."""
    found = await every_document_of(session, claim_id)
    return [(file, stored) for file, stored in found if file.status != "replaced"]


async def every_document_of(
    session: AsyncSession, claim_id: UUID
) -> Sequence[tuple[ClaimDocument, StoredObject]]:
    """All files that ever were, in the order of upload."""
    rows = await session.execute(
        select(ClaimDocument, StoredObject)
        .join(StoredObject, StoredObject.id == ClaimDocument.object_id)
        .where(ClaimDocument.claim_id == claim_id)
        .order_by(ClaimDocument.id)
    )
    return [(row[0], row[1]) for row in rows]


async def document_of(
    session: AsyncSession, claim_id: UUID, document_id: UUID
) -> tuple[ClaimDocument, StoredObject] | None:
    """One file of a claim, replaced ones included."""
    row = (
        await session.execute(
            select(ClaimDocument, StoredObject)
            .join(StoredObject, StoredObject.id == ClaimDocument.object_id)
            .where(ClaimDocument.claim_id == claim_id, ClaimDocument.id == document_id)
        )
    ).one_or_none()
    return None if row is None else (row[0], row[1])


async def document_by_object(session: AsyncSession, object_id: UUID) -> ClaimDocument | None:
    return await session.scalar(select(ClaimDocument).where(ClaimDocument.object_id == object_id))


async def receipt_file_used(session: AsyncSession, claim_id: UUID, fingerprint: bytes) -> bool:
    """Whether this very file is the receipt of another claim that may still be paid."""
    found = await session.scalar(
        select(ClaimDocument.id)
        .join(Claim, Claim.id == ClaimDocument.claim_id)
        .where(
            ClaimDocument.fingerprint == fingerprint,
            ClaimDocument.kind == "receipt",
            ClaimDocument.status != "replaced",
            ClaimDocument.claim_id != claim_id,
            Claim.status.not_in(ENDED_WITHOUT_PAYMENT),
        )
        .limit(1)
    )
    return found is not None


async def facts_of(session: AsyncSession, claim_id: UUID) -> ClaimFacts | None:
    """The newest facts."""
    return await session.scalar(
        select(ClaimFacts)
        .where(ClaimFacts.claim_id == claim_id)
        .order_by(ClaimFacts.version.desc())
        .limit(1)
    )


async def receipts_of(session: AsyncSession, claim_id: UUID) -> Sequence[ClaimReceipt]:
    return (
        await session.scalars(
            select(ClaimReceipt)
            .where(ClaimReceipt.claim_id == claim_id, ClaimReceipt.released_at.is_(None))
            .order_by(ClaimReceipt.id)
        )
    ).all()


async def decisions_of(session: AsyncSession, claim_id: UUID) -> Sequence[Decision]:
    return (
        await session.scalars(
            select(Decision).where(Decision.claim_id == claim_id).order_by(Decision.id)
        )
    ).all()


async def first_decision(session: AsyncSession, claim: Claim) -> Decision | None:
    """The first person's verdict of the present round."""
    return await session.scalar(
        select(Decision).where(
            Decision.claim_id == claim.id, Decision.round == claim.round, Decision.step == "first"
        )
    )


async def outcome_before(session: AsyncSession, claim: Claim) -> Decision | None:
    """What the claim's last finished round came to: an approval that was paid, or a denial."""
    if claim.decided_at is None:
        return None
    wanted = "approve" if claim.paid_before_fen else "deny"
    return await session.scalar(
        select(Decision)
        .where(
            Decision.claim_id == claim.id,
            Decision.round < claim.round,
            Decision.verdict == wanted,
        )
        .order_by(Decision.round.desc(), Decision.id.desc())
        .limit(1)
    )


async def decided_in_earlier_stage(session: AsyncSession, claim: Claim, staff_id: UUID) -> bool:
    """Whether somebody took part in what is appealed against."""
    found = await session.scalar(
        select(Decision.id)
        .where(
            Decision.claim_id == claim.id,
            Decision.decided_by == staff_id,
            Decision.stage < claim.stage,
        )
        .limit(1)
    )
    return found is not None


async def other_claims_of(session: AsyncSession, claim: Claim) -> Sequence[tuple[Claim, datetime]]:
    """The member's other claims that were handed in, with the instants of their incidents."""
    rows = await session.execute(
        select(Claim, Incident.occurred_at)
        .join(Incident, Incident.id == Claim.incident_id)
        .where(
            Claim.person_id == claim.person_id,
            Claim.id != claim.id,
            Claim.submitted_at.is_not(None),
        )
        .order_by(Claim.id)
    )
    return [(row[0], row[1]) for row in rows]


async def history_of(session: AsyncSession, claim_id: UUID) -> Sequence[StatusHistory]:
    return (
        await session.scalars(
            select(StatusHistory)
            .where(StatusHistory.subject == "claim", StatusHistory.subject_id == claim_id)
            .order_by(StatusHistory.position)
        )
    ).all()


async def returns_of(
    session: AsyncSession, claim_id: UUID
) -> Sequence[tuple[ClaimDocument, StatusHistory]]:
    """Each return of a document of the claim, replaced ones included, in order."""
    rows = await session.execute(
        select(ClaimDocument, StatusHistory)
        .join(StatusHistory, StatusHistory.subject_id == ClaimDocument.id)
        .where(
            ClaimDocument.claim_id == claim_id,
            StatusHistory.subject == DOCUMENT.subject,
            StatusHistory.to_status == "returned",
        )
        .order_by(StatusHistory.position)
    )
    return [(row[0], row[1]) for row in rows]


async def account_of_person(session: AsyncSession, person_id: UUID) -> UUID | None:
    """A login account of the person, the newest if there are several."""
    return await session.scalar(
        select(MemberAccount.id)
        .where(MemberAccount.person_id == person_id, MemberAccount.status == "active")
        .order_by(MemberAccount.id.desc())
        .limit(1)
    )


async def enrolling_staff(session: AsyncSession, person_id: UUID) -> UUID | None:
    """Who enrolled the member, if staff did."""
    return await session.scalar(select(Member.enrolled_by).where(Member.person_id == person_id))


async def municipal_office(session: AsyncSession) -> UUID | None:
    """Who manages what nobody else does."""
    return await session.scalar(
        select(Organisation.id)
        .where(Organisation.kind == Kind.MUNICIPAL_OFFICE, Organisation.valid_to.is_(None))
        .order_by(Organisation.id)
        .limit(1)
    )


async def approved_of_person(session: AsyncSession, person_id: UUID) -> Sequence[UUID]:
    """Claims of a person that are approved and not on their way to be paid."""
    return (
        await session.scalars(
            select(Claim.id).where(Claim.person_id == person_id, Claim.status == "approved")
        )
    ).all()
