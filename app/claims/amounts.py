"""What a claim pays: the plan's engine over facts, shares, and what was used before."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import queries
from app.claims.errors import ConditionNotMet
from app.claims.models import Claim
from app.claims.opening import require_cover
from app.claims.terms import HOSPITAL_GRADE
from app.kernel.clock import business_day, day_start
from app.kernel.money import yuan
from app.kernel.problems import FieldError
from app.kernel.text import Text
from app.plans.assessment import Assessment, benefit_amount
from app.plans.benefits import Benefit
from app.plans.errors import FactsMissing
from app.plans.facts import MISSING
from app.plans.shapes import Step
from app.plans.terms import PlanTerms
from app.policies.models import Policy


async def assess(
    session: AsyncSession, claim: Claim, terms: PlanTerms, facts: Mapping[str, Any], now: datetime
) -> Assessment:
    """The amount with its steps, computed while the person's claims are locked.

    Raises NotCovered, FactsMissing, ConditionNotMet (422): hospital grade, an excluding
    benefit, nothing payable, limits used up.
    """
    await queries.lock_person(session, claim.person_id)
    benefit = terms.benefit(claim.benefit_code)
    incident = await queries.incident_of(session, claim)
    policy = await session.get_one(Policy, claim.policy_id)
    # The deadline was met when the claim was opened; it does not pass during review.
    asked_at = min(now, max(claim.opened_at, incident.occurred_at))
    cover = await require_cover(session, policy, terms, claim.benefit_code, incident, asked_at)
    _require_grade(benefit, facts)
    day = business_day(incident.occurred_at)
    start, end = day_start(day), day_start(day + timedelta(days=1))
    excluding = _excluding(terms, benefit)
    if await queries.excluded_by(session, claim, excluding, start, end):
        raise ConditionNotMet("excluded")
    used, used_in_all = await queries.used_of_policy(session, claim)
    found = benefit_amount(terms, claim.benefit_code, facts, cover.shares, paid_before_fen=used)
    found = _within_plan(terms, found, used_in_all)
    if found.amount_fen == 0:
        raise ConditionNotMet("used-up" if used else "nothing-payable")
    return found


def _require_grade(benefit: Benefit, facts: Mapping[str, Any]) -> None:
    if benefit.hospital_grade_from is None:
        return
    grade = facts.get(HOSPITAL_GRADE.name)
    if grade is None:
        raise FactsMissing(
            errors=[FieldError(f"/facts/{HOSPITAL_GRADE.name}", "fact-missing", MISSING)]
        )
    if grade < benefit.hospital_grade_from:
        raise ConditionNotMet("hospital-grade-too-low")


def _excluding(terms: PlanTerms, benefit: Benefit) -> list[str]:
    """Benefits that cannot be paid beside this one, whichever of the two says so."""
    others = {other.code for other in terms.benefits if benefit.code in other.excludes}
    return sorted(others | set(benefit.excludes))


def _within_plan(terms: PlanTerms, found: Assessment, used_fen: int) -> Assessment:
    if terms.cap_per_term_fen is None:
        return found
    left = max(0, terms.cap_per_term_fen - used_fen)
    if found.amount_fen <= left:
        return found
    words = Text(
        f"本保障期各项合计限额余 {yuan(left)} 元",
        f"{yuan(left)} yuan are left of the term's limit for all benefits",
    )
    return replace(found, amount_fen=left, steps=(*found.steps, Step("plan-cap", words, left)))
