"""Posting many facts of one kind at once, as rosters of sponsored cover need."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.database import raw_connection
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.ledger.errors import Unbalanced

_TRANSACTIONS = """
insert into ledger_transaction (id, kind, reference_id, event_on, actor_kind, actor_id)
select f.id, $3, f.reference_id, $4, $5, $6
from unnest($1::uuid[], $2::uuid[]) as f(id, reference_id)
on conflict on constraint uq_ledger_transaction__fact do nothing
returning id, posted_on
"""
_ENTRIES = """
insert into ledger_entry (transaction_id, account_code, amount_fen, posted_on)
select t.id, e.account_code, e.amount_fen, t.posted_on
from unnest($1::uuid[], $4::date[]) as t(id, posted_on),
     unnest($2::text[], $3::bigint[]) as e(account_code, amount_fen)
"""


async def post_each(
    session: AsyncSession,
    kind: str,
    reference_ids: Sequence[UUID],
    entries: Sequence[tuple[str, int]],
    *,
    event_on: date,
    actor: Principal,
) -> None:
    """Post the same entries once for each reference, as `service.post` does for one.

    A reference that has been posted under this kind is left as it is, so that a job may
    run again.
    """
    amounts = [fen for _, fen in entries]
    if len(entries) < 2 or sum(amounts) != 0 or 0 in amounts:
        raise Unbalanced(kind)
    connection = await raw_connection(session)
    ids = [new_id() for _ in reference_ids]
    posted = await connection.fetch(
        _TRANSACTIONS, ids, list(reference_ids), kind, event_on, actor.kind, actor.id
    )
    accounts = [code for code, _ in entries]
    written = [row["id"] for row in posted]
    days = [row["posted_on"] for row in posted]
    await connection.execute(_ENTRIES, written, accounts, amounts, days)
