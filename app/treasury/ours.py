"""Our side: payments, refunds, transfers and receipts by number, and those of a day."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import day_start
from app.treasury.lines import Key, Kind, Ours, Source

_PAYMENTS = """
select 'payment' as kind, a.out_trade_no as number, a.id, a.amount_fen, a.status,
       a.status = 'succeeded' as booked, a.succeeded_at as at
from payment_attempt a where {where}
"""
_REFUNDS = """
select 'refund' as kind, r.out_refund_no as number, r.id, -r.amount_fen as amount_fen, r.status,
       r.status = 'succeeded' as booked, r.settled_at as at
from refund r where r.method = 'gateway' and {where}
"""
# Money of nobody's order that was sent back.
_RETURNED = """
select 'refund' as kind, i.return_number as number, i.id, -i.theirs_fen as amount_fen, i.status,
       i.status = 'settled' as booked, i.settled_at as at
from (select *, 'D' || upper(replace(id::text, '-', '')) as return_number
      from reconciliation_item where way = 'refund') i where {where}
"""
_PAYOUTS = """
select case when p.method = 'bank' then 'bank_transfer' else 'transfer' end as kind,
       p.out_bill_no as number, p.id, -p.amount_fen as amount_fen, p.status,
       p.status = 'paid' as booked, p.settled_at as at
from payout p where p.method = '{method}' and {where}
"""
_RECEIPTS = """
select 'receipt' as kind, l.bank_reference as number, l.id, l.amount_fen, 'recorded' as status,
       true as booked, null::timestamptz as at
from ledger_receipt l where l.reversed_at is null and {where}
"""
_WALLET, _BANK = (_PAYOUTS.replace("{method}", method) for method in ("wechat", "bank"))
_RECEIVED = "l.received_on = cast(cast(:start as timestamptz) at time zone 'Asia/Shanghai' as date)"
_SPAN = "{at} >= :start and {at} < :end"

# Each part with the condition for numbers, and the one for a day.
_PARTS: dict[Source, tuple[tuple[str, str, str], ...]] = {
    "gateway_trade": (
        (_PAYMENTS, "a.out_trade_no = any(:numbers)", _SPAN.replace("{at}", "a.succeeded_at")),
        (_REFUNDS, "r.out_refund_no = any(:numbers)", _SPAN.replace("{at}", "r.settled_at")),
        (_RETURNED, "i.return_number = any(:numbers)", _SPAN.replace("{at}", "i.settled_at")),
    ),
    "gateway_transfer": (
        (_WALLET, "p.out_bill_no = any(:numbers)", _SPAN.replace("{at}", "p.settled_at")),
    ),
    "bank": (
        (_BANK, "p.out_bill_no = any(:numbers)", _SPAN.replace("{at}", "p.settled_at")),
        (_RECEIPTS, "l.bank_reference = any(:numbers)", _RECEIVED),
    ),
}


async def by_number(
    session: AsyncSession, source: Source, numbers: Collection[str]
) -> dict[Key, Ours]:
    """Our rows for these numbers, whatever their day and status."""
    parts = [part.replace("{where}", numbered) for part, numbered, _ in _PARTS[source]]
    rows = await _read(session, parts, {"numbers": list(numbers)})
    return {row.key: row for row in rows}


async def of_day(session: AsyncSession, source: Source, day: date) -> list[Ours]:
    """What we booked on a day."""
    parts = [part.replace("{where}", dated) for part, _, dated in _PARTS[source]]
    given = {"start": day_start(day), "end": day_start(day + timedelta(days=1))}
    return [row for row in await _read(session, parts, given) if row.booked]


async def _read(session: AsyncSession, parts: list[str], given: dict[str, Any]) -> list[Ours]:
    sql = text(" union all ".join(parts))
    rows: Sequence[Row[Any]] = (await session.execute(sql, given)).all()
    return [_ours(row) for row in rows]


def _ours(row: Row[Any]) -> Ours:
    kind: Kind = row.kind
    return Ours(kind, row.number, row.id, int(row.amount_fen), row.status, row.booked, row.at)


async def agreed(session: AsyncSession, source: Source, numbers: Collection[str]) -> set[Key]:
    """On which of these numbers a bill agreed with us."""
    rows = await session.execute(
        text(
            "select kind, number from reconciliation_match"
            " where source = :source and number = any(:numbers)"
        ),
        {"source": source, "numbers": list(numbers)},
    )
    return {(row.kind, row.number) for row in rows}
