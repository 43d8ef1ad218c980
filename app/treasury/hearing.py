"""What the books tell reconciliation: a line was booked after all, or is no more."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.kernel.jobs import JobContext, enqueue
from app.ledger.models import LedgerReceipt, LedgerReversal
from app.treasury import ours
from app.treasury.comparing import explained
from app.treasury.events import COMPARE
from app.treasury.running import hold_source, settle_explained, waiting_items

# The comparisons that a reversed booking or receipt makes untrue.
_RUNS = text("""
select i.run_id
from ledger_transaction t join reconciliation_item i on i.id = t.reference_id
where t.id = :id
union
select coalesce(m.run_id, r.id)
from ledger_transaction t
join ledger_receipt l on l.id = t.reference_id
left join reconciliation_match m
  on m.source = 'bank' and m.kind = 'receipt' and m.number = l.bank_reference
left join reconciliation_run r on r.source = 'bank' and r.day = l.received_on
where t.id = :id and coalesce(m.run_id, r.id) is not null
""")


async def receipt_came(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear `ledger.receipt_recorded`: what the bank's line was missing, or stood in suspense."""
    async with context.transaction() as session:
        await hold_source(session, "bank")
        receipt = await session.get_one(LedgerReceipt, UUID(payload["subject_id"]))
        number = receipt.bank_reference
        own = (await ours.by_number(session, "bank", [number])).get(("receipt", number))
        now = await context.business_now(session)
        for item in await waiting_items(session, "bank", number):
            if item.kind == "receipt" and explained(own, item.theirs_fen):
                await settle_explained(session, item, item.run_id, now)


async def booking_reversed(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear `ledger.transaction_reversed`: compare the days again that it was about."""
    async with context.transaction() as session:
        reversal = await session.get_one(LedgerReversal, UUID(payload["subject_id"]))
        for run_id in await session.scalars(_RUNS, {"id": reversal.transaction_id}):
            await enqueue(session, COMPARE, {"run_id": str(run_id)})
