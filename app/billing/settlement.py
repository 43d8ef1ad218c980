"""Settling orders: paid order, policy and postings commit together, or money is suspended."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal

from app.billing.covering import new_policy, paid_fact
from app.billing.events import CLOSE_ORDER
from app.billing.step_by_step import Told, settle_step_by_step
from app.integrations.wechat_pay import Payment
from app.kernel.clock import business_day, system_now
from app.kernel.database import Database
from app.kernel.facts import prepare, stating
from app.kernel.ids import new_id
from app.kernel.principal import SYSTEM
from app.ledger.accounts import GATEWAY_CLEARING, contributions_of
from app.ledger.statements import POST
from app.plans import service as plans
from app.policies.issue import issued_fact
from app.policies.statements import ISSUE

Outcome = Literal["settled", "repeated", "unknown", "differs", "too_late"]

# $1 out_trade_no, $2 whether the business clock may have been moved.
_LOOK = """
select a.id as attempt_id, a.status as attempt_status, a.amount_fen as attempt_fen,
       a.transaction_id, o.id as order_id, o.number, o.status as order_status, o.person_id,
       o.plan_code, o.plan_version_id, o.shares, o.amount_fen, o.channel, o.sponsor_id,
       o.organisation_id, o.enrolled_by, o.opened_at, o.option_code, o.term_days, o.starts_on,
       o.kind = 'new' and o.split is null and o.deposit_fen = 0 as plain, p.verified_at,
       case when $2 then coalesce((select offset_seconds from business_clock), 0) else 0 end
           as clock_offset
from payment_attempt a
join contribution_order o on o.id = a.order_id
join person p on p.id = o.person_id
where a.out_trade_no = $1
"""

# One statement is the whole settlement: the lock, the judgement that the order is still
# open, and everything that follows; whoever comes second finds no target. It refuses itself
# (division by zero) when the order does not hold a place for each share.
# $1 attempt, $2 transaction, $3 paid at, $4 now, $5 system, $6 due job, $7 notice id or null,
# $8 event type, $9 policy, $10 policy number, $11 policy transaction, $12 start, $13 end,
# $14 policy status, $15 ledger transaction, $16 event day, $17 debit, $18 credit;
# facts from $19.
_SETTLE = f"""
with target as (
    select a.id as attempt_id, a.status as attempt_status, a.out_trade_no, o.*
    from payment_attempt a join contribution_order o on o.id = a.order_id
    where a.id = $1 and a.status <> 'succeeded' and o.status = 'open'
    for update of a, o
), paid as (
    update contribution_order o set status = 'paid', paid_at = $3
    from target t where o.id = t.id
), succeeded as (
    update payment_attempt a set status = 'succeeded', transaction_id = $2, succeeded_at = $3
    from target t where a.id = t.attempt_id
), history as (
    insert into status_history (subject, subject_id, from_status, to_status, at, actor_kind,
                                actor_id)
    select h.subject, h.id, h.was, h.becomes, $4::timestamptz, 'system', $5::uuid
    from target t, lateral (values
        ('contribution_order', t.id, 'open', 'paid'),
        ('payment_attempt', t.attempt_id, t.attempt_status, 'succeeded')
    ) as h(subject, id, was, becomes)
), due as (
    delete from due_thing d using target t where d.job = $6 and d.subject_id = t.id
), notice as (
    insert into gateway_notice (notice_id, event_type, reference, outcome, received_at)
    select $7::text, $8::text, t.out_trade_no, 'settled', clock_timestamp()
    from target t where $7::text is not null
    on conflict (notice_id) do nothing
), covered as (
    select $9::uuid as policy_id, $10::text as number, t.person_id, t.plan_code,
           t.plan_version_id, t.shares, tstzrange($12, $13) as period, $14::text as status,
           t.channel, t.sponsor_id, t.id as order_id, t.organisation_id, t.enrolled_by,
           t.option_code, 1 as term_number, null::uuid as follows_id,
           $4::timestamptz as issued_at, 'system' as actor_kind, $5::uuid as actor_id
    from target t
), layer as (
    select $11::uuid as id, 'issue' as kind, $12::timestamptz as effective_at, t.shares,
           null::timestamptz as counted_from, null::text as option_code
    from target t
), {ISSUE}, posting as (
    select $15::uuid as id, 'contribution.received' as kind, t.attempt_id as reference_id,
           $16::date as event_on, 'system' as actor_kind, $5::uuid as actor_id
    from target t
), posting_entry as (
    select e.* from target t, lateral (values
        ($17::text, t.amount_fen), ($18::text, -t.amount_fen)) as e(account_code, amount_fen)
), {POST}, {{stated}}
select 1 / (case when t.shares = (select count(*) from taken_over) then 1 else 0 end)
from target t
"""  # noqa: S608  constants only


@cache
def _settle_sql(jobs: bool) -> str:
    return _SETTLE.replace("{stated}", stating(19, jobs=jobs, when="target"))


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of it. `now` and `paid_at` are on the business clock."""

    outcome: Outcome
    now: datetime
    paid_at: datetime


