"""Taking a transaction back: by its mirror image, once, with a reason; large ones by two people."""

from datetime import datetime
from typing import Literal, cast
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import business_day
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.transitions import begin, move
from app.ledger import queries
from app.ledger.errors import (
    AlreadyReversed,
    FollowsItsFact,
    NothingProposed,
    SecondPersonNeeded,
    TransactionUnknown,
)
from app.ledger.events import TRANSACTION_REVERSED
from app.ledger.holding import FUNDS, require_left
from app.ledger.models import REVERSAL, LedgerReceipt, LedgerReversal, LedgerTransaction
from app.ledger.receipts import KIND as RECEIPT
from app.ledger.schemas import ReversalView, TransactionEntryView, TransactionView
from app.ledger.service import post

# Up to this one supervisor may decide alone (parameter; the same as for claims).
ALONE_MOST_FEN = 2_000_000
KIND = "reversal"
# Other tables say the same as these bookings: both would have to change.
_FOLLOWS = ("contribution.", "benefit.", "refund.", "relief.")
# What the other side said, and so is said of it by us.
_AS_THEY_SAY = ("difference.refunded", "difference.released")


async def reverse(
    session: AsyncSession, supervisor: Principal, transaction_id: UUID, reason: str, now: datetime
) -> ReversalView:
    """Post the mirror image today, or propose it where the amount needs a second person.

    Raises TransactionUnknown (404), FollowsItsFact, AlreadyReversed, FundShort (409).
    """
    transaction = await queries.transaction(session, transaction_id)
    if transaction is None:
        raise TransactionUnknown
    if transaction.kind in (KIND, *_AS_THEY_SAY) or transaction.kind.startswith(_FOLLOWS):
        raise FollowsItsFact
    if await queries.reversal_of(session, transaction_id) is not None:
        raise AlreadyReversed
    entries = await queries.entries_of(session, transaction_id)
    amount = sum(row.amount_fen for row in entries if row.amount_fen > 0)
    alone = amount <= ALONE_MOST_FEN
    reversal = LedgerReversal(
        id=new_id(),
        transaction_id=transaction_id,
        reason=reason,
        amount_fen=amount,
        status="posted" if alone else "proposed",
        proposed_by=supervisor.id,
        proposed_at=now,
    )
    if alone:
        reversal.posting_id = await _post(session, transaction, supervisor, now)
    begin(session, REVERSAL, reversal, actor=supervisor, at=now)
    await session.flush()
    await _tell(session, reversal, supervisor, now)
    return view_of(reversal)


async def decide(
    session: AsyncSession,
    supervisor: Principal,
    transaction_id: UUID,
    verdict: Literal["approve", "decline"],
    now: datetime,
) -> ReversalView:
    """The second person's word on a proposed reversal.

    Raises NothingProposed (404), SecondPersonNeeded (403), FundShort (409).
    """
    reversal = await queries.reversal_of(session, transaction_id, lock=True)
    if reversal is None or reversal.status != "proposed":
        raise NothingProposed
    if reversal.proposed_by == supervisor.id:
        raise SecondPersonNeeded
    transaction = await queries.transaction(session, transaction_id)
    if transaction is None:
        raise TransactionUnknown
    posting_id = None
    if verdict == "approve":
        posting_id = await _post(session, transaction, supervisor, now)
    reversal.posting_id = posting_id
    reversal.decided_by, reversal.decided_at = supervisor.id, now
    target = "posted" if verdict == "approve" else "declined"
    await move(session, REVERSAL, reversal, target, actor=supervisor, at=now)
    await _tell(session, reversal, supervisor, now)
    return view_of(reversal)


async def _post(
    session: AsyncSession, transaction: LedgerTransaction, actor: Principal, now: datetime
) -> UUID:
    entries = await queries.entries_of(session, transaction.id)
    for row in entries:
        # What came into a fund by mistake may have been given on.
        if row.account_code.startswith(FUNDS) and row.amount_fen < 0:
            await require_left(session, row.account_code, -row.amount_fen)
    if transaction.kind == RECEIPT:
        await session.execute(
            update(LedgerReceipt)
            .where(LedgerReceipt.id == transaction.reference_id)
            .values(reversed_at=now)
        )
    return await post(
        session,
        KIND,
        [(row.account_code, -row.amount_fen) for row in entries],
        event_on=business_day(now),
        reference_id=transaction.id,
        actor=actor,
    )


async def _tell(
    session: AsyncSession, reversal: LedgerReversal, actor: Principal, now: datetime
) -> None:
    verb = {"posted": "post", "proposed": "propose", "declined": "decline"}[reversal.status]
    event = TRANSACTION_REVERSED if reversal.status == "posted" else None
    content = {"transaction_id": str(reversal.transaction_id), "amount_fen": reversal.amount_fen}
    fact = Fact("ledger_reversal", reversal.id, f"ledger_reversal.{verb}", event, content)
    await state(session, [fact], actor=actor, at=now)


async def read_transaction(session: AsyncSession, transaction_id: UUID) -> TransactionView:
    """One transaction whole; raises TransactionUnknown (404)."""
    found = await queries.transaction(session, transaction_id)
    if found is None:
        raise TransactionUnknown
    reversal = await queries.reversal_of(session, transaction_id)
    return TransactionView(
        id=found.id,
        kind=found.kind,
        reference_id=found.reference_id,
        event_on=found.event_on,
        posted_on=found.posted_on,
        posted_at=found.posted_at,
        actor_kind=found.actor_kind,
        actor_id=found.actor_id,
        entries=[
            TransactionEntryView(account=row.account_code, amount_fen=row.amount_fen)
            for row in await queries.entries_of(session, transaction_id)
        ],
        reversal=view_of(reversal) if reversal else None,
    )


def view_of(reversal: LedgerReversal) -> ReversalView:
    return ReversalView(
        id=reversal.id,
        transaction_id=reversal.transaction_id,
        status=cast(Literal["proposed", "posted", "declined"], reversal.status),
        amount_fen=reversal.amount_fen,
        posting_id=reversal.posting_id,
        proposed_at=reversal.proposed_at,
        decided_at=reversal.decided_at,
    )
