"""Funds of organisations: transfers that one supervisor proposes and another posts."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from app.kernel.api_document import refused
from app.kernel.database import SessionDep
from app.kernel.dependencies import NowDep, VaultDep
from app.kernel.idempotency import KeyedDep
from app.kernel.pagination import CursorParameter, Page, PageSize
from app.kernel.principal import Principal, Supervisor, require
from app.kernel.routing import router
from app.ledger.schemas import SecondPersonBody
from app.treasury import transferring
from app.treasury.transfer_schemas import (
    FundCode,
    FundTransferBody,
    FundTransferView,
    TransferStatus,
)

routes = router("ledger")

Reader = Annotated[Principal, Depends(require("staff", "auditor", "supervisor"))]


@routes.post(
    "/v1/staff/ledger/fund-transfers",
    status_code=201,
    response_model=FundTransferView,
    responses=refused(404),
)
async def propose_fund_transfer(
    supervisor: Supervisor,
    session: SessionDep,
    now: NowDep,
    keyed: KeyedDep,
    body: FundTransferBody,
) -> Response:
    """Ask for money of an organisation's own fund to be given to another fund or a relief
    fund; you manage both. Nothing moves until a second supervisor approves.
    """
    return await keyed.reply(201, await transferring.propose(session, supervisor, body, now))


@routes.post(
    "/v1/staff/ledger/fund-transfers/{transfer_id}/decision", response_model=FundTransferView
)
async def decide_fund_transfer(
    supervisor: Supervisor,
    session: SessionDep,
    now: NowDep,
    keyed: KeyedDep,
    transfer_id: UUID,
    body: SecondPersonBody,
) -> Response:
    """Approve, which books it at once as far as the fund holds the sum, or decline, as a second
    person. A booked transfer is taken back by the reversal of its booking.
    """
    view = await transferring.decide(session, supervisor, transfer_id, body.verdict, now)
    return await keyed.reply(200, view)


@routes.get("/v1/staff/ledger/fund-transfers")
async def list_fund_transfers(
    reader: Reader,
    session: SessionDep,
    vault: VaultDep,
    status: Annotated[TransferStatus | None, Query(description="Only these.")] = None,
    account: Annotated[
        FundCode | None, Query(description="Only from or to this fund account.")
    ] = None,
    cursor: CursorParameter = None,
    limit: PageSize = 50,
) -> Page[FundTransferView]:
    """Transfers from or to the funds that you may see, newest first."""
    return await transferring.page_of_transfers(
        session, vault, reader, status, account, cursor, limit
    )
