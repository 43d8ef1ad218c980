"""Opening a claim: the incident has to lie inside the cover, or the answer says why not."""

from datetime import date, datetime, timedelta
from typing import Protocol, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import queries
from app.claims.bodies import IncidentBody, OpenClaimBody
from app.claims.death_errors import DiedBeforeIncident
from app.claims.errors import (
    NOT_COVERED,
    ClaimNotFound,
    IncidentInFuture,
    NotCovered,
)
from app.claims.events import CLAIM_OPENED
from app.claims.facts import give_facts
from app.claims.models import CLAIM, Claim, Incident
from app.claims.reaching import claimable
from app.claims.survivors import require_report, write_claimants
from app.kernel.clock import business_day
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id, new_number
from app.kernel.principal import Principal
from app.kernel.transitions import begin
from app.kernel.vault import Vault
from app.members.models import Member, Person
from app.members.queries import reachable_members
from app.members.service import member_of, person_of
from app.payouts.errors import AccountNotFound
from app.payouts.queries import account_of
from app.plans.benefits import Cause
from app.plans.facts import facts_of
from app.plans.service import version_of
from app.plans.terms import PlanTerms
from app.policies.cover import PolicyCover, cover_at, waits_until
from app.policies.models import Policy
from app.policies.queries import policy_by_id


class Happening(Protocol):
    """What is asked of an incident before it is one of a claim."""

    @property
    def cause(self) -> str: ...

    @property
    def occurred_at(self) -> datetime: ...


async def open_by_member(
    session: AsyncSession, vault: Vault, member: Principal, body: OpenClaimBody, now: datetime
) -> Claim:
    """A member's own claim, or that of a survivor who reported the death of the member.

    Raises IdentityRequired, DeathNotReported (409), ClaimNotFound (404) for a policy of
    somebody else, IncidentInFuture, NotCovered, BenefitNotFound, UnknownFact,
    DiedBeforeIncident (422).
    """
    person = await person_of(session, member.id)
    policy = await policy_by_id(session, body.policy_id)
    if policy is None:
        raise ClaimNotFound
    if policy.person_id == person.id:
        return await _open(session, vault, member, body, now, person, policy, None)
    entry = await claimable(session, vault, member, person, policy, body.benefit_code)
    dead = await session.get_one(Person, policy.person_id)
    claim = await _open(session, vault, member, body, now, dead, policy, None)
    await write_claimants(session, vault, member, claim, [entry], None, now)
    return claim


async def open_by_staff(
    session: AsyncSession, vault: Vault, staff: Principal, body: OpenClaimBody, now: datetime
) -> Claim:
    """A claim received for a member whom the caseworker manages or may serve.

    Any office may receive and complete it; who manages the policy decides, or the receiving
    office where the plan says so (domain.md). For a dead member it is the survivors'. Raises
    as above.
    """
    policy = await policy_by_id(session, body.policy_id)
    if policy is None:
        raise ClaimNotFound
    found = reachable_members(staff, now).where(Member.person_id == policy.person_id)
    if (await session.execute(found)).first() is None:
        raise ClaimNotFound
    person = await session.get_one(Person, policy.person_id)
    return await _open(session, vault, staff, body, now, person, policy, staff.organisation_id)


async def _open(
    session: AsyncSession,
    vault: Vault,
    actor: Principal,
    body: OpenClaimBody,
    now: datetime,
    person: Person,
    policy: Policy,
    receiving: UUID | None,
) -> Claim:
    terms = (await version_of(session, policy.plan_version_id)).terms
    died_on = await _died_on(session, person, terms, body)
    await require_cover(session, policy, terms, body.benefit_code, body.incident, now)
    chosen = body.payout_account_id
    if chosen is not None and (died_on or await account_of(session, person.id, chosen) is None):
        raise AccountNotFound
    incident = await _incident(session, vault, person.id, body.incident, again=died_on is not None)
    own = actor.kind == "member" and died_on is None
    account_id = actor.id if own else None
    if account_id is None and died_on is None:
        account_id = await queries.account_of_person(session, person.id)
    claim = _drafted(actor, body, incident, policy, now)
    claim.account_id, claim.for_survivors = account_id, died_on is not None
    claim.managing_organisation_id = await _manager(session, policy)
    decider = receiving if terms.claims.decided_by == "receiving" else None
    claim.receiving_organisation_id, claim.deciding_organisation_id = receiving, decider
    behalf = None if own else person.id
    await _begun(session, claim, actor, behalf, now)
    facts = dict(body.facts)
    if died_on is not None and _asks_for_day(terms, body.benefit_code):
        facts["died_on"] = died_on.isoformat()
    if facts:
        await give_facts(session, vault, actor, claim, terms, facts, None, now)
    return claim


def _drafted(
    actor: Principal, body: OpenClaimBody, incident: Incident, policy: Policy, now: datetime
) -> Claim:
    """The claim as it was asked for; who gets, manages and decides it is still to be said."""
    return Claim(
        id=new_id(),
        number=new_number("C"),
        incident_id=incident.id,
        person_id=incident.person_id,
        payout_account_id=body.payout_account_id,
        policy_id=policy.id,
        plan_code=policy.plan_code,
        plan_version_id=policy.plan_version_id,
        benefit_code=body.benefit_code,
        status="draft",
        claimed_by_kind=actor.kind,
        claimed_by=actor.id,
        opened_at=now,
        round=1,
    )


