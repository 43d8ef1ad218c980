"""The ledger's doors: for auditors to read, for the municipal office's supervisors to act."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Response
from fastapi.responses import StreamingResponse

from app.kernel.database import DatabaseDep, SessionDep
from app.kernel.dependencies import NowDep, VaultDep
from app.kernel.idempotency import KeyedDep
from app.kernel.pagination import CursorParameter, Page, PageSize
from app.kernel.principal import Auditor, Principal, Supervisor, require
from app.kernel.routing import router
from app.kernel.schema import Day
from app.ledger import account_statements, funds, months, receipts, reversals, service
from app.ledger.account_statements import MEDIA_TYPES, Format, span_of
from app.ledger.schemas import (
    FundAccountBody,
    LedgerAccountView,
    LedgerEntryView,
    LedgerMonthList,
    LedgerMonthView,
    Month,
    ReceiptBody,
    ReceiptView,
    TransactionView,
    TrialBalanceView,
)

routes = router("ledger")

Reader = Annotated[Principal, Depends(require("staff", "auditor", "supervisor"))]
AccountCode = Annotated[
    str,
    Path(
        pattern=r"^[a-z-]{2,30}(:[0-9A-Za-z-]{1,64})?$",
        examples=["bank"],
        description="The account's code.",
    ),
]
First = Annotated[
    Day | None, Query(alias="from", description="First posting day; absent: of this month.")
]
Last = Annotated[
    Day | None,
    Query(
        alias="to",
        description="Last posting day, included; absent: today, or the first day if that is later.",
    ),
]


@routes.get("/v1/staff/ledger/trial-balance")
async def read_trial_balance(
    auditor: Auditor,
    session: SessionDep,
    on: Annotated[
        Day | None,
        Query(description="Up to and including this posting day.", examples=["2026-03-31"]),
    ] = None,
    first: Annotated[
        Day | None,
        Query(alias="from", description="First posting day; before it is the opening balance."),
    ] = None,
) -> TrialBalanceView:
    """Every account with its debits, credits and balance; the difference is always zero."""
    return await service.trial_balance(session, auditor, first, on)


@routes.get("/v1/staff/ledger/accounts")
async def list_ledger_accounts(
    reader: Reader,
    session: SessionDep,
    vault: VaultDep,
    limit: PageSize = 50,
    cursor: CursorParameter = None,
) -> Page[LedgerAccountView]:
    """All accounts for the municipal office, by code; elsewhere the funds of one's subtree."""
    return await funds.list_accounts(session, vault, reader, limit, cursor)


@routes.get("/v1/staff/ledger/accounts/{code}/entries")
async def list_account_entries(
    reader: Reader,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    code: AccountCode,
    first: First = None,
    last: Last = None,
    cursor: CursorParameter = None,
    limit: PageSize = 50,
) -> Page[LedgerEntryView]:
    """The lines of an account by posting day, each with the balance after it."""
    span = span_of(code, first, last, now)
    return await account_statements.page_of_entries(session, vault, reader, span, cursor, limit)


@routes.get(
    "/v1/staff/ledger/accounts/{code}/statement",
    response_class=Response,
    responses={
        200: {
            "description": "The statement as a file.",
            "content": {media: {} for media in MEDIA_TYPES.values()},
        }
    },
)
async def export_account_statement(
    reader: Reader,
    session: SessionDep,
    database: DatabaseDep,
    now: NowDep,
    code: AccountCode,
    first: First = None,
    last: Last = None,
    wanted: Annotated[Format, Query(alias="format", description="Which kind of file.")] = "xlsx",
) -> Response:
    """The same lines as a file: a sheet, or CSV in UTF-8. Each export is recorded."""
    span = span_of(code, first, last, now)
    opening_fen = await account_statements.begin_export(session, reader, span, wanted)
    name = f"statement-{span.first}-{span.last}.{wanted}"
    return StreamingResponse(
        account_statements.export(database, span, opening_fen, wanted),
        media_type=MEDIA_TYPES[wanted],
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store, private",
        },
    )


@routes.put("/v1/staff/ledger/organisations/{organisation_id}/fund-account")
async def open_fund_account(
    supervisor: Supervisor,
    session: SessionDep,
    now: NowDep,
    organisation_id: UUID,
    body: FundAccountBody,
) -> LedgerAccountView:
    """The account of an organisation's own money; made where it is missing."""
    return await funds.open_account(session, supervisor, organisation_id, body, now)


@routes.post("/v1/staff/ledger/receipts", status_code=201, response_model=ReceiptView)
async def record_ledger_receipt(
    supervisor: Supervisor, session: SessionDep, now: NowDep, keyed: KeyedDep, body: ReceiptBody
) -> Response:
    """Book money that came into the bank account: a sponsor's payment, a gift to a fund."""
    await service.require_books(session, supervisor)
    view = await receipts.record_receipt(session, supervisor, body, now)
    return await keyed.reply(201, view)


@routes.get("/v1/staff/ledger/months")
async def list_ledger_months(
    reader: Reader,
    session: SessionDep,
    vault: VaultDep,
    limit: PageSize = 24,
    cursor: CursorParameter = None,
) -> LedgerMonthList:
    """Closed months, newest first, and the one to close next."""
    await service.require_books(session, reader)
    return await months.list_months(session, vault, limit, cursor)


@routes.get("/v1/staff/ledger/months/{month}")
async def read_ledger_month(reader: Reader, session: SessionDep, month: Month) -> LedgerMonthView:
    """The trial balance of a closed month as it was frozen."""
    await service.require_books(session, reader)
    return await months.read_month(session, date.fromisoformat(f"{month}-01"))


@routes.get("/v1/staff/ledger/transactions/{transaction_id}")
async def read_ledger_transaction(
    reader: Reader, session: SessionDep, transaction_id: UUID
) -> TransactionView:
    """One transaction with its entries and its reversal."""
    await service.require_books(session, reader)
    return await reversals.read_transaction(session, transaction_id)
