"""Each morning yesterday is compared, and whatever day was missed."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import SHANGHAI, business_day
from app.kernel.jobs import Handler, JobContext, enqueue
from app.kernel.principal import SYSTEM
from app.ledger.models import LedgerTransaction
from app.treasury.events import (
    ASK_ITEM,
    BOOKING_REVERSED,
    COMPARE,
    MORNING,
    RECEIPT_CAME,
    REFUND_ITEM,
)
from app.treasury.hearing import booking_reversed, receipt_came
from app.treasury.models import SOURCES, ReconciliationRun
from app.treasury.requesting import request_run
from app.treasury.running import run_comparison
from app.treasury.settling import ask_item, refund_item

# The hour in Shanghai from which the gateway has made its bills of the day before.
BILLS_AT = 10
# What was missed longer ago is asked for by hand.
CATCH_UP = timedelta(days=31)


async def every_morning(context: JobContext, _payload: Mapping[str, Any]) -> None:
    """Request a comparison of each past day that has none, since the first posting."""
    async with context.transaction() as session:
        now = await context.business_now(session)
        today = business_day(now)
        last = today - timedelta(days=1 if now.astimezone(SHANGHAI).hour >= BILLS_AT else 2)
        begun = await session.scalar(select(func.min(LedgerTransaction.event_on)))
        if begun is None:
            return
        first = max(begun, today - CATCH_UP)
        for source, day in await _not_done(session, first, last):
            run, _ = await request_run(session, SYSTEM, source, day, now)
            key = f"{COMPARE}:{run.id}"
            await enqueue(session, COMPARE, {"run_id": str(run.id)}, dedupe_key=key)


async def _not_done(session: AsyncSession, first: date, last: date) -> list[tuple[str, date]]:
    done = {
        (row.source, row.day)
        for row in await session.execute(
            select(ReconciliationRun.source, ReconciliationRun.day).where(
                ReconciliationRun.status == "done", ReconciliationRun.day.between(first, last)
            )
        )
    }
    days = [first + timedelta(days=count) for count in range((last - first).days + 1)]
    return [(source, day) for day in days for source in SOURCES if (source, day) not in done]


JOBS: Mapping[str, Handler] = {
    MORNING: every_morning,
    COMPARE: run_comparison,
    ASK_ITEM: ask_item,
    REFUND_ITEM: refund_item,
    RECEIPT_CAME: receipt_came,
    BOOKING_REVERSED: booking_reversed,
}
TIMERS: Mapping[str, timedelta] = {MORNING: timedelta(minutes=5)}
