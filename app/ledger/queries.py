"""Reading the ledger: each account as its reader may see it."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, exists, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.principal import Principal
from app.ledger.models import LedgerAccount, LedgerReversal, LedgerTransaction
from app.organisations.models import Organisation
from app.organisations.queries import in_scope


def keeps_books(principal: Principal) -> ColumnElement[bool]:
    """True for staff of a municipal office, the top of its tree: the books are its."""
    return exists().where(
        Organisation.id == principal.organisation_id, Organisation.parent_id.is_(None)
    )


def visible_accounts(principal: Principal) -> Select[LedgerAccount]:
    """All accounts for the municipal office; for others the funds of their own subtree."""
    return select(LedgerAccount).where(
        or_(keeps_books(principal), in_scope(principal, LedgerAccount.organisation_id))
    )


async def accounts(
    session: AsyncSession, principal: Principal, code: str
) -> Sequence[LedgerAccount]:
    """The account of a code, if the principal may see it."""
    statement = visible_accounts(principal).where(LedgerAccount.code == code)
    return (await session.scalars(statement)).all()


# Opening balances start from the last closed month before the period, if there is one.
BALANCES = """
with base as (
    select max(month) as month, (max(month) + interval '1 month')::date as next
    from ledger_period where (month + interval '1 month')::date <= cast(:first as date)
)
select a.code, a.kind, a.name_zh, a.name_en,
       coalesce(b.closing_fen, 0) + coalesce(e.before, 0) as opening_fen,
       coalesce(e.debit, 0) as debit_fen, coalesce(e.credit, 0) as credit_fen
from ledger_account a cross join base
left join ledger_period_balance b on b.account_code = a.code and b.month = base.month
left join lateral (
    select sum(l.amount_fen) filter (where l.posted_on < cast(:first as date)) as before,
           sum(l.amount_fen) filter (where l.amount_fen > 0
               and l.posted_on >= coalesce(cast(:first as date), '-infinity')) as debit,
           -sum(l.amount_fen) filter (where l.amount_fen < 0
               and l.posted_on >= coalesce(cast(:first as date), '-infinity')) as credit
    from ledger_entry l
    where l.account_code = a.code and l.posted_on >= coalesce(base.next, '-infinity')
      and l.posted_on <= coalesce(cast(:last as date), 'infinity')) e on true
"""


async def balances(
    session: AsyncSession, first: date | None, last: date | None
) -> Sequence[Row[Any]]:
    """One row per account: opening balance, debits and credits from `first` to `last`."""
    ordered = text(BALANCES + " order by a.code")
    return (await session.execute(ordered, {"first": first, "last": last})).all()


async def opening_balance(session: AsyncSession, code: str, first: date) -> int:
    """What an account stood at before a day, in fen."""
    found = text(BALANCES + " where a.code = :code")
    row = (await session.execute(found, {"first": first, "last": first, "code": code})).one()
    return int(row.opening_fen)


# $1 account, $2 first day, $3 last day, $4 and $5 the position after which to go on, $6 rows.
ENTRIES = """
select e.id, e.posted_on, e.amount_fen, t.id as transaction_id, t.kind, t.reference_id,
       t.event_on, t.posted_at
from ledger_entry e join ledger_transaction t on t.id = e.transaction_id
where e.account_code = $1 and e.posted_on between $2 and $3 and (e.posted_on, e.id) > ($4, $5)
order by e.posted_on, e.id limit $6
"""
COUNT = """
select count(*) from ledger_entry where account_code = $1 and posted_on between $2 and $3
"""


async def transaction(session: AsyncSession, transaction_id: UUID) -> LedgerTransaction | None:
    return await session.get(LedgerTransaction, transaction_id)


async def entries_of(session: AsyncSession, transaction_id: UUID) -> Sequence[Row[Any]]:
    return (
        await session.execute(
            text(
                "select account_code, amount_fen from ledger_entry"
                " where transaction_id = :id order by id"
            ),
            {"id": transaction_id},
        )
    ).all()


async def reversal_of(
    session: AsyncSession, transaction_id: UUID, *, lock: bool = False
) -> LedgerReversal | None:
    """The reversal of a transaction that was posted or waits for a decision."""
    statement = select(LedgerReversal).where(
        LedgerReversal.transaction_id == transaction_id, LedgerReversal.status != "declined"
    )
    return await session.scalar(statement.with_for_update() if lock else statement)
