"""When cover that ended can no longer be renewed: grace days, and moratoriums that prolong them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

import asyncpg

from app.kernel.clock import business_day, day_start
from app.plans.terms import PlanTerms

# First and last days of moratoriums, in order.
Days = Sequence[tuple[date, date]]

_REACHING = """
select p.id, r.first_day, r.last_day
from policy p
left join member m on m.person_id = p.person_id
left join organisation o on o.id = coalesce(p.organisation_id, m.organisation_id)
join moratorium r on r.withdrawn_at is null
    and r.last_day >= (upper(p.period) at time zone 'Asia/Shanghai')::date
    and (r.organisation_id = any(o.lineage)
         or (o.id is null and r.organisation_id in (
             select id from organisation where parent_id is null)))
where p.id = any($1::uuid[])
order by p.id, r.first_day, r.last_day
"""


async def moratoriums_of(
    connection: asyncpg.Connection | asyncpg.Pool, policy_ids: Iterable[UUID]
) -> dict[UUID, Days]:
    """The moratoriums that reach each of these policies after its end; most have none."""
    rows = await connection.fetch(_REACHING, list(policy_ids))
    return {
        policy_id: [(row["first_day"], row["last_day"]) for row in group]
        for policy_id, group in groupby(rows, key=lambda row: row["id"])
    }


async def moratoriums_after(
    connection: asyncpg.Connection | asyncpg.Pool,
    rows: Iterable[Mapping[str, Any]],
    instant: datetime,
) -> dict[UUID, Days]:
    """The same for what has ended by `instant`, of the rows of a cover query.

    Running cover costs no statement.
    """
    ended = {row["policy_id"] for row in rows if row["ends_at"] <= instant} - {None}
    return await moratoriums_of(connection, ended) if ended else {}


def renewal_closes_at(terms: PlanTerms, ends_at: datetime, moratoriums: Days = ()) -> datetime:
    """From when a policy can no longer be renewed: the last grace day counts until 24:00.

    In a moratorium nothing lapses: grace days that would be over inside it last as long.
    """
    closes_on = business_day(ends_at) + timedelta(days=terms.renewal.grace_days)
    for first_day, last_day in moratoriums:
        if first_day <= closes_on <= last_day:
            closes_on = last_day + timedelta(days=1)
    return day_start(closes_on)
