"""My policies, the first page; one statement."""

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.lean.context import context_of, json_response

PAGE = 20
_MINE = """
select p.id, p.number, p.plan_code, v.number as version, p.shares, p.status as state, p.channel,
       lower(p.period) as starts_at, upper(p.period) as ends_at, p.order_id, p.issued_at,
       n.name_zh, n.name_en
from member_account a
join policy p on p.person_id = a.person_id
join plan_version v on v.id = p.plan_version_id
join plan n on n.code = p.plan_code
where a.id = $1
order by p.id desc limit $2
"""


async def mine(request: Request) -> Response:
    context = context_of(request)
    rows = await context.pool.fetch(_MINE, context.caller(request).id, PAGE + 1)
    now = datetime.now(UTC)
    items = []
    for row in rows[:PAGE]:
        item = dict(row)
        item["plan_name"] = {"zh": item.pop("name_zh"), "en": item.pop("name_en")}
        if item["state"] == "in_force" and not item["starts_at"] <= now < item["ends_at"]:
            item["state"] = "not_started" if now < item["starts_at"] else "expired"
        items.append(item)
    return json_response({"items": items, "next_cursor": None})


ROUTES = [Route("/v1/me/policies", mine)]
