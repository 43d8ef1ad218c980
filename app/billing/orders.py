"""Opening orders: eligibility, the server's price, and shares reserved, in two statements."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.completion import complete_without_gateway
from app.billing.errors import OrderAlreadyOpen, PriceDiffers
from app.billing.events import CLOSE_ORDER, ORDER_OPENED
from app.billing.models import OPEN_FOR, ContributionOrder
from app.billing.order_statements import JUDGE, opening
from app.kernel.database import raw_connection
from app.kernel.facts import Fact, Stated, Subscriptions, prepare
from app.kernel.ids import new_id, new_number
from app.kernel.principal import Principal
from app.members.errors import IdentityRequired
from app.plans import service as plans
from app.plans.errors import PlanNotOnSale
from app.plans.pricing import price_fen
from app.plans.terms import PlanTerms
from app.policies.calendar import age_on, first_covered_day, term_period
from app.policies.eligibility import Applicant, failing_rules
from app.policies.errors import NotEligible, SharesOverLimit
from app.policies.slots import available_shares

Channel = Literal["bought", "gifted", "on_site"]
Payer = Literal["member", "sponsor"]


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


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order before it is a row; named like the columns, so that a view takes either."""

    id: UUID
    number: str
    account_id: UUID | None
    person_id: UUID
    plan_code: str
    plan_version_id: UUID
    shares: int
    amount_fen: int
    channel: str
    payer: str
    sponsor_id: UUID | None
    organisation_id: UUID | None
    enrolled_by: UUID | None
    reserved_period: Range[datetime]
    opened_at: datetime
    expires_at: datetime
    status: str = "open"
    paid_at: datetime | None = None

    def row(self) -> ContributionOrder:
        """The row that was written, not attached to a session."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return ContributionOrder(**values)


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
    judged = await _judged(session, person_id, wish, now)
    terms = await plans.terms_of(connection, judged["version_id"])
    new = new_order(wish, judged, terms, account_id, now)
    if wish.price_fen not in (None, new.amount_fen):
        raise PriceDiffers(new.amount_fen)
    await _refuse_ineligible(session, new, wish, judged, terms)
    stated = opened_facts(new, session.info["subscriptions"], actor)
    statement = opening(len(stated.arguments), jobs=stated.jobs, keyed=False)
    written = await connection.fetchrow(statement, *parameters(new, terms, actor, stated))
    if not written["opened"]:
        raise SharesOverLimit
    order = new.row()
    if order.amount_fen == 0 or payer == "sponsor":
        await complete_without_gateway(
            session, order, terms, verified_at=judged["verified_at"], actor=actor, now=now
        )
    return order


def new_order(
    wish: Wish, judged: Any, terms: PlanTerms, account_id: UUID | None, now: datetime
) -> NewOrder:
    """The order as it will be written: its id, number and price are decided here."""
    first_day = first_covered_day(now, judged["verified_at"])
    return NewOrder(
        id=new_id(),
        number=new_number("B"),
        account_id=account_id,
        person_id=judged["person_id"],
        plan_code=terms.code,
        plan_version_id=judged["version_id"],
        shares=wish.shares,
        amount_fen=price_fen(
            terms,
            wish.shares,
            age=age_on(judged["birth_on"], first_day),
            sex=judged["sex"],
            occupation=wish.occupation,
        ),
        channel="gifted" if terms.gifted else wish.channel,
        payer=wish.payer,
        sponsor_id=wish.sponsor_id,
        organisation_id=judged["organisation_id"],
        enrolled_by=wish.enrolled_by,
        reserved_period=term_period(terms.option().term, first_day),
        opened_at=now,
        expires_at=now + OPEN_FOR,
    )


async def _judged(session: AsyncSession, person_id: UUID, wish: Wish, now: datetime) -> Any:
    """The person, the version on sale, and that no order is open; whoever is next waits."""
    connection = await raw_connection(session)
    judged = await connection.fetchrow(
        JUDGE, str(person_id), wish.plan_code, wish.organisation_id, now, person_id
    )
    if judged is None or judged["verified_at"] is None:
        raise IdentityRequired
    if judged["version_id"] is None:
        await plans.version_on_sale(session, wish.plan_code, now)
        raise PlanNotOnSale
    if judged["open_order_id"] is not None:
        raise OrderAlreadyOpen(judged["open_order_id"])
    return judged


async def _refuse_ineligible(
    session: AsyncSession, order: NewOrder, wish: Wish, judged: Any, terms: PlanTerms
) -> None:
    """Raise NotEligible for rules about the person; shares are named with them.

    Shares alone are left to the reservation, which decides exactly, unless more are
    wanted than the plan ever gives.
    """
    if fulfils(order, wish, judged, terms):
        if wish.shares > terms.max_shares:
            raise SharesOverLimit
        return
    applicant = Applicant(judged["birth_on"], judged["sex"], wish.occupation)
    first_day = first_covered_day(order.opened_at, judged["verified_at"])
    available = await available_shares(
        session, order.person_id, terms.code, terms.max_shares, order.reserved_period
    )
    raise NotEligible(
        errors=failing_rules(
            terms, applicant, first_day=first_day, shares=wish.shares, available=available
        )
    )


def fulfils(order: NewOrder, wish: Wish, judged: Any, terms: PlanTerms) -> bool:
    """Whether the person meets the plan's rules; shares are judged by the reservation."""
    applicant = Applicant(judged["birth_on"], judged["sex"], wish.occupation)
    first_day = first_covered_day(order.opened_at, judged["verified_at"])
    most = terms.max_shares
    return not failing_rules(terms, applicant, first_day=first_day, shares=0, available=most)


def parameters(
    order: NewOrder, terms: PlanTerms, actor: Principal, stated: Stated
) -> tuple[Any, ...]:
    """What `order_statements.opening` takes, in its order, without the key's."""
    period: Range[datetime] = order.reserved_period
    return (
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
        *stated.arguments,
    )


def opened_facts(order: NewOrder, subscriptions: Subscriptions, actor: Principal) -> Stated:
    """What is told about a new order, on whose behalf if somebody else opened it."""
    behalf = None if actor.id == order.account_id else order.person_id
    return prepare(
        [_opened(order)], subscriptions, actor=actor, at=order.opened_at, on_behalf_of=behalf
    )


def _opened(order: NewOrder) -> Fact:
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
