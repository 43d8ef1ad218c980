"""What a claim pays: the plan's engine over facts, cover, and what was used before."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import queries
from app.claims.errors import ConditionNotMet
from app.claims.models import Claim, Incident
from app.claims.opening import require_cover
from app.claims.terms import known_facts
from app.claims.uses import uses_of
from app.kernel.clock import business_day
from app.members.models import Person
from app.plans.assessment import Assessment, assess
from app.plans.benefits import Cause
from app.plans.errors import FactsMissing
from app.plans.facts import missing_faults
from app.plans.history import Past, Standpoint
from app.plans.inputs import Item, Value
from app.plans.terms import PlanTerms
from app.policies.calendar import age_on
from app.policies.cover import PolicyCover, cover_at, paying_layers
from app.policies.models import Policy

Inputs = dict[str, Value | tuple[Item, ...]]


async def assess_claim(
    session: AsyncSession, claim: Claim, terms: PlanTerms, facts: Mapping[str, Any], now: datetime
) -> Assessment:
    """The amount with its steps, computed while the person's claims are locked.

    Raises NotCovered, FactsMissing, ConditionNotMet (422): a condition of the plan, an
    excluding benefit, nothing payable, limits used up.
    """
    await queries.lock_person(session, claim.person_id)
    incident = await queries.incident_of(session, claim)
    policy = await session.get_one(Policy, claim.policy_id)
    # The deadline was met when the claim was opened; it does not pass during review.
    asked_at = min(now, max(claim.opened_at, incident.occurred_at))
    cover = await require_cover(session, policy, terms, claim.benefit_code, incident, asked_at)
    person = await session.get_one(Person, claim.person_id)
    inputs = {
        **known_facts(terms, terms.benefit(claim.benefit_code), facts),
        **context_of(terms, claim.benefit_code, cover, person, incident),
    }
    used = await uses_of(session, claim.person_id, besides=claim.id)
    here = standpoint(policy, cover, claim.benefit_code, incident, claim.id)
    holds = await plans_held(session, claim.person_id, incident.occurred_at)
    found = assess(terms, claim.benefit_code, inputs, Past(used, here), holds)
    refuse_unpayable(found, inputs)
    return found


def refuse_unpayable(found: Assessment, inputs: Mapping[str, Any]) -> None:
    """Raise ConditionNotMet or FactsMissing (422) where there is nothing to pay."""
    if found.failed:
        raise ConditionNotMet(found.failed[0].code, found.failed)
    if found.missing:
        raise FactsMissing(errors=missing_faults(found.missing, inputs))
    if found.amount_fen == 0:
        bit = any(limit.bit and limit.used_fen for limit in found.limits)
        raise ConditionNotMet("used-up" if bit else "nothing-payable")


def context_of(
    terms: PlanTerms,
    benefit_code: str,
    cover: PolicyCover,
    person: Person,
    incident: Incident | Any,
) -> Inputs:
    """What the service knows without asking (`inputs.CLAIM_CONTEXT`)."""
    layers = paying_layers(
        terms, cover, benefit_code, cast(Cause, incident.cause), incident.occurred_at
    )
    day = business_day(incident.occurred_at)
    since = min((layer.since_on for layer in layers), default=business_day(cover.starts_at))
    context: Inputs = {
        "cause": incident.cause,
        "event_on": day,
        "shares": sum(layer.shares for layer in layers),
        "day_of_cover": max(0, (day - since).days),
        "terms_held": cover.term_number,
        "option": cover.option_code or terms.option().code,
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
    policy: Policy,
    cover: PolicyCover,
    benefit_code: str,
    incident: Incident | Any,
    claim_id: UUID | None,
) -> Standpoint:
    """From where the person's past is seen."""
    return Standpoint(
        plan_code=policy.plan_code,
        benefit_code=benefit_code,
        policy_id=policy.id,
        incident_id=incident.id,
        claim_id=claim_id,
        event_on=business_day(incident.occurred_at),
        starts_on=business_day(cover.starts_at),
        ends_on=business_day(cover.ends_at),
    )


async def plans_held(session: AsyncSession, person_id: UUID, instant: datetime) -> frozenset[str]:
    """The plans that cover the person at an instant."""
    covers = await cover_at(session, person_id, instant)
    return frozenset(cover.plan_code for cover in covers if cover.covered)
