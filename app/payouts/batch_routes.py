"""The treasury's doors to batches of transfers, for the municipal office's supervisors."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Request, Response

from app.kernel.database import SessionDep
from app.kernel.dependencies import NowDep, VaultDep
from app.kernel.idempotency import KeyedDep
from app.kernel.pagination import CursorParameter, Page, PageSize
from app.kernel.principal import Principal, Supervisor, require
from app.kernel.routing import router
from app.ledger.service import require_books
from app.payouts import batch_results, batch_viewing, batches, stopping
from app.payouts.batch_schemas import (
    BatchBody,
    BatchDetail,
    BatchRowView,
    BatchView,
    FileLinkView,
    ResultView,
    StopBody,
)
from app.payouts.schemas import PayoutView
from app.payouts.service import view_payout

routes = router("treasury")

Reader = Annotated[Principal, Depends(require("staff", "auditor", "supervisor"))]
LinkToken = Annotated[str, Path(min_length=16, max_length=64, description="From a file link.")]
_RESULT_BODY = {
    "requestBody": {
        "required": True,
        "description": "The bank's result file: CSV in GB18030 with a line of control sums.",
        "content": {
            "text/csv": {
                "schema": {"type": "string", "format": "binary"},
                "example": (
                    "批次号,B7K2M9QX0PH6,总笔数,1,总金额,60000.00\r\n"
                    "序号,付款流水号,金额,处理状态,失败代码,银行流水号\r\n"
                    "1,0192F0C17A107C3E8A4451D8AC9EC001,60000.00,成功,,B000123456789012\r\n"
                ),
            }
        },
    }
}


@routes.post("/v1/staff/payout-batches", status_code=201, response_model=BatchDetail)
async def make_payout_batch(
    supervisor: Supervisor,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    keyed: KeyedDep,
    body: BatchBody,
) -> Response:
    """Put what waits into a batch now, up to 2,000 payouts; the worker does it by itself once
    a day. By the `door` the worker hands it in, by `hand` a person does.
    """
    await require_books(session, supervisor)
    batch = await batches.make_batch(session, vault, supervisor, body.channel, now)
    return await keyed.reply(201, await batch_viewing.detail_of(session, batch))


@routes.get("/v1/staff/payout-batches")
async def list_payout_batches(
    reader: Reader,
    session: SessionDep,
    vault: VaultDep,
    cursor: CursorParameter = None,
    limit: PageSize = 50,
) -> Page[BatchView]:
    """Batches, newest first."""
    await require_books(session, reader)
    return await batch_viewing.list_batches(session, vault, cursor, limit)


@routes.get("/v1/staff/payout-batches/{batch_id}")
async def read_payout_batch(reader: Reader, session: SessionDep, batch_id: UUID) -> BatchDetail:
    """A batch, and how many of its rows have which outcome."""
    await require_books(session, reader)
    return await batch_viewing.read_batch(session, batch_id)


@routes.get("/v1/staff/payout-batches/{batch_id}/rows")
async def list_payout_batch_rows(
    reader: Reader,
    session: SessionDep,
    vault: VaultDep,
    batch_id: UUID,
    cursor: CursorParameter = None,
    limit: PageSize = 50,
) -> Page[BatchRowView]:
    """The rows of a batch in the file's order."""
    await require_books(session, reader)
    return await batch_viewing.list_rows(session, vault, batch_id, cursor, limit)


@routes.post("/v1/staff/payout-batches/{batch_id}/file-links", status_code=201)
async def link_payout_batch_file(
    supervisor: Supervisor, session: SessionDep, vault: VaultDep, batch_id: UUID
) -> FileLinkView:
    """A link to the file, for you alone, good once within 60 seconds."""
    await require_books(session, supervisor)
    return await batch_viewing.give_file_link(session, vault, supervisor, batch_id)


@routes.get(
    "/v1/staff/payout-batch-files/{token}",
    response_class=Response,
    responses={200: {"description": "CSV in GB18030.", "content": {"text/csv": {}}}},
)
async def download_payout_batch_file(
    supervisor: Supervisor, session: SessionDep, vault: VaultDep, token: LinkToken
) -> Response:
    """The file with account numbers and names. A link opens once; each use is recorded."""
    await require_books(session, supervisor)
    batch, content = await batch_viewing.follow_file_link(session, vault, supervisor, token)
    headers = {
        "Content-Disposition": f'attachment; filename="{batch.number}.csv"',
        "Cache-Control": "no-store, private",
    }
    return Response(content, media_type="text/csv; charset=gb18030", headers=headers)


@routes.post("/v1/staff/payout-batches/{batch_id}/submission", response_model=BatchDetail)
async def submit_payout_batch_by_hand(
    supervisor: Supervisor, session: SessionDep, now: NowDep, keyed: KeyedDep, batch_id: UUID
) -> Response:
    """Say that you have handed the file in at the bank."""
    await require_books(session, supervisor)
    batch = await batches.hand_in(session, supervisor, batch_id, now)
    return await keyed.reply(200, await batch_viewing.detail_of(session, batch))


@routes.post(
    "/v1/staff/payout-batches/{batch_id}/results",
    status_code=201,
    response_model=ResultView,
    openapi_extra=_RESULT_BODY,
)
async def upload_payout_batch_result(
    supervisor: Supervisor,
    session: SessionDep,
    now: NowDep,
    keyed: KeyedDep,
    request: Request,
    batch_id: UUID,
) -> Response:
    """Hand over a result file. It is believed as a whole or not at all; the same file again
    changes nothing. Its rows are applied by the worker.
    """
    await require_books(session, supervisor)
    content = await request.body()
    result = await batch_results.receive(session, batch_id, content, "staff", supervisor, now)
    return await keyed.reply(201, batch_viewing.result_view(result))


@routes.post("/v1/staff/payouts/{payout_id}/stop", response_model=PayoutView)
async def stop_payout(
    supervisor: Supervisor,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    keyed: KeyedDep,
    payout_id: UUID,
    body: StopBody,
) -> Response:
    """Stop a payout that was not sent, or a transfer to a wallet that nobody has confirmed; the
    gateway's answer decides, and asking again meanwhile changes nothing. What a bank holds
    cannot be stopped.
    """
    await require_books(session, supervisor)
    payout = await stopping.request_stop(session, vault, supervisor, payout_id, body.reason, now)
    return await keyed.reply(200, view_payout(vault, payout))


@routes.post("/v1/staff/payouts/{payout_id}/dispatch", response_model=PayoutView)
async def dispatch_payout(
    supervisor: Supervisor,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    keyed: KeyedDep,
    payout_id: UUID,
) -> Response:
    """Send an urgent payout alone that waits for a batch."""
    await require_books(session, supervisor)
    payout = await stopping.dispatch(session, supervisor, payout_id, now)
    return await keyed.reply(200, view_payout(vault, payout))
