"""One comparison: the bill is fetched, both sides matched, differences kept, old ones looked at."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import structlog
from sqlalchemy import or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.integrations.errors import OutsideError
from app.integrations.outside import Outside
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id
from app.kernel.jobs import JobContext, RetryLater
from app.kernel.principal import SYSTEM, Principal
from app.kernel.transitions import begin, move
from app.treasury import lines, ours
from app.treasury.booking import booked, release
from app.treasury.comparing import Comparison, Difference, compare, explained
from app.treasury.events import DIFFERENCES_FOUND, ITEM_SETTLED
from app.treasury.lines import Key, Kind, Ours, Source, Theirs
from app.treasury.models import BOOKED, ITEM, RUN, ReconciliationItem, ReconciliationRun

log = structlog.get_logger("treasury")

AGAIN = timedelta(minutes=10)
# A bill is made once a day: asking for it all the time brings it no sooner.
BILL_AGAIN = timedelta(hours=2)
UNSETTLED = ("open", "asked", "proposed")


async def run_comparison(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Compare one day of one outside account; again it changes nothing that was settled."""
    run_id = UUID(payload["run_id"])
    async with context.transaction() as session:
        run = await session.get_one(ReconciliationRun, run_id)
        source, day = cast(Source, run.source), run.day
    outside: Outside = context.outside
    try:
        theirs = await lines.of_day(outside, source, day)
    except lines.BillNotReady:
        log.info("no bill yet", source=source, day=str(day))
        raise RetryLater(BILL_AGAIN) from None
    except OutsideError as error:
        log.warning("bill not fetched", source=source, day=str(day), error=type(error).__name__)
        raise RetryLater(AGAIN) from None
    async with context.transaction() as session:
        now = await context.business_now(session)
        await _compare(session, run_id, theirs, now)


async def _compare(
    session: AsyncSession, run_id: UUID, theirs: Sequence[Theirs], now: datetime
) -> None:
    run = await session.get_one(ReconciliationRun, run_id, with_for_update=True)
    source = cast(Source, run.source)
    await hold_source(session, source)
    mine = await ours.by_number(session, source, [line.number for line in theirs])
    my_day = await ours.of_day(session, source, run.day)
    before = await ours.agreed(session, source, [own.number for own in my_day])
    found = compare(theirs, mine, my_day, before)
    await _remember(session, run, found)
    await _look_again(session, run, mine, {line.key: line for line in theirs}, now)
    fresh = await _keep(session, run, found.differences, now)
    run.our_rows, run.our_fen = len(my_day), sum(own.amount_fen for own in my_day)
    run.their_rows = len(theirs)
    run.their_fen = sum(line.amount_fen for line in theirs)
    run.matched, run.finished_at = len(found.agreed), now
    await move(session, RUN, run, "done", actor=SYSTEM, at=now)
    event = DIFFERENCES_FOUND if fresh else None
    content = {"source": source, "day": run.day.isoformat(), "items": fresh}
    fact = Fact("reconciliation_run", run.id, "reconciliation.compare", event, content)
    await state(session, [fact], actor=SYSTEM, at=now)


async def hold_source(session: AsyncSession, source: Source) -> None:
    """One comparison of a source at a time: days look at each other's differences."""
    await session.execute(
        text("select pg_advisory_xact_lock(hashtext(:name))"), {"name": f"treasury.{source}"}
    )


async def _remember(session: AsyncSession, run: ReconciliationRun, found: Comparison) -> None:
    await match(session, run.id, run.source, sorted(found.agreed))


async def match(session: AsyncSession, run_id: UUID, source: str, keys: Sequence[Key]) -> None:
    """Note on what both sides agree."""
    await session.execute(
        text(
            "insert into reconciliation_match (source, kind, number, run_id)"
            " select :source, k.kind, k.number, :run"
            " from unnest(cast(:kinds as text[]), cast(:numbers as text[])) as k(kind, number)"
            " on conflict do nothing"
        ),
        {
            "source": source,
            "run": run_id,
            "kinds": [kind for kind, _ in keys],
            "numbers": [number for _, number in keys],
        },
    )


