"""Opening orders: eligibility, the server's price, and shares reserved, in two statements."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.completion import complete_without_gateway
from app.billing.errors import OrderAlreadyOpen, PriceDiffers
from app.billing.events import CLOSE_ORDER, ORDER_OPENED
from app.billing.models import OPEN_FOR, ContributionOrder
from app.kernel.database import raw_connection
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id, new_number
from app.kernel.principal import Principal
from app.members.errors import IdentityRequired
from app.plans import service as plans
from app.plans.errors import PlanNotOnSale
from app.plans.terms import PlanTerms
from app.policies.calendar import cover_period, first_covered_day
from app.policies.eligibility import Applicant, failing_rules
from app.policies.errors import NotEligible, SharesOverLimit
from app.policies.slots import SHARES_LOCK, available_shares

Channel = Literal["bought", "gifted", "on_site"]
Payer = Literal["member", "sponsor"]

_JUDGE = f"""
with serial as materialized (select {SHARES_LOCK})
select p.id as person_id, p.birth_on, p.sex, p.verified_at,
       coalesce($3, m.organisation_id) as organisation_id, v.id as version_id,
       (select o.id from contribution_order o
        where o.person_id = p.id and o.plan_code = $2 and o.status = 'open') as open_order_id
from serial, person p
left join member m on m.person_id = p.id
left join plan_version v on v.plan_code = $2 and v.status = 'published'
    and v.effective_from <= $4 and (v.effective_to is null or v.effective_to > $4)
where p.id = $5
"""  # noqa: S608  constants only

_OPEN = """
with wanted as (
    select slot, row_number() over (order by slot) as place
    from generate_series(1, $20::int) as slot
    where not exists (
        select from share_slot s where s.person_id = $4 and s.plan_code = $5 and s.slot = slot.slot
        and s.period && tstzrange($14, $15) and s.released_at is null)
    order by slot limit $7
), opened as (
    insert into contribution_order (id, number, account_id, person_id, plan_code, plan_version_id,
        shares, amount_fen, status, channel, payer, sponsor_id, organisation_id, enrolled_by,
        reserved_period, opened_at, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, 'open', $9, $10, $11, $12, $13,
            tstzrange($14, $15), $16, $17)
), slots as (
    insert into share_slot (id, person_id, plan_code, slot, period, order_id)
    select ($21::uuid[])[place], $4, $5, slot, tstzrange($14, $15), $1 from wanted
    returning 1
), history as (
    insert into status_history (subject, subject_id, to_status, at, actor_kind, actor_id)
    values ('contribution_order', $1, 'open', $16, $18, $19)
), due as (
    insert into due_thing (job, subject_id, due_at) select $22, $1, $17 where $8 > 0
)
select count(*) from slots
"""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is ordered; `price_fen` is what the client showed, if it says so."""

    plan_code: str
    shares: int
    channel: Channel = "bought"
    payer: Payer = "member"
    price_fen: int | None = None
    occupation: str | None = None
    enrolled_by: UUID | None = None
    organisation_id: UUID | None = None
    sponsor_id: UUID | None = None


async def open_order(
    session: AsyncSession,
    *,
    person_id: UUID,
    account_id: UUID | None,
    plan_code: str,
    shares: int,
    channel: Channel = "bought",
    enrolled_by: UUID | None = None,
    payer: Payer = "member",
    actor: Principal,
    now: datetime,
    organisation_id: UUID | None = None,
    sponsor_id: UUID | None = None,
    price_fen: int | None = None,
    occupation: str | None = None,
) -> ContributionOrder:
    """Open an order, reserve its shares and freeze its plan version and price.

    What costs nothing and what a sponsor pays is complete at once: paid, policy issued,
    sponsor's debt posted. Raises IdentityRequired, PlanNotFound, PlanNotOnSale,
    OrderAlreadyOpen, PriceDiffers, SharesOverLimit (409), NotEligible (422) naming every
    failing rule. The row returned is not attached to the session.
    """
    wish = Wish(
        plan_code=plan_code,
        shares=shares,
        channel=channel,
        payer=payer,
        price_fen=price_fen,
        occupation=occupation,
        enrolled_by=enrolled_by,
        organisation_id=organisation_id,
        sponsor_id=sponsor_id,
    )
    connection = await raw_connection(session)
    judged = await connection.fetchrow(
        _JUDGE, str(person_id), plan_code, organisation_id, now, person_id
    )
    if judged is None or judged["verified_at"] is None:
        raise IdentityRequired
    if judged["version_id"] is None:
        await plans.version_on_sale(session, plan_code, now)
        raise PlanNotOnSale
    if judged["open_order_id"] is not None:
        raise OrderAlreadyOpen(judged["open_order_id"])
    terms = await plans.terms_of(connection, judged["version_id"])
    if wish.price_fen not in (None, terms.price_fen(shares)):
        raise PriceDiffers(terms.price_fen(shares))
    order = _order(wish, judged, terms, account_id, now)
    await _refuse_ineligible(session, order, wish, judged, terms)
    await _store(session, order, terms, actor)
    await state(session, [_opened(order)], actor=actor, at=now, on_behalf_of=_behalf(order, actor))
    if order.amount_fen == 0 or payer == "sponsor":
        await complete_without_gateway(
            session, order, terms, verified_at=judged["verified_at"], actor=actor, now=now
        )
    return order


