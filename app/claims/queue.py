"""The review queue: one statement on the read pool, a range of one index for any scope.

`claim_queue` has a row for each organisation above a claim's own
(docs/decisions/0006-claims-queue.md), so a page costs the same for a site and for the
city, and the last page the same as the first.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import asyncpg
import msgspec

from app.kernel.audit import request_id
from app.kernel.pagination import decode_cursor, encode_cursor
from app.kernel.principal import Principal
from app.kernel.vault import Vault

# What a reviewer works on when no status is asked for.
OPEN = ("submitted", "under_review", "awaiting_second_approval")

# The page and its row in the read audit are one statement.
_PAGE = """
with page as (
select c.id::text as id, c.number, c.status, c.plan_code, c.benefit_code,
       c.managing_organisation_id::text as managing_organisation_id, c.submitted_at,
       c.review_due_at as decision_promised_by, c.clock_stopped_at is not null as clock_stopped,
       c.rank_at, c.lease_holder_id::text as lease_holder_id, c.lease_until, c.amount_fen
from (select * from ({arms}) every order by rank_at, claim_id limit $2) k
join claim c on c.id = k.claim_id
), audited as (
insert into audit_entry (actor_kind, actor_id, action, subject, subject_ids, request_id, details)
select 'staff', $3, 'claim.list', 'claim', array_agg(id::uuid), $4, '{{}}'
from (select id from page order by rank_at, id limit $2 - 1) shown having count(*) > 0
)
select * from page order by rank_at, id
"""
# A list of statuses would lose the index's order: one arm for each, merged.
_ARM = """
(select rank_at, claim_id from claim_queue where organisation_id = $1 and status = '{status}'
 {after} order by rank_at, claim_id limit $2)
"""


@lru_cache(maxsize=256)
def page_sql(statuses: tuple[str, ...], first: bool) -> str:
    """The statement for these statuses.

    $1 organisation, $2 rows, $3 reader, $4 request id, $5 and $6 the position.
    """
    after = "" if first else "and (rank_at, claim_id) > ($5, $6)"
    arms = " union all ".join(_ARM.format(status=status, after=after) for status in statuses)
    return _PAGE.format(arms=arms)


async def queue_page(
    reads: asyncpg.Pool,
    vault: Vault,
    reviewer: Principal,
    statuses: Sequence[str],
    cursor: str | None,
    limit: int,
) -> bytes:
    """A page as JSON, in the shape of `QueuePage`; raises TamperedCursor (400).

    `statuses` come from the route's closed list. The scope is the reviewer's own
    organisation with everything below it; what was shown is a row of the read audit.
    """
    wanted = tuple(sorted(set(statuses))) or OPEN
    listing = f"claims:{reviewer.organisation_id}:{','.join(wanted)}"
    position = decode_cursor(vault, listing, cursor)
    arguments: list[object] = [reviewer.organisation_id, limit + 1, reviewer.id, request_id()]
    if position is not None:
        arguments += [datetime.fromisoformat(position[0]), UUID(position[1])]
    rows = await reads.fetch(page_sql(wanted, position is None), *arguments)
    items = [dict(row) for row in rows[:limit]]
    following = None
    if len(rows) > limit:
        last = items[-1]
        following = encode_cursor(vault, listing, [last["rank_at"].isoformat(), last["id"]])
    return msgspec.json.encode({"items": items, "next_cursor": following})
