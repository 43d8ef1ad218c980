"""What today's agreements give: plan version, first day, period."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.plans.errors import PlanNotFound, PlanNotOnSale
from app.plans.models import PlanVersion
from app.plans.service import version_on_sale
from app.plans.terms import PlanTerms
from app.policies.calendar import first_covered_day, term_period
from app.rosters import queries
from app.rosters.models import DEFAULT_HOLD_PERCENT, Agreement


@dataclass(frozen=True, slots=True)
class Offer:
    """One agreement as it applies to rows handled now."""

    agreement: Agreement
    version: PlanVersion
    terms: PlanTerms
    first_day: date
    period: Range[datetime]


async def offers_of(session: AsyncSession, partner_id: UUID, now: datetime) -> dict[str, Offer]:
    """The offers of a partner by plan code; a plan that is not on sale is left out.

    Cover starts on the day after, or on the agreement's first day if that is later.
    """
    earliest = first_covered_day(now)
    offers: dict[str, Offer] = {}
    for agreement in await queries.agreements_giving_cover(session, partner_id, earliest):
        if agreement.plan_code in offers:
            continue
        try:
            version = await version_on_sale(session, agreement.plan_code, now)
        except (PlanNotFound, PlanNotOnSale):
            continue
        first_day = max(earliest, agreement.starts_on)
        period = term_period(version.terms.option().term, first_day)
        offers[agreement.plan_code] = Offer(agreement, version, version.terms, first_day, period)
    return offers


def hold_percent(offers: Mapping[str, Offer]) -> int:
    """The strictest threshold of mass disappearance among the partner's agreements."""
    agreed = [offer.agreement.hold_missing_percent for offer in offers.values()]
    return min(agreed, default=DEFAULT_HOLD_PERCENT)


def offer_for(offers: Mapping[str, Offer], plan: str) -> Offer | str:
    """The offer a row means, or the code of why there is none."""
    if plan:
        return offers.get(plan, "plan-not-agreed")
    if len(offers) == 1:
        return next(iter(offers.values()))
    return "plan-missing"