def _order(
    wish: Wish, judged: Any, terms: PlanTerms, account_id: UUID | None, now: datetime
) -> ContributionOrder:
    first_day = first_covered_day(now, judged["verified_at"])
    return ContributionOrder(
        id=new_id(),
        number=new_number("B"),
        account_id=account_id,
        person_id=judged["person_id"],
        plan_code=terms.code,
        plan_version_id=judged["version_id"],
        shares=wish.shares,
        amount_fen=terms.price_fen(wish.shares),
        status="open",
        channel="gifted" if terms.gifted else wish.channel,
        payer=wish.payer,
        sponsor_id=wish.sponsor_id,
        organisation_id=judged["organisation_id"],
        enrolled_by=wish.enrolled_by,
        reserved_period=cover_period(first_day, months=terms.term_months, days=terms.term_days),
        opened_at=now,
        expires_at=now + OPEN_FOR,
        paid_at=None,
    )


async def _refuse_ineligible(
    session: AsyncSession, order: ContributionOrder, wish: Wish, judged: Any, terms: PlanTerms
) -> None:
    """Raise NotEligible for rules about the person; shares are named with them.

    Shares alone are left to the reservation, which decides exactly, unless more are
    wanted than the plan ever gives.
    """
    applicant = Applicant(judged["birth_on"], judged["sex"], wish.occupation)
    first_day = first_covered_day(order.opened_at, judged["verified_at"])
    if not failing_rules(
        terms, applicant, first_day=first_day, shares=0, available=terms.max_shares
    ):
        if wish.shares > terms.max_shares:
            raise SharesOverLimit
        return
    available = await available_shares(
        session, order.person_id, terms.code, terms.max_shares, order.reserved_period
    )
    raise NotEligible(
        errors=failing_rules(
            terms, applicant, first_day=first_day, shares=wish.shares, available=available
        )
    )


async def _store(
    session: AsyncSession, order: ContributionOrder, terms: PlanTerms, actor: Principal
) -> None:
    period: Range[datetime] = order.reserved_period
    connection = await raw_connection(session)
    reserved = await connection.fetchval(
        _OPEN,
        order.id,
        order.number,
        order.account_id,
        order.person_id,
        order.plan_code,
        order.plan_version_id,
        order.shares,
        order.amount_fen,
        order.channel,
        order.payer,
        order.sponsor_id,
        order.organisation_id,
        order.enrolled_by,
        period.lower,
        period.upper,
        order.opened_at,
        order.expires_at,
        actor.kind,
        actor.id,
        terms.max_shares,
        [new_id() for _ in range(order.shares)],
        CLOSE_ORDER,
    )
    if reserved != order.shares:
        raise SharesOverLimit


def _behalf(order: ContributionOrder, actor: Principal) -> UUID | None:
    return None if actor.id == order.account_id else order.person_id


def _opened(order: ContributionOrder) -> Fact:
    return Fact(
        subject="contribution_order",
        subject_id=order.id,
        audited="order.open",
        event=ORDER_OPENED,
        content={
            "number": order.number,
            "plan_code": order.plan_code,
            "shares": order.shares,
            "amount_fen": order.amount_fen,
            "channel": order.channel,
            "payer": order.payer,
        },
    )
