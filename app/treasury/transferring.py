"""Giving money of an organisation's own fund to another fund: one proposes, another posts.

It goes from `fund:…` to another organisation's, or to a relief fund whose account the same
people manage. Money that a relief fund holds stays relief: it is given away by a board only.
Nothing is set aside by a proposal; what the fund holds is looked at when it is posted.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import business_day
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id
from app.kernel.pagination import Page, decode_cursor, encode_cursor, page_of
from app.kernel.principal import Principal
from app.kernel.transitions import begin, move
from app.kernel.vault import Vault
from app.ledger import queries as ledger
from app.ledger.errors import AccountUnknown, SecondPersonNeeded
from app.ledger.holding import FUNDS, require_left
from app.ledger.models import LedgerAccount
from app.ledger.service import post
from app.relief.funds import lose_transfer, take_transfer
from app.treasury.errors import FundsBound, SameFund, TransferDecided, TransferUnknown
from app.treasury.events import FUNDS_TRANSFERRED
from app.treasury.transfer_models import FUND_TRANSFER, FundTransfer
from app.treasury.transfer_schemas import FundTransferBody, FundTransferView

KIND = "fund.transferred"


async def propose(
    session: AsyncSession, supervisor: Principal, body: FundTransferBody, now: datetime
) -> FundTransferView:
    """Ask for a transfer between two funds that the caller manages.

    Raises AccountUnknown (404), FundsBound, SameFund (422), FundShort (409).
    """
    for code in (body.from_account, body.to_account):
        await _require_managed(session, supervisor, code)
    if not body.from_account.startswith(FUNDS):
        raise FundsBound
    if body.from_account == body.to_account:
        raise SameFund
    await require_left(session, body.from_account, body.amount_fen)
    transfer = FundTransfer(
        id=new_id(),
        from_account=body.from_account,
        to_account=body.to_account,
        amount_fen=body.amount_fen,
        reason=body.reason,
        status="proposed",
        proposed_by=supervisor.id,
        proposed_at=now,
    )
    begin(session, FUND_TRANSFER, transfer, actor=supervisor, at=now)
    await session.flush()
    await _tell(session, supervisor, transfer, "propose", now)
    return view_of(transfer)


async def decide(
    session: AsyncSession,
    supervisor: Principal,
    transfer_id: UUID,
    verdict: Literal["approve", "decline"],
    now: datetime,
) -> FundTransferView:
    """The second person's word, who manages both funds as well: posted at once, or declined.

    Raises TransferUnknown (404), SecondPersonNeeded (403), TransferDecided, FundShort,
    FundClosed (409).
    """
    transfer = await session.get(
        FundTransfer, transfer_id, with_for_update=True, populate_existing=True
    )
    if transfer is None:
        raise TransferUnknown
    try:
        for code in (transfer.from_account, transfer.to_account):
            await _require_managed(session, supervisor, code)
    except AccountUnknown:
        raise TransferUnknown from None
    if transfer.status != "proposed":
        raise TransferDecided
    if transfer.proposed_by == supervisor.id:
        raise SecondPersonNeeded
    if verdict == "approve":
        transfer.posting_id = await _post(session, supervisor, transfer, now)
    transfer.decided_by, transfer.decided_at = supervisor.id, now
    target = "posted" if verdict == "approve" else "declined"
    await move(session, FUND_TRANSFER, transfer, target, actor=supervisor, at=now)
    await _tell(session, supervisor, transfer, "post" if verdict == "approve" else "decline", now)
    return view_of(transfer)


async def _post(
    session: AsyncSession, actor: Principal, transfer: FundTransfer, now: datetime
) -> UUID:
    await require_left(session, transfer.from_account, transfer.amount_fen)
    await take_transfer(session, transfer.to_account, transfer.amount_fen)
    return await post(
        session,
        KIND,
        [(transfer.from_account, transfer.amount_fen), (transfer.to_account, -transfer.amount_fen)],
        event_on=business_day(now),
        reference_id=transfer.id,
        actor=actor,
    )


async def follow_reversal(session: AsyncSession, posting_id: UUID, now: datetime) -> None:
    """A booking was taken back in this transaction: if it was a transfer's, so was that.

    Raises FundExhausted (409) for what a relief fund has granted already.
    """
    transfer = await session.scalar(
        select(FundTransfer).where(FundTransfer.posting_id == posting_id).with_for_update()
    )
    if transfer is not None:
        transfer.reversed_at = now
        await lose_transfer(session, transfer.to_account, transfer.amount_fen)


async def _require_managed(session: AsyncSession, staff: Principal, code: str) -> None:
    if not await ledger.accounts(session, staff, code):
        raise AccountUnknown


async def _tell(
    session: AsyncSession, actor: Principal, transfer: FundTransfer, verb: str, now: datetime
) -> None:
    content = {
        "from": transfer.from_account,
        "to": transfer.to_account,
        "amount_fen": transfer.amount_fen,
    }
    event = FUNDS_TRANSFERRED if verb == "post" else None
    told = Fact("fund_transfer", transfer.id, f"fund_transfer.{verb}", event, content)
    await state(session, [told], actor=actor, at=now)


async def page_of_transfers(
    session: AsyncSession,
    vault: Vault,
    reader: Principal,
    status: str | None,
    account: str | None,
    cursor: str | None,
    limit: int,
) -> Page[FundTransferView]:
    """Transfers from or to funds that the reader may see, newest first."""
    listing = f"fund-transfers:{reader.id}:{status}:{account}"
    after = decode_cursor(vault, listing, cursor)
    seen = ledger.visible_accounts(reader).with_only_columns(LedgerAccount.code)
    if account is not None:
        seen = seen.where(LedgerAccount.code == account)
    found = (
        select(FundTransfer)
        .where(or_(FundTransfer.from_account.in_(seen), FundTransfer.to_account.in_(seen)))
        .order_by(FundTransfer.id.desc())
        .limit(limit + 1)
    )
    if status is not None:
        found = found.where(FundTransfer.status == status)
    if after is not None:
        found = found.where(FundTransfer.id < UUID(after[0]))
    rows = (await session.scalars(found)).all()
    return page_of(rows, limit, view_of, lambda row: encode_cursor(vault, listing, [str(row.id)]))


def view_of(transfer: FundTransfer) -> FundTransferView:
    return FundTransferView.model_validate(transfer)
