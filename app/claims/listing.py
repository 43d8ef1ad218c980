"""A member's claims, their own and those of their dead, newest first: one statement."""

from uuid import UUID

import asyncpg

from app.claims.schemas import ClaimSummary
from app.claims.words import SHOWN_AS
from app.kernel.pagination import Page, decode_cursor, encode_cursor, page_of
from app.kernel.principal import Principal
from app.kernel.vault import Vault

_PAGE = """
select c.id, c.number, c.status, c.plan_code, c.benefit_code, c.opened_at, c.submitted_at,
       c.review_due_at as decision_promised_by, c.payout_due_at as payout_promised_by,
       case when c.decided_at is not null then c.amount_fen end as amount_fen
from member_account a join claim c on c.person_id = a.person_id
where a.id = $1 {after}
union all
select c.id, c.number, c.status, c.plan_code, c.benefit_code, c.opened_at, c.submitted_at,
       c.review_due_at, c.payout_due_at, case when c.decided_at is not null then c.amount_fen end
from member_account a join claim_claimant k on k.person_id = a.person_id and k.removed_at is null
join claim c on c.id = k.claim_id
where a.id = $1 {after}
order by 1 desc limit $2
"""
_FIRST = _PAGE.format(after="")
_NEXT = _PAGE.format(after="and c.id < $3")


async def own_claims(
    reads: asyncpg.Pool, vault: Vault, member: Principal, cursor: str | None, limit: int
) -> Page[ClaimSummary]:
    """A page of the caller's claims; raises TamperedCursor (400)."""
    listing = f"own-claims:{member.id}"
    position = decode_cursor(vault, listing, cursor)
    if position is None:
        rows = await reads.fetch(_FIRST, member.id, limit + 1)
    else:
        rows = await reads.fetch(_NEXT, member.id, limit + 1, UUID(position[0]))
    return page_of(
        rows,
        limit,
        lambda row: ClaimSummary.model_validate({**row, "shown_as": SHOWN_AS[row["status"]]}),
        lambda row: encode_cursor(vault, listing, [str(row["id"])]),
    )
