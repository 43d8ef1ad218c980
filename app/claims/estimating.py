"""A claim tried out: the same engine, nothing filed, nothing kept but that somebody looked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.amounts import Case, case_of, unpayable
from app.claims.bodies import EstimateBody, MemberEstimateBody
from app.claims.errors import NOT_COVERED, ClaimNotFound, NotCovered
from app.claims.estimate_schemas import (
    ClaimEstimateView,
    DocumentNeededView,
    FailedConditionView,
    RangeView,
)
from app.claims.life_views import reason_words
from app.claims.schemas import ExplanationView
from app.claims.terms import check_known, state_of_kind
from app.kernel import audit
from app.kernel.clock import business_day
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.problems import FieldError, NotFound, Unprocessable
from app.kernel.text import Text
from app.members.models import Person
from app.members.service import person_of
from app.members.serving import may_serve
from app.plans.assessment import Assessment
from app.plans.benefits import Words
from app.plans.estimates import estimate_range
from app.plans.explanation import explain
from app.plans.facts import facts_of, vocabulary
from app.plans.models import PlanVersion
from app.plans.plan_views import fact_view
from app.plans.schemas import ClockView, WordsView
from app.plans.service import newest_version, version_of
from app.policies.cover import PolicyCover, cover_at
from app.policies.models import Policy
from app.policies.queries import policy_by_id

ONE_OF_TWO = Text("请填写保障凭证或保障活动，二者选一", "Give either a policy or a plan.")


@dataclass(frozen=True, slots=True)
class Supposed:
    """An incident that nobody has reported."""

    id: UUID
    cause: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Under:
    """What the estimate is made under: a policy with its version, or a plan alone."""

    version: PlanVersion
    policy: Policy | None


async def estimate_own(
    session: AsyncSession, member: Principal, body: EstimateBody, now: datetime
) -> ClaimEstimateView:
    """What a member's claim would come to.

    Raises IdentityRequired (409), ClaimNotFound (404) for a policy of somebody else,
    PlanNotFound (404), IncidentInFuture, BenefitNotFound, UnknownFact (422).
    """
    person = await person_of(session, member.id)
    return await _estimate(session, member, person, body, now)


async def estimate_for_member(
    session: AsyncSession,
    staff: Principal,
    body: MemberEstimateBody,
    now: datetime,
    system_now: datetime,
) -> ClaimEstimateView:
    """The same for a member whom the caller manages or serves; raises NotFound (404)."""
    if not await may_serve(session, staff, body.person_id, system_now):
        raise NotFound
    person = await session.get_one(Person, body.person_id)
    return await _estimate(session, staff, person, body, now)


async def _estimate(
    session: AsyncSession, principal: Principal, person: Person, body: EstimateBody, now: datetime
) -> ClaimEstimateView:
    if (body.policy_id is None) == (body.plan_code is None):
        raise Unprocessable(errors=[FieldError("/policy_id", "one-of-two", ONE_OF_TWO)])
    event = Supposed(new_id(), body.incident.cause, body.incident.occurred_at)
    under = await _under(session, person, body, event.occurred_at)
    terms = under.version.terms
    check_known(terms, terms.benefit(body.benefit_code), body.facts)
    shown = [person.id] if under.policy is None else [person.id, under.policy.id]
    await audit.record(
        session,
        principal,
        "claim.estimate",
        subject="person",
        subject_ids=shown,
        on_behalf_of=person.id if principal.kind == "staff" else None,
    )
    outlook = _outlook(under, body.benefit_code, person, event)
    if under.policy is None:
        return ClaimEstimateView(**outlook, covered=False, **_refused("no_policy"))
    try:
        case = await case_of(
            session, under.policy, terms, body.benefit_code, event, body.facts, now
        )
    except NotCovered as refusal:
        return ClaimEstimateView(**outlook, covered=False, **_told(refusal))
    giver = "member" if principal.kind == "member" else "caseworker"
    return ClaimEstimateView(**outlook, covered=True, **_assessed(case, body.facts, giver))


async def _under(
    session: AsyncSession, person: Person, body: EstimateBody, instant: datetime
) -> Under:
    """The policy named, or the one of the plan that covers best at the instant."""
    if body.policy_id is not None:
        policy = await policy_by_id(session, body.policy_id)
        if policy is None or policy.person_id != person.id:
            raise ClaimNotFound
        return Under(await version_of(session, policy.plan_version_id), policy)
    plan_code = str(body.plan_code)
    for plan in await cover_at(session, person.id, instant):
        if plan.plan_code == plan_code:
            held = [cover for cover in plan.policies if cover.policy_id is not None]
            covering = [cover for cover in held if cover.covered]
            best: PolicyCover = max(covering, key=lambda cover: cover.shares, default=plan.best)
            policy = await policy_by_id(session, best.policy_id) if best.policy_id else None
            if policy is not None:
                return Under(await version_of(session, policy.plan_version_id), policy)
    return Under(await newest_version(session, plan_code), None)


def _outlook(under: Under, benefit_code: str, person: Person, event: Supposed) -> dict[str, Any]:
    """What holds whether or not the incident is covered."""
    terms = under.version.terms
    benefit = terms.benefit(benefit_code)
    verified = person.verified_at is not None
    last_day = business_day(event.occurred_at) + timedelta(days=terms.claims.deadline_days)
    return {
        "policy_id": None if under.policy is None else under.policy.id,
        "plan_code": terms.code,
        "version": under.version.number,
        "benefit_code": benefit.code,
        "benefit_name": _words(benefit.name),
        "documents": [
            DocumentNeededView(
                kind=kind,
                name=_words(terms.document_name(kind)),
                fulfilled=state_of_kind(kind, (), identity_verified=verified) == "verified",
            )
            for kind in benefit.documents
        ],
        "payee": benefit.payee,
        "schemes": [_words(words) for words in benefit.schemes],
        "deadline": last_day,
        "review": ClockView.model_validate(terms.claims.review),
        "payout": ClockView.model_validate(terms.claims.payout),
    }


def _assessed(case: Case, facts: Mapping[str, Any], giver: str) -> dict[str, Any]:
    """The amount, or between what and what it lies, and why."""
    terms, found = case.terms, case.assess()
    code = unpayable(found)
    known = {**vocabulary(terms), **{fact.name: fact for fact in facts_of(terms, found.benefit)}}
    named = dict.fromkeys(name.partition(".")[0] for name in found.missing)
    return {
        "reason_code": code,
        "reason": _reason(found, code),
        "amount_fen": None if found.missing else found.amount_fen,
        "range": _range(case) if found.missing else None,
        "facts_missing": [fact_view(known[name]) for name in named],
        "failed": [
            FailedConditionView(code=each.code, words=_words(each.words)) for each in found.failed
        ],
        "explanation": ExplanationView.model_validate(
            explain(terms, found, dict.fromkeys(facts, giver))
        ),
    }


def _range(case: Case) -> RangeView:
    least, most = estimate_range(case.terms, case.benefit_code, case.inputs, case.past, case.holds)
    return RangeView(least_fen=least, most_fen=most)


def _reason(found: Assessment, code: str | None) -> WordsView | None:
    """In the plan's words where a condition of its own fails."""
    if found.failed:
        return _words(found.failed[0].words)
    return reason_words(code, found.benefit)


def _refused(reason: str) -> dict[str, Any]:
    words = NOT_COVERED[reason]
    return {
        "reason_code": reason.replace("_", "-"),
        "reason": WordsView(zh=words.zh, en=words.en),
    }


def _told(refusal: NotCovered) -> dict[str, Any]:
    fields = refusal.fields
    return {
        "reason_code": refusal.extensions["reason_code"],
        "reason": WordsView(zh=str(fields["explanation_zh"]), en=str(fields["explanation_en"])),
    }


def _words(words: Words) -> WordsView:
    return WordsView(zh=words.zh, en=words.en)
