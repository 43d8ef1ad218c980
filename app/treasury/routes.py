"""The municipal office's doors: the month's end, reversals, and reconciliation."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from app.kernel.database import SessionDep
from app.kernel.dependencies import NowDep, VaultDep
from app.kernel.idempotency import KeyedDep
from app.kernel.pagination import CursorParameter, Page, PageSize
from app.kernel.principal import Auditor, Principal, Supervisor, require
from app.kernel.routing import router
from app.kernel.schema import Day
from app.ledger.schemas import (
    LedgerMonthView,
    Month,
    ReversalBody,
    ReversalView,
    SecondPersonBody,
)
from app.ledger.service import require_books
from app.treasury import closing, requesting, reversing, settling, settling_all
from app.treasury.schemas import (
    CompareBody,
    DaySettlementBody,
    DaySettlementView,
    ItemStatus,
    ItemView,
    RunState,
    RunView,
    SettlementBody,
    SourceWord,
    Wanted,
)

routes = router("treasury")

Reader = Annotated[Principal, Depends(require("staff", "auditor", "supervisor"))]


@routes.post(
    "/v1/staff/ledger/months/{month}/closure", status_code=201, response_model=LedgerMonthView
)
async def close_ledger_month(
    auditor: Auditor, session: SessionDep, now: NowDep, keyed: KeyedDep, month: Month
) -> Response:
    """Close the next open month: its trial balance is frozen, and later postings about it get
    a posting day in the following month. Refused while a difference of it is open or a day of
    it has not been compared with gateway and bank.
    """
    view = await closing.close_month(session, auditor, date.fromisoformat(f"{month}-01"), now)
    return await keyed.reply(201, view)


@routes.post("/v1/staff/reconciliations", status_code=201, response_model=RunView)
async def compare_day(
    supervisor: Supervisor, session: SessionDep, now: NowDep, keyed: KeyedDep, body: CompareBody
) -> Response:
    """Have a past day compared now, or once more; the worker does each day by itself in the
    morning after.
    """
    await require_books(session, supervisor)
    view = await requesting.compare_day(session, supervisor, body.source, body.day, now)
    return await keyed.reply(201, view)


@routes.get("/v1/staff/reconciliations")
async def list_reconciliations(
    reader: Reader,
    session: SessionDep,
    vault: VaultDep,
    source: Annotated[SourceWord | None, Query(description="Of which outside account.")] = None,
    first: Annotated[Day | None, Query(alias="from", description="First day compared.")] = None,
    last: Annotated[Day | None, Query(alias="to", description="Last day compared.")] = None,
    state: Annotated[RunState | None, Query(description="How far they are.")] = None,
    cursor: CursorParameter = None,
    limit: PageSize = 50,
) -> Page[RunView]:
    """Comparisons, newest first; `balanced` ones have no difference left."""
    await require_books(session, reader)
    wanted = Wanted(source, first, last, state)
    return await requesting.list_runs(session, vault, wanted, cursor, limit)


@routes.get("/v1/staff/reconciliations/{run_id}")
async def read_reconciliation(reader: Reader, session: SessionDep, run_id: UUID) -> RunView:
    """One day of one outside account: counts and sums of both sides."""
    await require_books(session, reader)
    return await requesting.read_run(session, run_id)


@routes.get("/v1/staff/reconciliations/{run_id}/items")
async def list_reconciliation_items(
    reader: Reader,
    session: SessionDep,
    vault: VaultDep,
    run_id: UUID,
    status: Annotated[ItemStatus | None, Query(description="Only these.")] = None,
    cursor: CursorParameter = None,
    limit: PageSize = 50,
) -> Page[ItemView]:
    """The differences that a comparison found, each with its cause."""
    await require_books(session, reader)
    return await requesting.list_items(session, vault, run_id, status, cursor, limit)


@routes.post(
    "/v1/staff/reconciliations/{run_id}/items/{item_id}/settlement", response_model=ItemView
)
async def settle_difference(
    supervisor: Supervisor,
    session: SessionDep,
    now: NowDep,
    keyed: KeyedDep,
    run_id: UUID,
    item_id: UUID,
    body: SettlementBody,
) -> Response:
    """End a difference: `ask` the outside system, `post_fee`, `suspend` it, `refund` money of
    nobody's order, or `write_off` by two people (`keep_open` refuses a proposed write-off).
    """
    await require_books(session, supervisor)
    item = await settling.settle(session, supervisor, run_id, item_id, body.way, body.note, now)
    return await keyed.reply(200, requesting.item_view(item))


@routes.post("/v1/staff/reconciliations/{run_id}/settlement", response_model=DaySettlementView)
async def settle_differences_of_day(
    supervisor: Supervisor,
    session: SessionDep,
    now: NowDep,
    keyed: KeyedDep,
    run_id: UUID,
    body: DaySettlementBody,
) -> Response:
    """Take one way with every unsettled difference of one cause, up to 500 at once: the fees of
    a bill by `post_fee`. Where the way does not fit a line, the answer says so and the line
    stays as it was; `refund` and `keep_open` are for one difference at a time.
    """
    await require_books(session, supervisor)
    view = await settling_all.settle_all(session, supervisor, run_id, body, now)
    return await keyed.reply(200, view)


@routes.post(
    "/v1/staff/ledger/transactions/{transaction_id}/reversal",
    status_code=201,
    response_model=ReversalView,
)
async def reverse_ledger_transaction(
    supervisor: Supervisor,
    session: SessionDep,
    now: NowDep,
    keyed: KeyedDep,
    transaction_id: UUID,
    body: ReversalBody,
) -> Response:
    """Take a transaction back by its mirror image, once. Above 20,000 yuan it is only
    proposed, and a second supervisor decides. What a relief fund was given by mistake leaves
    the fund with it, as far as it has not been granted.
    """
    await require_books(session, supervisor)
    view = await reversing.reverse(session, supervisor, transaction_id, body.reason, now)
    return await keyed.reply(201, view)


@routes.post(
    "/v1/staff/ledger/transactions/{transaction_id}/reversal/decision",
    response_model=ReversalView,
)
async def decide_ledger_reversal(
    supervisor: Supervisor,
    session: SessionDep,
    now: NowDep,
    keyed: KeyedDep,
    transaction_id: UUID,
    body: SecondPersonBody,
) -> Response:
    """The second person's word on a proposed reversal."""
    await require_books(session, supervisor)
    view = await reversing.decide(session, supervisor, transaction_id, body.verdict, now)
    return await keyed.reply(200, view)
