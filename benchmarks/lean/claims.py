"""A page of the claims queue of the caller's organisation; one statement that also audits."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.lean.context import context_of, json_response

_ARM = """
(select rank_at, claim_id from claim_queue where organisation_id = $1 and status = '{status}'
 {after} order by rank_at, claim_id limit $2)
"""
_PAGE = """
with page as (
  select c.id, c.number, c.status, c.plan_code, c.benefit_code, c.managing_organisation_id,
         c.submitted_at, c.review_due_at as decision_promised_by,
         c.clock_stopped_at is not null as clock_stopped, c.rank_at, c.lease_holder_id,
         c.lease_until, c.amount_fen, c.stage, c.at_stake_fen, c.escalated_at, c.hardship,
         exists (select from claim_promise p where p.claim_id = c.id and p.nudged_at is not null
                 and p.ended_at is null) as nudged,
         least(round(c.at_stake_fen / 100000.0, 1), 48)::float8 as amount_ahead_hours,
         case when c.hardship then 24 else 0 end as hardship_ahead_hours,
         odd.signals, case when odd.signals > 0 then 12 else 0 end as signal_ahead_hours
  from (select * from ({arms}) every order by rank_at, claim_id limit $2) k
  join claim c on c.id = k.claim_id
  cross join lateral (
    select count(*) as signals from claim_signal s
    where s.claim_id = c.id and s.verdict is null
  ) odd
), audited as (
  insert into audit_entry (actor_kind, actor_id, action, subject, subject_ids, request_id, details)
  select 'staff', $3, 'claim.list', 'claim', array_agg(id), $4, '{{}}'
  from (select id from page order by rank_at, id limit $2 - 1) shown having count(*) > 0
)
select * from page order by rank_at, id
"""
_OPEN = ("submitted", "under_review", "awaiting_second_approval", "appealed", "reopened")


def _sql(after: str) -> str:
    arms = " union all ".join(_ARM.format(status=status, after=after) for status in _OPEN)
    return _PAGE.format(arms=arms)


_FIRST, _NEXT = _sql(""), _sql("and (rank_at, claim_id) > ($5, $6)")


async def queue(request: Request) -> Response:
    context = context_of(request)
    caller = context.caller(request)
    limit = int(request.query_params.get("limit", "50"))
    arguments = [caller.organisation_id, limit + 1, caller.id, "-"]
    cursor = request.query_params.get("cursor")
    if cursor is None:
        rows = await context.pool.fetch(_FIRST, *arguments)
    else:
        rank_at, claim_id = msgspec.json.decode(urlsafe_b64decode(cursor))
        at = datetime.fromisoformat(rank_at)
        rows = await context.pool.fetch(_NEXT, *arguments, at, UUID(claim_id))
    items = [dict(row) for row in rows[:limit]]
    following = None
    if len(rows) > limit:
        last = msgspec.json.encode([items[-1]["rank_at"], items[-1]["id"]])
        following = urlsafe_b64encode(last).decode()
    return json_response({"items": items, "next_cursor": following})


ROUTES = [Route("/v1/staff/claims", queue)]
