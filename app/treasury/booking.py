"""Bringing our account to theirs against another, and back once both sides agree after all."""

from collections.abc import Collection
from datetime import datetime
from typing import cast

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import business_day
from app.kernel.facts import Fact, state
from app.kernel.principal import SYSTEM, Principal
from app.ledger.accounts import BANK, FEES, GATEWAY_CLEARING, SUSPENSE, WRITE_OFFS
from app.ledger.service import post
from app.treasury.lines import Key, Kind
from app.treasury.models import ReconciliationItem

FEE, SUSPENDED, WRITTEN_OFF = "fee.posted", "difference.suspended", "difference.written_off"
RETURNED, RELEASED = "difference.refunded", "difference.released"
# Against which account a way to settle has booked.
OTHER = {"suspend": SUSPENSE, "write_off": WRITE_OFFS, "post_fee": FEES}
# What the bookings of differences come to on our account, those taken back by hand left out.
_BOOKED = text("""
with booking as (
    select i.kind, i.number, t.id
    from reconciliation_item i join ledger_transaction t on t.reference_id = i.id
    where i.source = :source and i.number = any(:numbers)
      and t.kind in ('fee.posted', 'difference.suspended', 'difference.written_off',
                     'difference.released')
)
select b.kind, b.number, sum(e.amount_fen) as fen
from (select kind, number, id from booking
      union all
      select booking.kind, booking.number, r.id
      from booking join ledger_transaction r
        on r.kind = 'reversal' and r.reference_id = booking.id) b
join ledger_entry e on e.transaction_id = b.id
where e.account_code = :account
group by b.kind, b.number
""")


def account_of(source: str) -> str:
    """Our account of an outside one."""
    return BANK if source == "bank" else GATEWAY_CLEARING


async def booked(session: AsyncSession, source: str, numbers: Collection[str]) -> dict[Key, int]:
    """By how much bookings of differences have moved our account, by what they are about."""
    given = {"source": source, "numbers": list(numbers), "account": account_of(source)}
    rows = await session.execute(_BOOKED, given)
    return {(row.kind, row.number): int(row.fen) for row in rows}


async def book(
    session: AsyncSession, item: ReconciliationItem, kind: str, actor: Principal
) -> None:
    """Bring our account to theirs; once for each kind of booking."""
    done = await session.scalar(
        text("select id from ledger_transaction where kind = :kind and reference_id = :id"),
        {"kind": kind, "id": item.id},
    )
    if done is not None:
        return
    other = {FEE: FEES, SUSPENDED: SUSPENSE, WRITTEN_OFF: WRITE_OFFS}[kind]
    await post(
        session,
        kind,
        [(account_of(item.source), item.difference_fen), (other, -item.difference_fen)],
        event_on=item.day,
        reference_id=item.id,
        actor=actor,
    )


async def release(session: AsyncSession, item: ReconciliationItem, now: datetime) -> None:
    """Take the booking of a settled difference back: both sides agree without it."""
    key = (cast(Kind, item.kind), item.number)
    fen = (await booked(session, item.source, [item.number])).get(key, 0)
    if fen:
        await post(
            session,
            RELEASED,
            [(account_of(item.source), -fen), (OTHER[item.way or ""], fen)],
            event_on=business_day(now),
            reference_id=item.id,
            actor=SYSTEM,
        )
    item.released_at = now
    released = Fact("reconciliation_item", item.id, "reconciliation.release", None, {"fen": fen})
    await state(session, [released], actor=SYSTEM, at=now)
