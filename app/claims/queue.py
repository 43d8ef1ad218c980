"""The review queue: one statement on the read pool, a range of one index for any scope.

`claim_queue` has a row for each organisation above a claim's own
(docs/decisions/0006-claims-queue.md), so a page costs the same for a site and for the
city, and the last page the same as the first. Filters look at the claim behind each row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec

from app.claims.ranking import FEN_PER_HOUR, HARDSHIP_HOURS, MOST_HOURS, SIGNAL_HOURS
from app.kernel.audit import request_id
from app.kernel.pagination import decode_cursor, encode_cursor
from app.kernel.principal import Principal
from app.kernel.vault import Vault

ViewName = Literal["queue", "mine", "after_check"]

# What a reviewer works on when no status is asked for.
OPEN = ("submitted", "under_review", "awaiting_second_approval", "appealed", "reopened")
# The same for what is late or soon to be: the payout's promise can be missed as well.
_LATE = (*OPEN, "approved", "paying")
_VIEWS: Mapping[str, tuple[str, ...]] = {
    "mine": ("under_review", "waiting_for_member"),
    "after_check": ("approved", "paying", "paid"),
}
CAP = 1_001

_NUDGED = (
    "select from claim_promise p"
    " where p.claim_id = c.id and p.nudged_at is not null and p.ended_at is null"
)
# The page and its row in the read audit are one statement.
_PAGE = f"""
with page as (
select c.id::text as id, c.number, c.status, c.plan_code, c.benefit_code,
       c.managing_organisation_id::text as managing_organisation_id, c.submitted_at,
       c.review_due_at as decision_promised_by, c.clock_stopped_at is not null as clock_stopped,
       c.rank_at, c.lease_holder_id::text as lease_holder_id, c.lease_until, c.amount_fen,
       c.stage, c.at_stake_fen, c.escalated_at, c.hardship, exists ({_NUDGED}) as nudged,
       least(round(c.at_stake_fen / {FEN_PER_HOUR}.0, 1), {MOST_HOURS})::float8
         as amount_ahead_hours,
       case when c.hardship then {HARDSHIP_HOURS} else 0 end as hardship_ahead_hours,
       odd.signals, case when odd.signals > 0 then {SIGNAL_HOURS} else 0 end as signal_ahead_hours
from (select * from ({{arms}}) every order by rank_at, claim_id limit $2) k
join claim c on c.id = k.claim_id
cross join lateral (
  select count(*) as signals from claim_signal s where s.claim_id = c.id and s.verdict is null
) odd
), audited as (
insert into audit_entry (actor_kind, actor_id, action, subject, subject_ids, request_id, details)
select 'staff', $3, 'claim.list', 'claim', array_agg(id::uuid), $4, '{{{{}}}}'
from (select id from page order by rank_at, id limit $2 - 1) shown having count(*) > 0
)
select * from page order by rank_at, id
"""  # noqa: S608  numbers of ours
# A list of statuses would lose the index's order: one arm for each, merged.
_ARM = """
(select rank_at, claim_id from claim_queue where organisation_id = $1 and status = '{status}'
 {after} order by rank_at, claim_id limit $2)
"""
_FILTERED_ARM = """
(select q.rank_at, q.claim_id from claim_queue q join claim c on c.id = q.claim_id
 where q.organisation_id = $1 and q.status = '{status}' {filters}
 {after} order by q.rank_at, q.claim_id limit $2)
"""
_SIGNAL = "select from claim_signal s where s.claim_id = c.id and s.verdict is null"
# What each filter asks of the claim; `%d` is the number of its parameter, if it has one.
_CONDITIONS: Mapping[str, str] = {
    "plan": "and c.plan_code = $%d",
    "benefit": "and c.benefit_code = $%d",
    "late": "and c.escalated_at is not null",
    "in_time": "and c.escalated_at is null",
    "nudged": f"and exists ({_NUDGED})",
    "not_nudged": f"and not exists ({_NUDGED})",
    "signal": f"and exists ({_SIGNAL})",
    "no_signal": f"and not exists ({_SIGNAL})",
    "mine": "and c.lease_until > now() and c.lease_holder_id = $%d",
    "after_check": "and c.after_check = 'due'",
}
_VALUED = frozenset(name for name, condition in _CONDITIONS.items() if "%d" in condition)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a page is asked for; nothing named means everything that is to be decided."""

    statuses: tuple[str, ...] = ()
    plan_code: str | None = None
    benefit_code: str | None = None
    escalated: bool | None = None
    signal: bool | None = None
    nudged: bool | None = None
    view: ViewName = "queue"

    def filters(self, reader: Principal) -> dict[str, object]:
        """The filters in use, in order; those with a parameter with its value."""
        named: dict[str, object | None] = {
            "plan": self.plan_code,
            "benefit": self.benefit_code,
            "mine": reader.id if self.view == "mine" else None,
            "late": self.escalated is True or None,
            "in_time": self.escalated is False or None,
            "signal": self.signal is True or None,
            "no_signal": self.signal is False or None,
            "nudged": self.nudged is True or None,
            "not_nudged": self.nudged is False or None,
            "after_check": self.view == "after_check" or None,
        }
        return {name: value for name, value in named.items() if value is not None}

    def wanted_statuses(self) -> tuple[str, ...]:
        """Those asked for, else what the view is about."""
        default = _LATE if self.escalated or self.nudged else _VIEWS.get(self.view, OPEN)
        return tuple(sorted(set(self.statuses))) or default


