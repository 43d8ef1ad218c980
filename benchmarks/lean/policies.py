"""My policies, the first page, and my cover now; one statement each."""

from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.kernel.clock import SHANGHAI
from benchmarks.lean.context import Context, context_of, json_response

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


_COVER = """
select p.plan_code, p.id, p.number, p.plan_version_id, t.status, t.shares,
       lower(t.period) as starts_at, upper(t.period) as ends_at, t.effective_at,
       coalesce(t.counted_from, greatest(t.effective_at, lower(t.period))) as since,
       p.option_code, p.term_number
from member_account a
join policy p on p.person_id = a.person_id
join policy_transaction t on t.policy_id = p.id
where a.id = $1
union all
select s.plan_code, s.order_id, null, null, 'open', 1, lower(s.period), upper(s.period),
       lower(s.period), lower(s.period), null, 1
from member_account a
join share_slot s on s.person_id = a.person_id
where a.id = $1 and s.policy_id is null and s.released_at is null
order by 1, 2, 9
"""
_EXPLAINED = {
    "covered": {"zh": "保障中", "en": "Covered"},
    "not_started": {"zh": "尚未生效", "en": "Not started yet"},
    "ended": {"zh": "保障已结束", "en": "Ended"},
}


async def cover(request: Request) -> Response:
    context = context_of(request)
    rows = await context.pool.fetch(_COVER, context.caller(request).id)
    now = datetime.now(UTC)
    plans = []
    for code, of_plan in groupby(rows, key=lambda row: row["plan_code"]):
        last = [list(changes)[-1] for _, changes in groupby(of_plan, key=lambda row: row["id"])]
        policies = [_policy(row, now) for row in last]
        covering = [row for row, each in zip(last, policies, strict=True) if each["covered"]]
        plans.append(
            {
                "plan_code": code,
                "plan_name": context.terms[last[0]["plan_version_id"]].name,
                "covered": bool(covering),
                "reason": policies[0]["reason"],
                "explanation": _EXPLAINED[policies[0]["reason"]],
                "shares": sum(row["shares"] for row in covering),
                "policies": policies,
                "benefits": _benefits(context, covering, now),
            }
        )
    return json_response(
        {"at": now, "covered": any(plan["covered"] for plan in plans), "plans": plans}
    )


def _policy(row: Any, now: datetime) -> dict[str, Any]:
    reason = row["status"]
    if reason == "in_force":
        reason = "covered" if now >= row["starts_at"] else "not_started"
        reason = reason if now < row["ends_at"] else "ended"
    since_on = row["since"].astimezone(SHANGHAI).date()
    return {
        "policy_id": row["id"],
        "number": row["number"],
        "plan_version_id": row["plan_version_id"],
        "covered": reason == "covered",
        "reason": reason,
        "until": None,
        "shares": row["shares"],
        "layers": [{"shares": row["shares"], "since_on": since_on}],
        "option_code": row["option_code"],
        "options": [{"option_code": row["option_code"], "since_on": since_on}],
        "term_number": row["term_number"],
        "starts_at": row["starts_at"],
        "ends_at": row["ends_at"],
        "extended": False,
    }


def _benefits(context: Context, covering: list[Any], now: datetime) -> list[dict[str, Any]]:
    benefits: dict[str, dict[str, Any]] = {}
    for row in covering:
        since = datetime.combine(row["since"].astimezone(SHANGHAI).date(), time.min, SHANGHAI)
        for code, name, causes in context.terms[row["plan_version_id"]].benefits:
            told = benefits.get(code)
            if told is None:
                told = benefits[code] = {
                    "code": code,
                    "name": name,
                    "pays_now": [],
                    "shares_paying": {},
                    "waits_until": {},
                    "waiting": [],
                    "options_waiting": [],
                }
            for cause, days in causes.items():
                until = since + timedelta(days=days)
                if until > now:
                    told["waits_until"][cause] = until
                    told["waiting"].append(
                        {
                            "number": row["number"],
                            "cause": cause,
                            "shares": row["shares"],
                            "until": until,
                        }
                    )
                else:
                    told["pays_now"].append(cause)
                    told["shares_paying"][cause] = row["shares"]
    return list(benefits.values())


ROUTES = [Route("/v1/me/policies", mine), Route("/v1/me/cover", cover)]
