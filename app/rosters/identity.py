"""When somebody proves who they are: their rosters' cover finds them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.giving_back import cancel_given
from app.kernel import audit
from app.kernel.clock import business_day
from app.kernel.principal import SYSTEM
from app.members.models import Person
from app.plans import service as plans
from app.policies.errors import PolicyHasStarted, SharesOverLimit
from app.policies.issue import issue_policy
from app.policies.models import Policy
from app.rosters.models import Agreement, Rider
from app.rosters.reading import HASH_BYTES
from app.rosters.sponsorship import bill, take_back

# A roster row that was applied while its person was being proven stands on a claim of its
# own, next to the proven person: same document, same name. Nobody could ever prove it.
_STRANDED = text(
    "select r.id as rider_id, proven.id as person_id from rider r"
    " join person claimed on claimed.id = r.person_id and claimed.verified_at is null"
    " join person proven on proven.document_index = claimed.document_index"
    "  and proven.name_index = claimed.name_index and proven.verified_at is not null"
    "  and proven.merged_into_id is null and proven.blocked_at is null"
    " where (cast(:partner_id as uuid) is null or r.partner_id = :partner_id)"
    "  and (cast(:person_id as uuid) is null or proven.id = :person_id)"
    "  and r.changed_sequence >= :sequence"
    " order by r.id"
)


async def adopt_claims(
    session: AsyncSession,
    now: datetime,
    *,
    person_id: UUID | None = None,
    partner_id: UUID | None = None,
    sequence: int = 0,
) -> int:
    """Move riders from a claim to the proven person with that document and name.

    Called for a person who was proven and for what a roster has written, so that whichever
    comes second finds what the other wrote. Returns how many were moved.
    """
    sought = {"partner_id": partner_id, "person_id": person_id, "sequence": sequence}
    rows = (await session.execute(_STRANDED, sought)).all()
    for row in rows:
        rider = await session.get_one(Rider, row.rider_id, with_for_update=True)
        person = await session.get_one(Person, row.person_id)
        await _move(session, rider, person, now)
    return len(rows)


async def _move(session: AsyncSession, rider: Rider, person: Person, now: datetime) -> None:
    former = await session.get_one(Policy, rider.policy_id)
    agreement = await session.get_one(Agreement, rider.agreement_id)
    if former.status in ("pending", "in_force"):
        try:
            await cancel_given(
                session, former.id, reason_code="person_proven", actor=SYSTEM, now=now
            )
        except PolicyHasStarted:
            return
        await take_back(session, former, event_on=business_day(now), actor=SYSTEM)
    claim = await session.get_one(Person, rider.person_id)
    claim.merged_into_id = person.id
    rider.person_id = person.id
    # The next push judges the row again, whatever happens here.
    rider.row_hash = bytes(HASH_BYTES)
    try:
        async with session.begin_nested():
            policy = await issue_policy(
                session,
                person=person,
                version=await plans.version_of(session, former.plan_version_id),
                shares=agreement.shares,
                channel="roster",
                sponsor_id=rider.partner_id,
                organisation_id=rider.organisation_id,
                actor=SYSTEM,
                now=now,
            )
    except SharesOverLimit:
        return
    rider.policy_id, rider.covered_until = policy.id, policy.ends_at
    await _bill(session, policy, now)
    await audit.record(session, SYSTEM, "rider.adopt", subject="rider", subject_ids=[rider.id])


async def follow_activation(session: AsyncSession, policy_id: UUID, now: datetime) -> None:
    """Tell the riders of a policy until when it covers, and bill the sponsor."""
    policy = await session.get_one(Policy, policy_id)
    if policy.channel != "roster" or policy.status != "in_force":
        return
    riders = await session.scalars(
        select(Rider).where(Rider.policy_id == policy.id).with_for_update()
    )
    for rider in riders.all():
        rider.covered_until = policy.ends_at
    await _bill(session, policy, now)


async def _bill(session: AsyncSession, policy: Policy, now: datetime) -> None:
    version = await plans.version_of(session, policy.plan_version_id)
    event_on = business_day(now)
    await bill(session, version, policy.shares, [policy.id], event_on=event_on, actor=SYSTEM)
