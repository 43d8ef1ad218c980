"""What thousands of people have in one look: free places, other plans, cover that ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.dialects.postgresql import Range

from app.plans import service as plans
from app.policies.eligibility import Holding
from app.policies.grace import moratoriums_of, renewal_closes_at
from app.policies.layers import Change, Layer, layers_at

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Followed:
    """A policy of the person that has ended and goes on without a gap."""

    policy_id: UUID
    number: str
    ends_at: datetime
    term_number: int
    layers: tuple[Layer, ...]


_TAKEN = """
select s.person_id, array_agg(s.slot) as slots
from unnest($1::uuid[]) as p(id)
join share_slot s on s.person_id = p.id and s.plan_code = $2 and s.released_at is null
    and s.period && tstzrange($3, $4)
group by s.person_id
"""


async def free_places(
    connection: asyncpg.Connection,
    persons: Sequence[UUID],
    plan_code: str,
    max_shares: int,
    period: Range[datetime],
) -> dict[UUID, list[int]]:
    """The share slots that each of these persons still has in the whole period."""
    rows = await connection.fetch(_TAKEN, list(persons), plan_code, period.lower, period.upper)
    taken = {row["person_id"]: set(row["slots"]) for row in rows}
    places = range(1, max_shares + 1)
    return {
        person_id: [place for place in places if place not in taken.get(person_id, ())]
        for person_id in persons
    }


# Other plans than $2 that persons $1 hold, await or have ordered between $3 and $4.
_HOLDINGS = """
select person_id, plan_version_id, true as paid from policy
where person_id = any($1::uuid[]) and plan_code <> $2
  and (status = 'pending' or (status = 'in_force' and period && tstzrange($3, $4)))
union
select person_id, plan_version_id, false from contribution_order
where person_id = any($1::uuid[]) and plan_code <> $2 and status = 'open'
"""


async def holdings_of(
    connection: asyncpg.Connection,
    persons: Sequence[UUID],
    plan_code: str,
    period: Range[datetime],
) -> dict[UUID, tuple[Holding, ...]]:
    """The other plans of each of these persons that has any, for the rules between plans."""
    rows = await connection.fetch(_HOLDINGS, list(persons), plan_code, period.lower, period.upper)
    held: dict[UUID, tuple[Holding, ...]] = {}
    for row in rows:
        holding = Holding(await plans.terms_of(connection, row["plan_version_id"]), row["paid"])
        held[row["person_id"]] = (*held.get(row["person_id"], ()), holding)
    return held


# Policies that ended by $4 and that nobody renewed, of persons $1, plan $2 and sponsor $3.
_ENDED = """
select p.id, p.number, p.person_id, p.plan_version_id, p.term_number, upper(p.period) as ends_at,
       t.status, t.shares, lower(t.period) as starts_at, upper(t.period) as until,
       t.effective_at, t.counted_from
from policy p join policy_transaction t on t.policy_id = p.id
where p.person_id = any($1::uuid[]) and p.plan_code = $2 and p.sponsor_id = $3
  and p.status = 'in_force' and upper(p.period) <= $4::timestamptz
  and upper(p.period) > $4::timestamptz - interval '367 days'
  and not exists (select from policy f
                  where f.follows_id = p.id and f.status not in ('cancelled', 'void'))
order by p.person_id, upper(p.period), p.id, t.recorded_at, t.id
"""


async def ended_policies(
    connection: asyncpg.Connection,
    persons: Sequence[UUID],
    plan_code: str,
    sponsor_id: UUID,
    *,
    cover_from: datetime,
    now: datetime,
) -> dict[UUID, Followed]:
    """The policy of each person that goes on if cover is given now: within its grace days."""
    rows = await connection.fetch(_ENDED, list(persons), plan_code, sponsor_id, cover_from)
    reaching = await moratoriums_of(connection, {row["id"] for row in rows})
    found: dict[UUID, Followed] = {}
    for policy_id, group in groupby(rows, key=lambda row: row["id"]):
        changes = list(group)
        last = changes[-1]
        terms = await plans.terms_of(connection, last["plan_version_id"])
        closes_at = renewal_closes_at(terms, last["ends_at"], reaching.get(policy_id, ()))
        if not terms.renewal.modes or now >= closes_at:
            continue
        found[last["person_id"]] = Followed(
            policy_id,
            last["number"],
            last["ends_at"],
            last["term_number"],
            layers_at([_change(each) for each in changes], last["ends_at"] - _TICK),
        )
    return found


def _change(row: Any) -> Change:
    return Change(
        row["status"],
        row["shares"],
        row["starts_at"],
        row["until"],
        row["effective_at"],
        row["counted_from"],
    )
