"""Agreements with partners: made, listed and ended by whoever manages the partner."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.clock import business_day
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.organisations.partners import visible_partner
from app.plans.service import version_on_sale
from app.rosters import queries
from app.rosters.errors import AgreementDays, AgreementNotFound, AgreementShares
from app.rosters.models import Agreement


async def make_agreement(
    session: AsyncSession,
    principal: Principal,
    partner_id: UUID,
    *,
    plan_code: str,
    shares: int,
    starts_on: date,
    ends_on: date | None,
    without_identity: bool,
    hold_missing_percent: int,
    now: datetime,
) -> Agreement:
    """What each rider of a partner's rosters is given from `starts_on` on.

    Raises NotFound (404) for a partner or plan that is not visible, PlanNotOnSale and
    AgreementOverlaps (409), AgreementDays and AgreementShares (422).
    """
    await visible_partner(session, principal, partner_id)
    version = await version_on_sale(session, plan_code, now)
    if starts_on < business_day(now) or (ends_on is not None and ends_on < starts_on):
        raise AgreementDays
    if shares > version.terms.max_shares:
        raise AgreementShares(maximum=version.terms.max_shares)
    agreement = Agreement(
        id=new_id(),
        partner_id=partner_id,
        plan_code=plan_code,
        shares=shares,
        starts_on=starts_on,
        ends_on=ends_on,
        without_identity=without_identity,
        hold_missing_percent=hold_missing_percent,
        created_by=principal.id,
        created_at=now,
    )
    session.add(agreement)
    await session.flush()
    await _record(session, principal, "agreement.make", agreement)
    return agreement


async def end_agreement(
    session: AsyncSession,
    principal: Principal,
    partner_id: UUID,
    agreement_id: UUID,
    last_day: date,
    now: datetime,
) -> Agreement:
    """No new cover after `last_day`; cover that was given goes on. Repeating changes nothing.

    Raises NotFound, AgreementNotFound (404), AgreementDays (422).
    """
    await visible_partner(session, principal, partner_id)
    agreement = await queries.locked_agreement(session, partner_id, agreement_id)
    if agreement is None:
        raise AgreementNotFound
    if agreement.ends_on == last_day:
        return agreement
    moved_back = agreement.ends_on is not None and last_day > agreement.ends_on
    if moved_back or last_day < max(agreement.starts_on, business_day(now)):
        raise AgreementDays
    agreement.ends_on = last_day
    await session.flush()
    await _record(session, principal, "agreement.end", agreement)
    return agreement


async def _record(
    session: AsyncSession, principal: Principal, action: str, agreement: Agreement
) -> None:
    await audit.record(
        session,
        principal,
        action,
        subject="agreement",
        subject_ids=[agreement.id],
        on_behalf_of=agreement.partner_id,
        details={
            "plan_code": agreement.plan_code,
            "shares": agreement.shares,
            "starts_on": agreement.starts_on.isoformat(),
            "ends_on": agreement.ends_on.isoformat() if agreement.ends_on else None,
            "without_identity": agreement.without_identity,
        },
    )
