"""Closing a month: its trial balance is frozen, and nothing is posted into it any more.

One month after the other. What is posted later about a closed month gets the first open
day as its posting day; the day of the fact stays what it was.
"""

from calendar import monthrange
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import add_months, business_day
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id
from app.kernel.pagination import decode_cursor, encode_cursor, keyset, page_of
from app.kernel.principal import Principal
from app.kernel.vault import Vault
from app.ledger import queries
from app.ledger.errors import (
    BooksUnsound,
    MonthClosedAlready,
    MonthNotOver,
    MonthOutOfOrder,
    MonthUnknown,
)
from app.ledger.events import MONTH_CLOSED
from app.ledger.models import LedgerPeriod, LedgerPeriodBalance, LedgerTransaction
from app.ledger.schemas import (
    LedgerMonthLine,
    LedgerMonthList,
    LedgerMonthSummary,
    LedgerMonthView,
)

# Postings hold the same lock shared, from their first row to their commit.
_LOCK = text("select pg_advisory_xact_lock(hashtext('ledger_period'))")
_UNSOUND = text("""
select t.id from ledger_transaction t left join ledger_entry e on e.transaction_id = t.id
where t.posted_on between :first and :last
group by t.id
having count(e.id) < 2 or sum(e.amount_fen) <> 0 or not bool_and(e.posted_on = t.posted_on)
""")
_FREEZE = text(f"""
insert into ledger_period_balance (month, account_code, opening_fen, debit_fen, credit_fen,
                                   closing_fen)
select cast(:first as date), code, opening_fen, debit_fen, credit_fen,
       opening_fen + debit_fen - credit_fen
from ({queries.BALANCES}) b
where opening_fen <> 0 or debit_fen <> 0 or credit_fen <> 0
""")  # noqa: S608  constants only


def last_day(month: date) -> date:
    return month.replace(day=monthrange(month.year, month.month)[1])


async def next_month(session: AsyncSession) -> date | None:
    """The month that can be closed next; None while nothing has been posted."""
    closed = await session.scalar(select(func.max(LedgerPeriod.month)))
    if closed is not None:
        return add_months(closed, 1)
    first = await session.scalar(select(func.min(LedgerTransaction.posted_on)))
    return None if first is None else first.replace(day=1)


async def hold_postings(session: AsyncSession) -> None:
    """Wait for postings under way and let no new one begin until this transaction ends."""
    await session.execute(_LOCK)


async def close_month(
    session: AsyncSession, auditor: Principal, month: date, now: datetime
) -> LedgerMonthView:
    """Freeze the trial balance of the next open month. `hold_postings` has run.

    Raises MonthClosedAlready, MonthOutOfOrder, MonthNotOver, BooksUnsound (409).
    """
    upcoming = await next_month(session)
    if upcoming is None or month > upcoming:
        raise MonthOutOfOrder(upcoming)
    if month < upcoming:
        if await session.get(LedgerPeriod, month) is not None:
            raise MonthClosedAlready
        raise MonthOutOfOrder(upcoming)
    span: dict[str, Any] = {"first": month, "last": last_day(month)}
    if business_day(now) <= span["last"]:
        raise MonthNotOver
    unsound = (await session.scalars(_UNSOUND, span)).all()
    if unsound:
        raise BooksUnsound(list(unsound))
    count = await session.scalar(
        select(func.count())
        .select_from(LedgerTransaction)
        .where(LedgerTransaction.posted_on.between(span["first"], span["last"]))
    )
    period = LedgerPeriod(month=month, transactions=count or 0, closed_by=auditor.id, closed_at=now)
    session.add(period)
    await session.flush()
    await session.execute(_FREEZE, span)
    content = {"month": f"{month:%Y-%m}", "transactions": period.transactions}
    # A month has no id: the fact gets one of its own.
    closed = Fact("ledger_period", new_id(), "ledger_month.close", MONTH_CLOSED, content)
    await state(session, [closed], actor=auditor, at=now)
    return await _view(session, period)


async def list_months(
    session: AsyncSession, vault: Vault, limit: int, cursor: str | None
) -> LedgerMonthList:
    """Closed months, newest first."""
    after = decode_cursor(vault, "ledger-months", cursor)
    before = date.fromisoformat(after[0]) if after else None
    periods = await session.scalars(
        keyset(select(LedgerPeriod), LedgerPeriod.month, before, limit, newest_first=True)
    )
    page = page_of(
        periods.all(),
        limit,
        lambda period: LedgerMonthSummary(**_summary(period)),
        lambda period: encode_cursor(vault, "ledger-months", [period.month.isoformat()]),
    )
    upcoming = await next_month(session)
    return LedgerMonthList(
        items=page.items,
        next_cursor=page.next_cursor,
        next=None if upcoming is None else f"{upcoming:%Y-%m}",
    )


async def read_month(session: AsyncSession, month: date) -> LedgerMonthView:
    """A closed month's frozen trial balance; raises MonthUnknown (409)."""
    period = await session.get(LedgerPeriod, month)
    if period is None:
        raise MonthUnknown
    return await _view(session, period)


def _summary(period: LedgerPeriod) -> dict[str, str | datetime | UUID | int]:
    return {
        "month": f"{period.month:%Y-%m}",
        "closed_at": period.closed_at,
        "closed_by": period.closed_by,
        "transactions": period.transactions,
    }


async def _view(session: AsyncSession, period: LedgerPeriod) -> LedgerMonthView:
    rows = await session.scalars(
        select(LedgerPeriodBalance)
        .where(LedgerPeriodBalance.month == period.month)
        .order_by(LedgerPeriodBalance.account_code)
    )
    lines = [
        LedgerMonthLine(
            account=row.account_code,
            opening_fen=row.opening_fen,
            debit_fen=row.debit_fen,
            credit_fen=row.credit_fen,
            closing_fen=row.closing_fen,
        )
        for row in rows
    ]
    return LedgerMonthView.model_validate(_summary(period) | {"lines": lines})