async def _begun(
    session: AsyncSession, claim: Claim, actor: Principal, behalf: UUID | None, now: datetime
) -> None:
    """The claim is there, and everybody is told."""
    await session.flush()
    begin(session, CLAIM, claim, actor=actor, at=now, on_behalf_of=behalf)
    await session.flush()
    content = {"plan_code": claim.plan_code, "benefit_code": claim.benefit_code}
    opened = Fact("claim", claim.id, "claim.open", CLAIM_OPENED, content)
    await state(session, [opened], actor=actor, at=now, on_behalf_of=behalf)


def _asks_for_day(terms: PlanTerms, benefit_code: str) -> bool:
    return any(fact.name == "died_on" for fact in facts_of(terms, terms.benefit(benefit_code)))


async def _died_on(
    session: AsyncSession, person: Person, terms: PlanTerms, body: OpenClaimBody
) -> date | None:
    """The recorded day of the member's death; None while they live and claim for themselves.

    Raises DeathNotReported (409) for a death benefit before that, DiedBeforeIncident (422).
    """
    benefit = terms.benefit(body.benefit_code)
    for_others = benefit.payee == "beneficiary" or "claimant_identity" in benefit.documents
    if person.blocked_at is None and not for_others:
        return None
    report = await require_report(session, person.id)
    if report.died_on < business_day(body.incident.occurred_at):
        raise DiedBeforeIncident(died_on=report.died_on.isoformat())
    return report.died_on


async def _incident(
    session: AsyncSession, vault: Vault, person_id: UUID, body: IncidentBody, *, again: bool
) -> Incident:
    """The incident as it was told; `again`: that of an earlier claim of this day and cause."""
    if again:
        known = await queries.incident_on(session, person_id, body.cause, body.occurred_at)
        if known is not None:
            return known
    incident_id = new_id()
    told = {"place": body.place, "description": body.description}
    incident = Incident(
        id=incident_id,
        person_id=person_id,
        cause=body.cause,
        occurred_at=body.occurred_at,
        sealed=vault.seal("incident", incident_id, told),
    )
    session.add(incident)
    return incident


async def _manager(session: AsyncSession, policy: Policy) -> UUID:
    """The policy's organisation, else the member's, else the municipal office."""
    if policy.organisation_id is not None:
        return policy.organisation_id
    member = await member_of(session, policy.person_id)
    if member is not None and member.organisation_id is not None:
        return member.organisation_id
    office = await queries.municipal_office(session)
    if office is None:
        raise ClaimNotFound
    return office


async def require_cover(
    session: AsyncSession,
    policy: Policy,
    terms: PlanTerms,
    benefit_code: str,
    incident: Happening,
    now: datetime,
) -> PolicyCover:
    """The policy's cover at the incident.

    Raises IncidentInFuture or NotCovered (422) with a code: not_started, ended, waiting,
    past_deadline, cause, cancelled, void, pending_identity.
    """
    if incident.occurred_at > now:
        raise IncidentInFuture
    _refuse(terms, outside_terms(terms, benefit_code, incident, now))
    cover = await policy_cover_at(session, policy, incident.occurred_at)
    outside = outside_cover(terms, benefit_code, incident, cover)
    if outside == "waiting":
        until = waits_until(terms, cover, benefit_code, cause_of(incident))
        raise _not_covered("waiting", until=business_day(until).isoformat())
    _refuse(terms, outside)
    return cover


def outside_terms(
    terms: PlanTerms, benefit_code: str, incident: Happening, asked_at: datetime
) -> str | None:
    """Why the plan does not look at the incident at all: past_deadline, cause, or None."""
    last_day = business_day(incident.occurred_at) + timedelta(days=terms.claims.deadline_days)
    if business_day(asked_at) > last_day:
        return "past_deadline"
    return None if incident.cause in terms.benefit(benefit_code).causes else "cause"


def outside_cover(
    terms: PlanTerms, benefit_code: str, incident: Happening, cover: PolicyCover
) -> str | None:
    """Why the cover does not reach the incident: its own reason, waiting, or None."""
    if not cover.covered:
        return cover.reason
    until = waits_until(terms, cover, benefit_code, cause_of(incident))
    return "waiting" if until > incident.occurred_at else None


def cause_of(incident: Happening) -> Cause:
    """The incident's cause, which a CHECK keeps to the words that plans know."""
    return cast(Cause, incident.cause)


def _refuse(terms: PlanTerms, reason: str | None) -> None:
    """Raise NotCovered (422) for a reason."""
    if reason is not None:
        raise _not_covered(reason, days=terms.claims.deadline_days)


async def policy_cover_at(session: AsyncSession, policy: Policy, instant: datetime) -> PolicyCover:
    """What one policy is at an instant; raises NotCovered (422) where it is nothing."""
    for plan in await cover_at(session, policy.person_id, instant):
        for cover in plan.policies:
            if cover.policy_id == policy.id:
                return cover
    raise _not_covered("void")


async def covered_days(
    session: AsyncSession, policy: Policy, instant: datetime
) -> tuple[date, date]:
    """The policy's days [first, after the last) around an instant; raises NotCovered (422)."""
    cover = await policy_cover_at(session, policy, instant)
    return business_day(cover.starts_at), business_day(cover.ends_at)


def _not_covered(reason: str, **fields: object) -> NotCovered:
    return NotCovered(reason.replace("_", "-"), NOT_COVERED[reason], **fields)
