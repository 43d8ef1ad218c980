"""Order cover: one look, one write; the plan's terms are read once at the start."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.kernel.clock import SHANGHAI
from app.kernel.ids import new_id, new_number
from benchmarks.lean.answers import store_sql, stored
from benchmarks.lean.context import JSON, context_of

_LOOK = """
select p.id as person_id, p.birth_on, p.sex, m.organisation_id,
       v.id as version_id, v.number as version,
       exists (select from contribution_order o where o.person_id = p.id
               and o.plan_code = $2 and o.status = 'open') as open
from member_account a join person p on p.id = a.person_id and p.verified_at is not null
join plan_version v on v.plan_code = $2 and v.status = 'published'
  and v.effective_from <= now() and (v.effective_to is null or v.effective_to > now())
left join member m on m.person_id = p.id
where a.id = $1
"""

_WRITE = f"""
with wanted as (
  select slot, row_number() over (order by slot) as place
  from generate_series(1, $8::int) as slot
  where not exists (select from share_slot s where s.person_id = $4 and s.plan_code = $5
    and s.slot = slot.slot and s.period && tstzrange($11, $12) and s.released_at is null)
  order by slot limit $7
), opened as (
  insert into contribution_order (id, number, account_id, person_id, plan_code, plan_version_id,
    shares, amount_fen, status, channel, payer, organisation_id, reserved_period, opened_at,
    expires_at)
  values ($1, $2, $3, $4, $5, $6, $7, $9, 'open', 'bought', 'member', $10,
    tstzrange($11, $12), $13, $14)
), slots as (
  insert into share_slot (id, person_id, plan_code, slot, period, order_id)
  select ($15::uuid[])[place], $4, $5, slot, tstzrange($11, $12), $1 from wanted
), history as (
  insert into status_history (subject, subject_id, to_status, at, actor_kind, actor_id)
  values ('contribution_order', $1, 'open', $13, 'member', $3)
), due as (
  insert into due_thing (job, subject_id, due_at) values ('billing.close_order', $1, $14)
), told as (
  insert into event_log (id, name, version, subject, subject_id, at, actor_kind, actor_id, content)
  values ($16, 'order.opened', 1, 'contribution_order', $1, $13, 'member', $3, $17)
), audited as (
  insert into audit_entry (actor_kind, actor_id, action, subject, subject_ids, request_id, details)
  values ('member', $3, 'order.open', 'contribution_order', array[$1::uuid], '-', $17)
)
{store_sql(18)}
"""


class _Body(msgspec.Struct):
    plan_code: str
    shares: int = 1
    price_fen: int | None = None


_decode = msgspec.json.Decoder(_Body).decode


def cover_from(day: date) -> tuple[datetime, datetime]:
    """A year from 00:00 of the day after `day`."""
    first = day + timedelta(days=1)
    return _start(first), _start(first.replace(year=first.year + 1))


def _start(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)


async def open_order(request: Request) -> Response:
    context = context_of(request)
    caller = context.caller(request)
    raw = await request.body()
    body = _decode(raw)
    known = await context.pool.fetchrow(_LOOK, caller.id, body.plan_code)
    if known is None or known["open"]:
        return Response(status_code=409)
    terms = context.terms[known["version_id"]]
    now = datetime.now(UTC)
    age = (now.date() - known["birth_on"]).days // 365.2425
    amount = terms.price_fen * body.shares
    if not terms.youngest <= age <= terms.oldest or body.price_fen not in (None, amount):
        return Response(status_code=422)
    answer = _answer(body, known, amount, now)
    content, storing = stored(context, request, caller, raw, answer)
    facts = {
        "number": answer["number"],
        "plan_code": body.plan_code,
        "shares": body.shares,
        "amount_fen": amount,
        "channel": "bought",
        "payer": "member",
    }
    start, end = cover_from(now.astimezone(SHANGHAI).date())
    await context.pool.execute(
        _WRITE,
        *(answer["id"], answer["number"], caller.id, known["person_id"], body.plan_code),
        *(known["version_id"], body.shares, terms.max_shares, amount, known["organisation_id"]),
        *(start, end, now, answer["expires_at"], [new_id() for _ in range(body.shares)]),
        *(new_id(), facts),
        *storing,
    )
    return Response(content, 201, JSON)


def _answer(body: _Body, known: Any, amount: int, now: datetime) -> dict[str, Any]:
    order_id: UUID = new_id()
    return {
        "id": order_id,
        "number": new_number("B"),
        "plan_code": body.plan_code,
        "plan_version_id": known["version_id"],
        "shares": body.shares,
        "amount_fen": amount,
        "status": "open",
        "channel": "bought",
        "payer": "member",
        "opened_at": now,
        "expires_at": now + timedelta(minutes=30),
        "paid_at": None,
        "first_covered_day": now.astimezone(SHANGHAI).date() + timedelta(days=1),
        "policy": None,
        "refund": None,
    }


ROUTES = [Route("/v1/me/orders", open_order, methods=["POST"])]
