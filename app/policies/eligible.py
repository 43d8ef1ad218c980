"""Eligibility for one account and plan at an instant."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.members.service import person_of
from app.plans import service as plans
from app.plans.pricing import price_of_one
from app.plans.schemas import WordsView
from app.policies.calendar import first_covered_day, term_period
from app.policies.eligibility import Applicant, failing_rules
from app.policies.schemas import EligibilityView, ReasonView
from app.policies.slots import available_shares


async def check(
    session: AsyncSession,
    account_id: UUID,
    plan_code: str,
    shares: int,
    occupation: str | None,
    now: datetime,
) -> EligibilityView:
    """What an order would be told at `now`.

    Raises IdentityRequired (409), PlanNotFound (404), PlanNotOnSale (409).
    """
    person = await person_of(session, account_id)
    terms = (await plans.version_on_sale(session, plan_code, now)).terms
    first_day = first_covered_day(now, person.verified_at or now)
    period = term_period(terms.option().term, first_day)
    available = await available_shares(session, person.id, plan_code, terms.max_shares, period)
    failures = failing_rules(
        terms,
        Applicant(person.birth_on, person.sex, occupation),
        first_day=first_day,
        shares=shares,
        available=available,
    )
    return EligibilityView(
        plan_code=plan_code,
        eligible=not failures,
        reasons=[
            ReasonView(
                code=failure.code,
                message=WordsView(
                    zh=failure.message.in_language("zh", **(failure.fields or {})),
                    en=failure.message.in_language("en", **(failure.fields or {})),
                ),
            )
            for failure in failures
        ],
        shares_available=available,
        price_per_share_fen=price_of_one(terms),
        first_covered_day=first_day,
    )