@lru_cache(maxsize=512)
def page_sql(statuses: tuple[str, ...], first: bool, filters: tuple[str, ...] = ()) -> str:
    """The statement for these statuses.

    $1 organisation, $2 rows, $3 reader, $4 request id, then the filters' values, then the
    position.
    """
    at, conditions = 5, ""
    for name in filters:
        if name in _VALUED:
            conditions += _CONDITIONS[name] % at + " "
            at += 1
        else:
            conditions += _CONDITIONS[name] + " "
    prefix = "q." if filters else ""
    after = "" if first else f"and ({prefix}rank_at, {prefix}claim_id) > (${at}, ${at + 1})"
    arm = _FILTERED_ARM if filters else _ARM
    arms = " union all ".join(
        arm.format(status=status, after=after, filters=conditions) for status in statuses
    )
    return _PAGE.format(arms=arms)


async def queue_page(
    reads: asyncpg.Pool,
    vault: Vault,
    reviewer: Principal,
    wanted: Wanted,
    cursor: str | None,
    limit: int,
) -> bytes:
    """A page as JSON, in the shape of `QueuePage`; raises TamperedCursor (400).

    Statuses come from the route's closed list. The scope is the reviewer's own
    organisation with everything below it; what was shown is a row of the read audit.
    """
    statuses, filters = wanted.wanted_statuses(), wanted.filters(reviewer)
    listing = f"claims:{reviewer.organisation_id}:{','.join(statuses)}"
    if filters:
        listing += f":{filters}"
    position = decode_cursor(vault, listing, cursor)
    arguments: list[object] = [reviewer.organisation_id, limit + 1, reviewer.id, request_id()]
    arguments += [value for name, value in filters.items() if name in _VALUED]
    if position is not None:
        arguments += [datetime.fromisoformat(position[0]), UUID(position[1])]
    rows = await reads.fetch(page_sql(statuses, position is None, tuple(filters)), *arguments)
    items = [dict(row) for row in rows[:limit]]
    following = None
    if len(rows) > limit:
        last = items[-1]
        following = encode_cursor(vault, listing, [last["rank_at"].isoformat(), last["id"]])
    return msgspec.json.encode({"items": items, "next_cursor": following})


_COUNTS = f"""
select s.status as name, count(found.claim_id) as many
from unnest($2::text[]) as s (status)
left join lateral (
  select claim_id from claim_queue where organisation_id = $1 and status = s.status
  limit {CAP}) found on true
group by s.status
union all
select 'escalated', count(*) from (
  select from claim c join claim_queue q on q.claim_id = c.id and q.organisation_id = $1
  where c.escalated_at is not null limit {CAP}) late
union all
select 'nudged', count(*) from (
  select distinct p.claim_id from claim_promise p
  join claim_queue q on q.claim_id = p.claim_id and q.organisation_id = $1
  where p.nudged_at is not null and p.ended_at is null limit {CAP}) soon
union all
select 'signals', count(*) from (
  select distinct s.claim_id from claim_signal s
  join claim_queue q on q.claim_id = s.claim_id and q.organisation_id = $1 and q.status = any($4)
  where s.verdict is null limit {CAP}) odd
union all
select 'after_check', count(*) from (
  select from claim c join claim_queue q on q.claim_id = c.id and q.organisation_id = $1
  where c.after_check = 'due' limit {CAP}) due
union all
select 'mine', count(*) from (
  select from claim where lease_holder_id = $3 and lease_until > now() limit {CAP}) held
union all
select 'offered_to_me', count(*) from (
  select from claim_handover where to_staff_id = $3 and status = 'offered' limit {CAP}) offered
"""  # noqa: S608  numbers of ours


async def queue_counts(
    reads: asyncpg.Pool, reader: Principal, statuses: Sequence[str]
) -> dict[str, int]:
    """How many claims of each status the reader's organisations have; 1,001 means more."""
    rows = await reads.fetch(
        _COUNTS, reader.organisation_id, list(statuses), reader.id, [*OPEN, "waiting_for_member"]
    )
    return {row["name"]: row["many"] for row in rows}
