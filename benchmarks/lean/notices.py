"""A payment notice: proven, opened, and everything that it settles in one statement."""

from base64 import b64decode
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.kernel.ids import new_id, new_number
from app.kernel.principal import SYSTEM
from benchmarks.lean.context import context_of

PKCS1, HASH = PKCS1v15(), SHA256()

# $1 trade number, $2 transaction, $3 fen, $4 paid at, $5 notice id, $6 event type, $7 policy,
# $8 policy number, $9 ids: policy transaction, ledger transaction, two events; $10 system
_SETTLE = """
with target as (
  select a.id as attempt_id, a.status as attempt_status, o.*, p.verified_at
  from payment_attempt a join contribution_order o on o.id = a.order_id
  join person p on p.id = o.person_id
  where a.out_trade_no = $1 and a.amount_fen = $3 and a.status <> 'succeeded'
    and o.status = 'open'
  for update of a, o
), covered as (
  select t.*, tstzrange(first::timestamp at time zone 'Asia/Shanghai',
    (first + interval '1 year') at time zone 'Asia/Shanghai') as period
  from target t, lateral (
    select (greatest($4, verified_at) at time zone 'Asia/Shanghai')::date + 1 as first) d
), paid as (
  update contribution_order o set status = 'paid', paid_at = greatest($4, o.opened_at)
  from target t where o.id = t.id
), succeeded as (
  update payment_attempt a set status = 'succeeded', transaction_id = $2, succeeded_at = $4
  from target t where a.id = t.attempt_id
), policy as (
  insert into policy (id, number, person_id, plan_code, plan_version_id, shares, period, status,
    channel, sponsor_id, order_id, organisation_id, enrolled_by, issued_at)
  select $7, $8, person_id, plan_code, plan_version_id, shares, period, 'in_force', channel,
    sponsor_id, id, organisation_id, enrolled_by, now() from covered
), issued as (
  insert into policy_transaction (id, policy_id, kind, effective_at, recorded_at, shares, period,
    status, order_id, actor_kind, actor_id)
  select ($9::uuid[])[1], $7, 'issue', lower(period), now(), shares, period, 'in_force', id,
    'system', $10 from covered
), slots as (
  update share_slot s set policy_id = $7, period = c.period
  from covered c where s.order_id = c.id and s.policy_id is null and s.released_at is null
), history as (
  insert into status_history (subject, subject_id, from_status, to_status, at, actor_kind, actor_id)
  select h.subject, h.id, h.was, h.becomes, now(), 'system', $10
  from target t, lateral (values ('contribution_order', t.id, 'open', 'paid'),
    ('payment_attempt', t.attempt_id, t.attempt_status, 'succeeded'),
    ('policy', $7, null, 'in_force')) as h(subject, id, was, becomes)
), due as (
  delete from due_thing d using target t where d.job = 'billing.close_order'
    and d.subject_id = t.id
), notice as (
  insert into gateway_notice (notice_id, event_type, reference, outcome, received_at)
  select $5, $6, $1, 'settled', now() from target
), posted as (
  insert into ledger_transaction (id, kind, reference_id, event_on, actor_kind, actor_id)
  select ($9::uuid[])[2], 'contribution.received', attempt_id,
    ($4 at time zone 'Asia/Shanghai')::date, 'system', $10 from target
  returning posted_on
), entries as (
  insert into ledger_entry (transaction_id, account_code, amount_fen, posted_on)
  select ($9::uuid[])[2], e.account, e.fen, p.posted_on from posted p, target t, lateral (values
    ('gateway-clearing', t.amount_fen), ('contributions:' || t.plan_code, -t.amount_fen))
    as e(account, fen)
), facts as (
  select f.* from covered c, lateral (values
    (($9::uuid[])[3], 'order.paid', 'order.pay', 'contribution_order', c.id, jsonb_build_object(
      'number', c.number, 'plan_code', c.plan_code, 'shares', c.shares,
      'amount_fen', c.amount_fen, 'policy_id', $7)),
    (($9::uuid[])[4], 'policy.issued', 'policy.issue', 'policy', $7, jsonb_build_object(
      'number', $8, 'person_id', c.person_id, 'plan_code', c.plan_code, 'shares', c.shares,
      'status', 'in_force', 'channel', c.channel, 'starts_at', lower(c.period),
      'ends_at', upper(c.period))))
    as f(id, event, audited, subject, subject_id, content)
), told as (
  insert into event_log (id, name, version, subject, subject_id, at, actor_kind, actor_id,
    on_behalf_of, content)
  select f.id, f.event, 1, f.subject, f.subject_id, now(), 'system', $10, t.person_id, f.content
  from facts f, target t
), audited as (
  insert into audit_entry (actor_kind, actor_id, on_behalf_of, action, subject, subject_ids,
    request_id, details)
  select 'system', $10, t.person_id, f.audited, f.subject, array[f.subject_id], '-', f.content
  from facts f, target t
){jobs}
select count(*) from target
"""
# One job for each subscriber of an event, and the queue's own log of it.
_JOBS = """, jobs as (
  insert into pgqueuer.pgqueuer (priority, entrypoint, payload, headers, status)
  select 0, j.job, convert_to(json_build_object('event_id', f.id, 'subject_id',
    f.subject_id)::text, 'UTF8'), '{}', 'queued'
  from facts f join unnest($11::text[], $12::text[]) as j(event, job) on j.event = f.event
  returning id, entrypoint
), logged as (
  insert into pgqueuer.pgqueuer_log (job_id, status, entrypoint, priority)
  select id, 'queued', entrypoint, 0 from jobs
)"""


@cache
def settle_sql(*, jobs: bool) -> str:
    return _SETTLE.replace("{jobs}", _JOBS if jobs else "")


async def take(request: Request) -> Response:
    context = context_of(request)
    raw, headers = await request.body(), request.headers
    timestamp, nonce = headers["wechatpay-timestamp"], headers["wechatpay-nonce"]
    signed = f"{timestamp}\n{nonce}\n".encode() + raw + b"\n"
    context.gateway_key.verify(b64decode(headers["wechatpay-signature"]), signed, PKCS1, HASH)
    notice = msgspec.json.decode(raw)
    payment = _opened(context.gateway_cipher, notice["resource"])
    arguments: list[Any] = [
        *(payment["out_trade_no"], payment["transaction_id"], payment["amount"]["total"]),
        min(datetime.now(UTC), datetime.fromisoformat(payment["success_time"])),
        *(notice["id"], notice["event_type"], new_id(), new_number("P")),
        [new_id() for _ in range(4)],
        SYSTEM.id,
    ]
    if context.subscriptions:
        events, jobs = zip(*context.subscriptions, strict=True)
        arguments += [list(events), list(jobs)]
    settled = await context.pool.fetchval(settle_sql(jobs=bool(context.subscriptions)), *arguments)
    return Response(status_code=204 if settled else 409)


def _opened(cipher: Any, resource: dict[str, str]) -> Any:
    plain = cipher.decrypt(
        resource["nonce"].encode(),
        b64decode(resource["ciphertext"]),
        resource["associated_data"].encode(),
    )
    return msgspec.json.decode(plain)


ROUTES = [Route("/v1/gateway/wechat-pay/payments", take, methods=["POST"])]
