"""The end of a month: every day of it was compared, every difference settled, then it closes."""

from datetime import date, datetime

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.principal import Principal
from app.ledger import months
from app.ledger.schemas import LedgerMonthView
from app.ledger.service import require_books
from app.treasury.errors import DaysNotReconciled, OpenDifferences
from app.treasury.models import ReconciliationItem

# Days on which money moved through gateway or bank, and nobody compared it.
_MISSING = text("""
select distinct s.source, t.event_on as day
from ledger_entry e
join ledger_transaction t on t.id = e.transaction_id
join (values ('gateway-clearing', 'gateway_trade'), ('gateway-clearing', 'gateway_transfer'),
             ('bank', 'bank')) as s(account_code, source) on s.account_code = e.account_code
where e.posted_on between :first and :last
  and t.kind not like 'difference.%' and t.kind not in ('reversal', 'fee.posted')
  and not exists (
      select from reconciliation_run r
      where r.source = s.source and r.day = t.event_on and r.status = 'done')
order by t.event_on, s.source
""")


async def close_month(
    session: AsyncSession, auditor: Principal, month: date, now: datetime
) -> LedgerMonthView:
    """Close the next open month.

    One person is enough: closing changes no amount, and what is found later is posted into
    the next month. Raises BooksAreMunicipal (403), OpenDifferences, DaysNotReconciled and
    what `months.close_month` raises (409).
    """
    await require_books(session, auditor)
    await months.hold_postings(session)
    if month == await months.next_month(session):
        await _require_balanced(session, month)
    return await months.close_month(session, auditor, month, now)


async def _require_balanced(session: AsyncSession, month: date) -> None:
    last = months.last_day(month)
    items = await session.scalars(
        select(ReconciliationItem.id)
        .where(ReconciliationItem.status != "settled", ReconciliationItem.day <= last)
        .order_by(ReconciliationItem.id)
    )
    if found := items.all():
        raise OpenDifferences(found)
    days = (await session.execute(_MISSING, {"first": month, "last": last})).all()
    if days:
        raise DaysNotReconciled([(row.source, row.day) for row in days])
