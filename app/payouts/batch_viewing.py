"""Showing batches, and giving out their files: to one person, once, on record."""

import base64
import binascii
from datetime import timedelta
from typing import Any, Literal, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.clock import system_now
from app.kernel.ids import new_id
from app.kernel.pagination import Page, decode_cursor, encode_cursor, page_of
from app.kernel.principal import Principal
from app.kernel.vault import Vault
from app.payouts import batch_queries
from app.payouts.batch_errors import BatchNotFound, FileLinkExpired
from app.payouts.batch_models import (
    PayoutBatch,
    PayoutBatchLink,
    PayoutBatchResult,
    PayoutBatchRow,
)
from app.payouts.batch_schemas import (
    BatchDetail,
    BatchRowView,
    BatchStatus,
    BatchTally,
    BatchView,
    FileLinkView,
    ResultView,
    RowOutcome,
)

LINK_LIFE = timedelta(seconds=60)
_MAC_BYTES = 16


async def list_batches(
    session: AsyncSession, vault: Vault, cursor: str | None, limit: int
) -> Page[BatchView]:
    """Newest first."""
    after = decode_cursor(vault, "payout-batches", cursor)
    found = await batch_queries.batches(session, after, limit)
    return page_of(
        found,
        limit,
        lambda batch: BatchView(**_plain(batch)),
        lambda batch: encode_cursor(vault, "payout-batches", [str(batch.id)]),
    )


async def read_batch(session: AsyncSession, batch_id: UUID) -> BatchDetail:
    """A batch with its rows counted by outcome; raises BatchNotFound (404)."""
    batch = await batch_queries.batch(session, batch_id)
    if batch is None:
        raise BatchNotFound
    return await detail_of(session, batch)


async def detail_of(session: AsyncSession, batch: PayoutBatch) -> BatchDetail:
    outcomes = await batch_queries.outcomes(session, batch.id)
    tally = [
        BatchTally(outcome=cast(RowOutcome, outcome), rows=rows, amount_fen=fen)
        for outcome, (rows, fen) in sorted(outcomes.items())
    ]
    return BatchDetail(**_plain(batch), tally=tally)


async def list_rows(
    session: AsyncSession, vault: Vault, batch_id: UUID, cursor: str | None, limit: int
) -> Page[BatchRowView]:
    """In the file's order; raises BatchNotFound (404)."""
    listing = f"payout-batch-rows:{batch_id}"
    after = decode_cursor(vault, listing, cursor)
    if await batch_queries.batch(session, batch_id) is None:
        raise BatchNotFound
    found = await batch_queries.rows(session, batch_id, after, limit)
    return page_of(found, limit, _row, lambda row: encode_cursor(vault, listing, [row.position]))


def _row(row: PayoutBatchRow) -> BatchRowView:
    return BatchRowView.model_validate(row)


def _plain(batch: PayoutBatch) -> dict[str, Any]:
    return {
        "id": batch.id,
        "number": batch.number,
        "business_on": batch.business_on,
        "channel": cast(Literal["door", "hand"], batch.channel),
        "status": cast(BatchStatus, batch.status),
        "rows": batch.rows,
        "amount_fen": batch.amount_fen,
        "sha256": batch.sha256.hex(),
        "refusal_code": batch.refusal_code,
        "made_at": batch.made_at,
        "submitted_at": batch.submitted_at,
        "settled_at": batch.settled_at,
    }


def result_view(result: PayoutBatchResult) -> ResultView:
    return ResultView(
        id=result.id,
        sha256=result.sha256.hex(),
        rows=result.rows,
        amount_fen=result.amount_fen,
        received_at=result.received_at,
        applied_at=result.applied_at,
    )


async def give_file_link(
    session: AsyncSession, vault: Vault, supervisor: Principal, batch_id: UUID
) -> FileLinkView:
    """A link that its asker can use once within a minute; raises BatchNotFound (404)."""
    if await batch_queries.batch(session, batch_id) is None:
        raise BatchNotFound
    link = PayoutBatchLink(
        id=new_id(),
        batch_id=batch_id,
        staff_id=supervisor.id,
        expires_at=system_now() + LINK_LIFE,
    )
    session.add(link)
    await session.flush()
    signed = link.id.bytes + vault.mac("batch-link", link.id.bytes, _MAC_BYTES)
    token = base64.urlsafe_b64encode(signed).decode().rstrip("=")
    return FileLinkView(url=f"/v1/staff/payout-batch-files/{token}", expires_at=link.expires_at)


async def follow_file_link(
    session: AsyncSession, vault: Vault, supervisor: Principal, token: str
) -> tuple[PayoutBatch, bytes]:
    """The batch and its plain file; the reading is recorded with the payouts shown.

    Raises BatchNotFound (404) for a forged link, FileLinkExpired (410) for a used, old or
    somebody else's one.
    """
    link_id = _verified(vault, token)
    batch_id = await batch_queries.use_link(session, link_id, supervisor.id, system_now())
    if batch_id is None:
        raise FileLinkExpired
    batch = await session.get_one(PayoutBatch, batch_id)
    await audit.record(
        session,
        supervisor,
        "payout_batch.read",
        subject="payout_batch",
        subject_ids=[batch_id],
        details={"link_id": str(link_id), "rows": batch.rows},
    )
    return batch, vault.open_bytes("payout_batch", batch.id, batch.sealed_file)


def _verified(vault: Vault, token: str) -> UUID:
    try:
        signed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise BatchNotFound from error
    link_id, mac = signed[:16], signed[16:]
    if len(mac) != _MAC_BYTES or not vault.mac_matches("batch-link", link_id, mac):
        raise BatchNotFound
    return UUID(bytes=link_id)