async def _look_again(
    session: AsyncSession,
    run: ReconciliationRun,
    mine: Mapping[Key, Ours],
    theirs: Mapping[Key, Theirs],
    now: datetime,
) -> None:
    """Differences that another day explains close by themselves, or give their booking back."""
    items = await waiting_items(session, run.source)
    present = await ours.by_number(
        session, cast(Source, run.source), [item.number for item in items]
    )
    for item in items:
        key = (cast(Kind, item.kind), item.number)
        line = theirs.get(key)
        said = item.theirs_fen if line is None else line.amount_fen
        if explained(mine.get(key) or present.get(key), said):
            if line is not None and item.day != run.day and item.status != "settled":
                item.cause = "timing"
            await settle_explained(session, item, run.id, now, agreed=said is not None)


async def waiting_items(
    session: AsyncSession, source: str, number: str | None = None
) -> Sequence[ReconciliationItem]:
    """Differences that may explain themselves, locked: unsettled ones, and those booked away."""
    found = select(ReconciliationItem).where(
        ReconciliationItem.source == source,
        or_(ReconciliationItem.status.in_(UNSETTLED), text(BOOKED)),
        ReconciliationItem.kind != "fee",
    )
    if number is not None:
        found = found.where(ReconciliationItem.number == number)
    ordered = found.order_by(ReconciliationItem.id).with_for_update()
    return (await session.scalars(ordered)).all()


async def settle_explained(
    session: AsyncSession,
    item: ReconciliationItem,
    run_id: UUID,
    now: datetime,
    *,
    agreed: bool | None = None,
) -> None:
    """Nothing is left of a difference: it ends by itself, or its booking is taken back.

    `agreed` says whether both sides have the number; by default, whether they had it.
    """
    if item.status != "settled":
        await settle_item(session, item, item.way or "itself", SYSTEM, now)
    if item.way != "itself":
        await release(session, item, now)
    if item.theirs_fen is not None if agreed is None else agreed:
        await match(session, run_id, item.source, [(cast(Kind, item.kind), item.number)])


async def settle_item(
    session: AsyncSession, item: ReconciliationItem, way: str, actor: Principal, now: datetime
) -> None:
    """The end of a difference, told; what had to be booked is booked."""
    item.way, item.settled_by, item.settled_at = way, actor.id, now
    await move(session, ITEM, item, "settled", actor=actor, at=now)
    content = {"cause": item.cause, "way": item.way, "difference_fen": item.difference_fen}
    fact = Fact("reconciliation_item", item.id, "reconciliation.settle", ITEM_SETTLED, content)
    await state(session, [fact], actor=actor, at=now)


async def _keep(
    session: AsyncSession,
    run: ReconciliationRun,
    differences: Sequence[Difference],
    now: datetime,
) -> int:
    """New differences as items: what is open stays as it is, what was booked is taken off."""
    numbers = [each.number for each in differences]
    waiting = {
        (row.kind, row.number)
        for row in await session.execute(
            select(ReconciliationItem.kind, ReconciliationItem.number).where(
                ReconciliationItem.source == run.source,
                ReconciliationItem.number.in_(numbers),
                ReconciliationItem.status != "settled",
            )
        )
    }
    done = await booked(session, run.source, numbers)
    fresh = [each for each in differences if each.key not in waiting]
    left = [(each, each.difference_fen - done.get(each.key, 0)) for each in fresh]
    found = [(each, fen) for each, fen in left if fen]
    for each, fen in found:
        item = ReconciliationItem(
            id=new_id(),
            run_id=run.id,
            source=run.source,
            kind=each.kind,
            number=each.number,
            day=run.day,
            subject_id=each.subject_id,
            ours_fen=each.ours_fen,
            theirs_fen=each.theirs_fen,
            ours_status=each.ours_status,
            theirs_status=each.theirs_status,
            difference_fen=fen,
            cause=each.cause,
            status="open",
            found_at=now,
        )
        begin(session, ITEM, item, actor=SYSTEM, at=now)
    await session.flush()
    return len(found)