async def settle(database: Database, told: Told) -> Settled:
    """Turn an open order into a paid one with its policy and its postings.

    One look and one statement; nobody who comes at the same moment can do it again.
    Orders that continue a policy, or that several parties pay, are settled step by step in
    a transaction. `too_late` leaves everything as it was: the caller suspends the money.
    Raises asyncpg.ExclusionViolationError or DivisionByZeroError when the reserved places
    cannot follow the period, and CoverLost when the cover is gone otherwise: nothing is
    written, and the caller suspends the money.
    """
    while True:
        row = await database.once(_LOOK, told.payment.out_trade_no, database.settings.sandbox)
        now = system_now()
        if row is None:
            return Settled("unknown", now, now)
        offset = timedelta(seconds=row["clock_offset"])
        now += offset
        paid_at = _paid_at(told.payment, row["opened_at"], offset, now)
        outcome = _judge(row, told)
        if outcome == "settled":
            write = _write if row["plain"] else settle_step_by_step
            if not await write(database, told, row, paid_at, now):
                continue
        return Settled(outcome, now, paid_at)


def _paid_at(payment: Payment, opened_at: datetime, offset: timedelta, now: datetime) -> datetime:
    """The payment's instant on the business clock: not ahead of it, nor before the order."""
    paid_at = now if payment.paid_at is None else min(now, payment.paid_at + offset)
    return max(paid_at, opened_at)


def _judge(row: Any, told: Told) -> Outcome:
    payment = told.payment
    if not told.ours or not row["attempt_fen"] == row["amount_fen"] == payment.amount_fen:
        return "differs"
    if row["attempt_status"] == "succeeded":
        return "repeated" if row["transaction_id"] == payment.transaction_id else "differs"
    return "settled" if row["order_status"] == "open" else "too_late"


async def _write(
    database: Database, told: Told, row: Any, paid_at: datetime, now: datetime
) -> bool:
    """Write everything at once; False when somebody else was quicker."""
    terms = await plans.terms_of(database.reads, row["plan_version_id"])
    policy = new_policy(row, terms, paid_at, row["verified_at"])
    stated = prepare(
        [paid_fact(row, policy.id), issued_fact(policy)],
        database.subscriptions,
        actor=SYSTEM,
        at=now,
        on_behalf_of=row["person_id"],
    )
    written = await database.once(
        _settle_sql(stated.jobs),
        row["attempt_id"],
        told.payment.transaction_id,
        paid_at,
        now,
        SYSTEM.id,
        CLOSE_ORDER,
        told.notice_id,
        told.event_type,
        policy.id,
        policy.number,
        new_id(),
        policy.starts_at,
        policy.ends_at,
        policy.status,
        new_id(),
        business_day(paid_at),
        GATEWAY_CLEARING,
        contributions_of(row["plan_code"]),
        *stated.arguments,
    )
    return written is not None
