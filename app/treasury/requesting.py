"""Asking for a comparison, and finding what comparisons found."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import business_day
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id
from app.kernel.jobs import enqueue
from app.kernel.pagination import Page, decode_cursor, encode_cursor, page_of
from app.kernel.principal import Principal
from app.kernel.transitions import begin
from app.kernel.vault import Vault
from app.treasury.errors import DayNotOver, RunUnknown
from app.treasury.events import COMPARE
from app.treasury.models import RUN, ReconciliationItem, ReconciliationRun
from app.treasury.schemas import ItemView, RunView, Wanted

_OPEN = (
    select(func.count())
    .where(
        ReconciliationItem.run_id == ReconciliationRun.id, ReconciliationItem.status != "settled"
    )
    .correlate(ReconciliationRun)
    .scalar_subquery()
)


async def request_run(
    session: AsyncSession, actor: Principal, source: str, day: date, now: datetime
) -> tuple[ReconciliationRun, bool]:
    """The run of a day, made where there is none; whether it is new."""
    found = await session.scalar(
        select(ReconciliationRun).where(
            ReconciliationRun.source == source, ReconciliationRun.day == day
        )
    )
    if found is not None:
        return found, False
    run = ReconciliationRun(
        id=new_id(),
        source=source,
        day=day,
        status="requested",
        requested_by_kind=actor.kind,
        requested_by=actor.id,
        requested_at=now,
    )
    begin(session, RUN, run, actor=actor, at=now)
    await session.flush()
    return run, True


async def compare_day(
    session: AsyncSession, supervisor: Principal, source: str, day: date, now: datetime
) -> RunView:
    """Have a past day compared now, or once more; raises DayNotOver (422)."""
    if day >= business_day(now):
        raise DayNotOver
    run, _ = await request_run(session, supervisor, source, day, now)
    await enqueue(session, COMPARE, {"run_id": str(run.id)})
    asked = Fact("reconciliation_run", run.id, "reconciliation.request")
    await state(session, [asked], actor=supervisor, at=now)
    return await read_run(session, run.id)


def _runs() -> Select[tuple[ReconciliationRun, int]]:
    return select(ReconciliationRun, _OPEN.label("open_items"))


async def read_run(session: AsyncSession, run_id: UUID) -> RunView:
    """Raises RunUnknown (404)."""
    row = (await session.execute(_runs().where(ReconciliationRun.id == run_id))).one_or_none()
    if row is None:
        raise RunUnknown
    return _run_view(row)


async def list_runs(
    session: AsyncSession, vault: Vault, wanted: Wanted, cursor: str | None, limit: int
) -> Page[RunView]:
    """Newest request first."""
    listing = f"reconciliations:{wanted.source}:{wanted.first}:{wanted.last}:{wanted.state}"
    after = decode_cursor(vault, listing, cursor)
    statement = _runs().order_by(ReconciliationRun.id.desc()).limit(limit + 1)
    if wanted.source is not None:
        statement = statement.where(ReconciliationRun.source == wanted.source)
    if wanted.first is not None:
        statement = statement.where(ReconciliationRun.day >= wanted.first)
    if wanted.last is not None:
        statement = statement.where(ReconciliationRun.day <= wanted.last)
    if wanted.state == "balanced":
        statement = statement.where(ReconciliationRun.status == "done", _OPEN == 0)
    elif wanted.state == "open":
        statement = statement.where(_OPEN > 0)
    if after is not None:
        statement = statement.where(ReconciliationRun.id < UUID(after[0]))
    rows = (await session.execute(statement)).all()
    return page_of(
        cast(Sequence[Row[Any]], rows),
        limit,
        _run_view,
        lambda row: encode_cursor(vault, listing, [str(row[0].id)]),
    )


def _run_view(row: Row[Any]) -> RunView:
    run: ReconciliationRun = row[0]
    state_of = "requested"
    if run.status == "done":
        state_of = "open" if row.open_items else "balanced"
    return RunView(
        id=run.id,
        source=run.source,
        day=run.day,
        state=state_of,
        requested_at=run.requested_at,
        finished_at=run.finished_at,
        our_rows=run.our_rows,
        our_fen=run.our_fen,
        their_rows=run.their_rows,
        their_fen=run.their_fen,
        matched=run.matched,
        open_items=row.open_items,
    )


async def list_items(
    session: AsyncSession,
    vault: Vault,
    run_id: UUID,
    status: str | None,
    cursor: str | None,
    limit: int,
) -> Page[ItemView]:
    """The differences of a run in the order found; raises RunUnknown (404)."""
    listing = f"reconciliation-items:{run_id}:{status}"
    after = decode_cursor(vault, listing, cursor)
    if await session.get(ReconciliationRun, run_id) is None:
        raise RunUnknown
    statement = (
        select(ReconciliationItem)
        .where(ReconciliationItem.run_id == run_id)
        .order_by(ReconciliationItem.id)
        .limit(limit + 1)
    )
    if status is not None:
        statement = statement.where(ReconciliationItem.status == status)
    if after is not None:
        statement = statement.where(ReconciliationItem.id > UUID(after[0]))
    rows = (await session.scalars(statement)).all()
    return page_of(
        rows, limit, item_view, lambda item: encode_cursor(vault, listing, [str(item.id)])
    )


def item_view(item: ReconciliationItem) -> ItemView:
    return ItemView.model_validate(item)
