"""Settling orders: paid order, policy and postings commit together, or money is suspended."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.events import CLOSE_ORDER, ORDER_PAID
from app.billing.models import ContributionOrder
from app.integrations.wechat_pay import Payment
from app.kernel.clock import business_day
from app.kernel.database import raw_connection
from app.kernel.facts import Fact, state
from app.kernel.principal import SYSTEM, Principal
from app.ledger import service as ledger
from app.ledger.accounts import GATEWAY_CLEARING, SPONSOR_RECEIVABLES, contributions_of
from app.plans import service as plans
from app.plans.terms import PlanTerms
from app.policies.calendar import cover_period, first_covered_day
from app.policies.issue import NewPolicy, issue, issued_fact

Outcome = Literal["settled", "repeated", "unknown", "differs", "too_late"]

# The lock and the judgement are one with the change: whoever comes second sees what the
# first did. $1 out_trade_no, $2 transaction, $3 fen, $4 instant of payment, $5 now,
# $6 notice id or null, $7 event type, $8 whether merchant, app and currency are right.
_SETTLE = """
with target as (
    select a.id as attempt_id, a.status as attempt_status, a.amount_fen as attempt_fen,
           a.transaction_id, o.id as order_id, o.number, o.status as order_status, o.person_id,
           o.plan_code, o.plan_version_id, o.shares, o.amount_fen, o.channel, o.sponsor_id,
           o.organisation_id, o.enrolled_by, o.opened_at, p.verified_at
    from payment_attempt a
    join contribution_order o on o.id = a.order_id
    join person p on p.id = o.person_id
    where a.out_trade_no = $1
    for update of a, o
), paid as (
    update contribution_order o set status = 'paid', paid_at = greatest($4, o.opened_at)
    from target t
    where o.id = t.order_id and t.order_status = 'open' and t.attempt_status <> 'succeeded'
      and t.attempt_fen = $3 and t.amount_fen = $3 and $8
    returning o.id
), succeeded as (
    update payment_attempt a set status = 'succeeded', transaction_id = $2, succeeded_at = $4
    from paid, target t where a.id = t.attempt_id
), history as (
    insert into status_history (subject, subject_id, from_status, to_status, at, actor_kind,
                                actor_id)
    select h.subject, h.id, h.was, h.becomes, $5, 'system', $9
    from paid, target t, lateral (values
        ('contribution_order', t.order_id, t.order_status, 'paid'),
        ('payment_attempt', t.attempt_id, t.attempt_status, 'succeeded')
    ) as h(subject, id, was, becomes)
), due as (
    delete from due_thing d using paid where d.job = $10 and d.subject_id = paid.id
), notice as (
    insert into gateway_notice (notice_id, event_type, reference, outcome, received_at)
    select $6, $7, $1, 'settled', clock_timestamp() from paid where $6::text is not null
    on conflict (notice_id) do nothing
)
select t.*, exists (select from paid) as settled from target t
"""


@dataclass(frozen=True, slots=True)
class Told:
    """What the gateway says was paid: by a notice (`notice_id`) or an answer to a query."""

    payment: Payment
    ours: bool
    paid_at: datetime
    notice_id: str | None = None
    event_type: str = "query"


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of it; `row` is the locked attempt and order, None when unknown."""

    outcome: Outcome
    row: Any = None


async def settle(session: AsyncSession, told: Told, now: datetime) -> Settled:
    """Turn an open order into a paid one with its policy and its postings.

    `too_late` leaves everything as it was, rows locked: the caller suspends the money.
    Raises SharesOverLimit or asyncpg.ExclusionViolationError when the reserved places
    cannot follow the period; the caller rolls back and suspends the money.
    """
    payment = told.payment
    connection = await raw_connection(session)
    row = await connection.fetchrow(
        _SETTLE,
        payment.out_trade_no,
        payment.transaction_id,
        payment.amount_fen,
        told.paid_at,
        now,
        told.notice_id,
        told.event_type,
        told.ours,
        SYSTEM.id,
        CLOSE_ORDER,
    )
    if row is None:
        return Settled("unknown")
    if not row["settled"]:
        return Settled(_why_not(row, told), row)
    await _issue_and_post(session, row, told, now)
    return Settled("settled", row)


def _why_not(row: Any, told: Told) -> Outcome:
    if not told.ours or row["attempt_fen"] != told.payment.amount_fen:
        return "differs"
    if row["attempt_status"] == "succeeded":
        same = row["transaction_id"] == told.payment.transaction_id
        return "repeated" if same else "differs"
    return "too_late"


