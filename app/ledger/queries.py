"""Reading the ledger."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

_BALANCES = text(
    "select a.code, a.kind, a.name_zh, a.name_en,"
    " coalesce(sum(e.amount_fen) filter (where e.amount_fen > 0), 0) as debit_fen,"
    " coalesce(-sum(e.amount_fen) filter (where e.amount_fen < 0), 0) as credit_fen"
    " from ledger_account a"
    " left join (select e.account_code, e.amount_fen from ledger_entry e"
    "  join ledger_transaction t on t.id = e.transaction_id"
    "  where cast(:on as date) is null or t.event_on <= :on) e on e.account_code = a.code"
    " group by a.code order by a.code"
)


async def balances(session: AsyncSession, on: date | None) -> Sequence[Row[Any]]:
    """One row per account: debits and credits of all facts up to `on`, or of all."""
    return (await session.execute(_BALANCES, {"on": on})).all()
