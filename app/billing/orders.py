"""Opening orders: eligibility, the server's price, and shares reserved, in a few statements."""

from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.completion import complete_without_gateway
from app.billing.errors import OrderAlreadyOpen, PriceDiffers
from app.billing.events import CLOSE_ORDER, ORDER_OPENED
from app.billing.judging import Wish, judge
from app.billing.models import OPEN_FOR, ContributionOrder
from app.billing.offers import Offer
from app.billing.order_statements import opening
from app.billing.price_inputs import Choice
from app.kernel.database import raw_connection
from app.kernel.facts import Fact, Stated, Subscriptions, prepare
from app.kernel.ids import new_id, new_number
from app.kernel.principal import Principal
from app.kernel.vault import Vault
from app.plans.terms import PlanTerms
from app.policies.errors import PolicyNotFound, SharesOverLimit
from app.policies.queries import policy_by_id


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
    kind: str = "new"
    policy_id: UUID | None = None
    option_code: str | None = None
    term_days: int | None = None
    starts_on: date | None = None
    split: dict[str, int] | None = None
    deposit_fen: int = 0
    sealed: bytes | None = None
    status: str = "open"
    paid_at: datetime | None = None

    def row(self) -> ContributionOrder:
        """The row that was written, not attached to a session."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return ContributionOrder(**values)


async def open_order(
    session: AsyncSession,
    vault: Vault,
    wish: Wish,
    *,
    person_id: UUID,
    account_id: UUID | None,
    actor: Principal,
    now: datetime,
) -> ContributionOrder:
    """Open an order, reserve its shares and freeze its plan version and price.

    What costs nothing and what a sponsor pays is complete at once: paid, cover given,
    debts posted. Raises as `judging.judge`, OrderAlreadyOpen, PriceDiffers,
    SharesOverLimit (409), NotEligible and PriceFactsMissing (422). The row returned is not
    attached to the session.
    """
    judged = await judge(session, vault, person_id, wish, now, lock=True)
    if judged.open_order_id is not None:
        raise OrderAlreadyOpen(judged.open_order_id)
    offer, terms = judged.offer, judged.terms
    if not offer.price.missing and wish.price_fen not in (None, offer.amount_fen):
        raise PriceDiffers(offer.amount_fen)
    judged.refuse_unless_met()
    row = {**judged.row, "version_id": judged.version_id}
    completed = replace(wish, choice=judged.choice)
    new = new_order(completed, offer, terms, row, account_id, vault, now)
    await _write(session, new, terms, actor, offer.places)
    order = new.row()
    if order.amount_fen == 0 or wish.payer == "sponsor":
        verified_at: datetime = judged.row["verified_at"]
        await complete_without_gateway(
            session, order, terms, verified_at=verified_at, actor=actor, now=now
        )
    return order


async def open_renewal(
    session: AsyncSession,
    vault: Vault,
    policy_id: UUID,
    *,
    actor: Principal,
    now: datetime,
    account_id: UUID | None = None,
    choice: Choice | None = None,
    price_fen: int | None = None,
    automatic: bool = False,
) -> ContributionOrder:
    """Order the next term of a policy: as it is, unless a `choice` says otherwise.

    `automatic`: a payment agreement renews; the plan has to offer that. Raises
    PolicyNotFound (404), and as `open_order`.
    """
    policy = await policy_by_id(session, policy_id)
    if policy is None:
        raise PolicyNotFound
    wish = Wish(
        plan_code=policy.plan_code,
        choice=choice or Choice(),
        kind="renewal",
        policy_id=policy.id,
        price_fen=price_fen,
        automatic=automatic,
        same_shares=choice is None,
        organisation_id=policy.organisation_id,
    )
    return await open_order(
        session,
        vault,
        wish,
        person_id=policy.person_id,
        account_id=account_id,
        actor=actor,
        now=now,
    )


async def _write(
    session: AsyncSession, new: NewOrder, terms: PlanTerms, actor: Principal, places: int
) -> None:
    connection = await raw_connection(session)
    stated = opened_facts(new, session.info["subscriptions"], actor)
    statement = opening(len(stated.arguments), jobs=stated.jobs, keyed=False)
    written = await connection.fetchrow(statement, *parameters(new, terms, actor, stated, places))
    if not written["opened"]:
        raise SharesOverLimit


def new_order(
    wish: Wish,
    offer: Offer,
    terms: PlanTerms,
    row: Any,
    account_id: UUID | None,
    vault: Vault,
    now: datetime,
) -> NewOrder:
    """The order as it will be written; `row` has person_id, version_id and organisation_id.

    What the buyer stated is sealed.
    """
    order_id = new_id()
    stated = wish.choice.stated()
    split = offer.split
    return NewOrder(
        id=order_id,
        number=new_number("B"),
        account_id=account_id,
        person_id=row["person_id"],
        plan_code=terms.code,
        plan_version_id=row["version_id"],
        shares=wish.choice.shares,
        amount_fen=split.member_fen,
        channel="gifted" if terms.gifted else wish.channel,
        payer=wish.payer,
        sponsor_id=wish.sponsor_id,
        organisation_id=row["organisation_id"],
        enrolled_by=wish.enrolled_by,
        reserved_period=offer.period,
        opened_at=now,
        expires_at=_expires_at(offer, now),
        kind=offer.kind,
        policy_id=wish.policy_id,
        option_code=offer.option_code,
        term_days=offer.term_days,
        starts_on=offer.starts_on,
        split=dict(split.others) or None,
        deposit_fen=split.deposit_fen,
        sealed=vault.seal("contribution_order", order_id, stated) if stated else None,
    )


def _expires_at(offer: Offer, now: datetime) -> datetime:
    """After half an hour, or when it is too late to pay for the period."""
    latest = now + OPEN_FOR
    return latest if offer.pay_before is None else max(now, min(latest, offer.pay_before))


def parameters(
    order: NewOrder, terms: PlanTerms, actor: Principal, stated: Stated, places: int
) -> tuple[Any, ...]:
    """What `order_statements.opening` takes, in its order, without the key's.

    `places` are how many shares take one.
    """
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
        [new_id() for _ in range(places)],
        CLOSE_ORDER,
        order.kind,
        order.policy_id,
        order.option_code,
        order.term_days,
        order.starts_on,
        msgspec.json.encode(order.split).decode() if order.split else None,
        order.deposit_fen,
        order.sealed,
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
            "kind": order.kind,
            "shares": order.shares,
            "amount_fen": order.amount_fen,
            "channel": order.channel,
            "payer": order.payer,
        },
    )
