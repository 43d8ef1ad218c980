"""What a claim pays: the plan's engine over facts, cover, and what was used before."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import queries
from app.claims.errors import AmountDue, ConditionNotMet, NotCovered
from app.claims.locks import lock_person
from app.claims.models import Claim
from app.claims.opening import Happening, cause_of, require_cover
from app.claims.terms import known_facts
from app.claims.uses import uses_of
from app.kernel.clock import business_day
from app.members.models import Person
from app.plans.assessment import Assessment, assess
from app.plans.errors import FactsMissing
from app.plans.facts import facts_of, missing_faults
from app.plans.history import Past, Standpoint
from app.plans.inputs import Item, Value
from app.plans.terms import PlanTerms
from app.policies.calendar import age_on
from app.policies.cover import PolicyCover, cover_at, paying_layers, paying_option
from app.policies.models import Policy

Inputs = dict[str, Value | tuple[Item, ...]]


class Event(Happening, Protocol):
    """An incident that happened, or one that is only supposed to have."""

    @property
    def id(self) -> UUID: ...


class Claimant(Protocol):
    """What plans know about a person."""

    @property
    def birth_on(self) -> date: ...

    @property
    def sex(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that one benefit's amount follows from."""

    terms: PlanTerms
    benefit_code: str
    inputs: Inputs
    past: Past
    holds: frozenset[str]

    def assess(self) -> Assessment:
        """What is to be paid, or why nothing is."""
        return assess(self.terms, self.benefit_code, self.inputs, self.past, self.holds)

    def with_facts(self, facts: Mapping[str, Any]) -> "Case":
        """The same case, had these been the facts."""
        benefit = self.terms.benefit(self.benefit_code)
        stated = {fact.name for fact in facts_of(self.terms, benefit)}
        known = {name: value for name, value in self.inputs.items() if name not in stated}
        return replace(self, inputs={**known, **known_facts(self.terms, benefit, facts)})


async def assess_claim(
    session: AsyncSession, claim: Claim, terms: PlanTerms, facts: Mapping[str, Any], now: datetime
) -> tuple[Case, Assessment]:
    """The case and its amount with its steps, computed while the person's claims are locked.

    Raises NotCovered, FactsMissing, ConditionNotMet (422): a condition of the plan, an
    excluding benefit, nothing payable, limits used up.
    """
    case = await case_of_claim(session, claim, terms, facts, now)
    found = case.assess()
    refuse_unpayable(found, case.inputs)
    return case, found


async def assess_to_nothing(
    session: AsyncSession, claim: Claim, terms: PlanTerms, facts: Mapping[str, Any], now: datetime
) -> Assessment | None:
    """The assessment of a claim that comes to nothing although every condition holds.

    It still counts: days below a threshold, cost below a deductible that is for the term.
    None where nothing covers it or a condition fails. Raises AmountDue (422) where the plan
    pays something, FactsMissing (422) where nobody can know yet.
    """
    try:
        case = await case_of_claim(session, claim, terms, facts, now)
    except NotCovered:
        return None
    found = case.assess()
    if found.failed:
        return None
    if found.missing:
        refuse_unpayable(found, case.inputs)
    if found.amount_fen:
        raise AmountDue(found.amount_fen)
    return found


async def case_of_claim(
    session: AsyncSession, claim: Claim, terms: PlanTerms, facts: Mapping[str, Any], now: datetime
) -> Case:
    """Everything that the claim's amount follows from; locks the person's claims.

    Raises IncidentInFuture, NotCovered (422).
    """
    await lock_person(session, claim.person_id)
    incident = await queries.incident_of(session, claim)
    policy = await session.get_one(Policy, claim.policy_id)
    # The deadline was met when the claim was opened; it does not pass during review.
    asked_at = min(now, max(claim.opened_at, incident.occurred_at))
    return await case_of(
        session, policy, terms, claim.benefit_code, incident, facts, asked_at, claim.id
    )


async def case_of(
    session: AsyncSession,
    policy: Policy,
    terms: PlanTerms,
    benefit_code: str,
    event: Event,
    facts: Mapping[str, Any],
    asked_at: datetime,
    claim_id: UUID | None = None,
) -> Case:
    """The facts given, what the service knows itself, and what was paid to the person before.

    `facts` were checked. Raises IncidentInFuture, NotCovered, BenefitNotFound (422).
    """
    cover = await require_cover(session, policy, terms, benefit_code, event, asked_at)
    person = await session.get_one(Person, policy.person_id)
    used = await uses_of(session, person.id, besides=claim_id)
    here = standpoint(policy.plan_code, policy.id, cover, benefit_code, event, claim_id)
    return Case(
        terms=terms,
        benefit_code=benefit_code,
        inputs={
            **known_facts(terms, terms.benefit(benefit_code), facts),
            **context_of(terms, benefit_code, cover, person, event),
        },
        past=Past(used, here),
        holds=await _plans_held(session, person.id, event.occurred_at),
    )


def unpayable(found: Assessment) -> str | None:
    """The code of the reason why nothing is paid; None where something is, or may be."""
    if found.failed:
        return found.failed[0].code
    if found.missing or found.amount_fen:
        return None
    bit = any(limit.bit and limit.used_fen for limit in found.limits)
    return "used-up" if bit else "nothing-payable"


def refuse_unpayable(found: Assessment, inputs: Mapping[str, Any]) -> None:
    """Raise ConditionNotMet or FactsMissing (422) where there is nothing to pay."""
    reason = unpayable(found)
    if reason is not None:
        raise ConditionNotMet(reason, found.failed)
    if found.missing:
        raise FactsMissing(errors=missing_faults(found.missing, inputs))


def context_of(
    terms: PlanTerms, benefit_code: str, cover: PolicyCover, person: Claimant, event: Happening
) -> Inputs:
    """What the service knows without asking (`inputs.CLAIM_CONTEXT`)."""
    layers = paying_layers(terms, cover, benefit_code, cause_of(event), event.occurred_at)
    day = business_day(event.occurred_at)
    since = min((layer.since_on for layer in layers), default=business_day(cover.starts_at))
    context: Inputs = {
        "cause": event.cause,
        "event_on": day,
        "shares": sum(layer.shares for layer in layers),
        "day_of_cover": max(0, (day - since).days),
        "terms_held": cover.term_number,
        "option": paying_option(terms, cover, benefit_code, cause_of(event), event.occurred_at),
        "layers": tuple(
            {"shares": layer.shares, "day_of_cover": max(0, (day - layer.since_on).days)}
            for layer in layers
        ),
        "age": age_on(person.birth_on, day),
    }
    if person.sex in ("male", "female"):
        context["sex"] = person.sex
    return context


def standpoint(
    plan_code: str,
    policy_id: UUID,
    cover: PolicyCover,
    benefit_code: str,
    event: Event,
    claim_id: UUID | None,
) -> Standpoint:
    """From where the person's past is seen."""
    return Standpoint(
        plan_code=plan_code,
        benefit_code=benefit_code,
        policy_id=policy_id,
        incident_id=event.id,
        claim_id=claim_id,
        event_on=business_day(event.occurred_at),
        starts_on=business_day(cover.starts_at),
        ends_on=business_day(cover.ends_at),
    )


async def _plans_held(session: AsyncSession, person_id: UUID, instant: datetime) -> frozenset[str]:
    """The plans that cover the person at an instant."""
    covers = await cover_at(session, person_id, instant)
    return frozenset(cover.plan_code for cover in covers if cover.covered)