async def _issue_and_post(session: AsyncSession, row: Any, told: Told, now: datetime) -> None:
    connection = await raw_connection(session)
    terms = await plans.terms_of(connection, row["plan_version_id"])
    paid_at = max(told.paid_at, row["opened_at"])
    new = _new_policy(row, terms, paid_at, row["verified_at"])
    policy = await issue(
        session, new, actor=SYSTEM, now=now, max_shares=terms.max_shares, stated=False
    )
    await ledger.post(
        session,
        "contribution.received",
        [
            (GATEWAY_CLEARING, row["amount_fen"]),
            (contributions_of(row["plan_code"]), -row["amount_fen"]),
        ],
        event_on=business_day(paid_at),
        reference_id=row["attempt_id"],
        actor=SYSTEM,
    )
    facts = [_paid_fact(row, policy.id), issued_fact(policy)]
    await state(session, facts, actor=SYSTEM, at=now, on_behalf_of=row["person_id"])


def _new_policy(
    row: Any, terms: PlanTerms, paid_at: datetime, verified_at: datetime | None
) -> NewPolicy:
    """Cover from the day after payment and identity, whichever is last (domain.md)."""
    conditions = [paid_at] if verified_at is None else [paid_at, verified_at]
    first_day = first_covered_day(*conditions)
    return NewPolicy(
        person_id=row["person_id"],
        plan_code=row["plan_code"],
        plan_version_id=row["plan_version_id"],
        shares=row["shares"],
        period=cover_period(first_day, months=terms.term_months, days=terms.term_days),
        in_force=verified_at is not None,
        channel=row["channel"],
        sponsor_id=row["sponsor_id"],
        order_id=row["order_id"],
        organisation_id=row["organisation_id"],
        enrolled_by=row["enrolled_by"],
    )


def _paid_fact(row: Any, policy_id: UUID) -> Fact:
    return Fact(
        subject="contribution_order",
        subject_id=row["order_id"],
        audited="order.pay",
        event=ORDER_PAID,
        content={
            "number": row["number"],
            "plan_code": row["plan_code"],
            "shares": row["shares"],
            "amount_fen": row["amount_fen"],
            "policy_id": str(policy_id),
        },
    )


_COMPLETE = """
with paid as (
    update contribution_order set status = 'paid', paid_at = $2
    where id = $1 and status = 'open' returning id
), due as (
    delete from due_thing using paid where job = $5 and subject_id = paid.id
)
insert into status_history (subject, subject_id, from_status, to_status, at, actor_kind, actor_id)
select 'contribution_order', id, 'open', 'paid', $2, $3, $4 from paid
"""


async def complete_without_gateway(
    session: AsyncSession,
    order: ContributionOrder,
    terms: PlanTerms,
    *,
    verified_at: datetime | None,
    actor: Principal,
    now: datetime,
) -> None:
    """Complete an order that costs the member nothing: a gift, or paid by its sponsor.

    A sponsor's contribution becomes a receivable of the same transaction.
    """
    connection = await raw_connection(session)
    await connection.execute(_COMPLETE, order.id, now, actor.kind, actor.id, CLOSE_ORDER)
    order.status, order.paid_at = "paid", now
    row = {
        "order_id": order.id,
        "number": order.number,
        "person_id": order.person_id,
        "plan_code": order.plan_code,
        "plan_version_id": order.plan_version_id,
        "shares": order.shares,
        "amount_fen": order.amount_fen,
        "channel": order.channel,
        "sponsor_id": order.sponsor_id,
        "organisation_id": order.organisation_id,
        "enrolled_by": order.enrolled_by,
    }
    policy = await issue(
        session,
        _new_policy(row, terms, now, verified_at),
        actor=actor,
        now=now,
        max_shares=terms.max_shares,
        stated=False,
    )
    if order.amount_fen:
        await ledger.post(
            session,
            "contribution.sponsored",
            [
                (SPONSOR_RECEIVABLES, order.amount_fen),
                (contributions_of(order.plan_code), -order.amount_fen),
            ],
            event_on=business_day(now),
            reference_id=order.id,
            actor=actor,
        )
    facts = [_paid_fact(row, policy.id), issued_fact(policy)]
    await state(session, facts, actor=actor, at=now, on_behalf_of=order.person_id)
