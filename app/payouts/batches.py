"""Making a batch of what waits, handing it in, and letting go of what a batch held.

A payout in a batch keeps its number: in whichever file or call it travels, the bank knows
it as the same transfer.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import business_day, day_start, system_now
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id, new_number
from app.kernel.jobs import enqueue, schedule
from app.kernel.principal import SYSTEM, Principal
from app.kernel.transitions import begin, move
from app.kernel.vault import Vault
from app.kernel.workdays import workdays_after
from app.members.models import Person
from app.members.service import name_of
from app.payouts import batch_queries
from app.payouts.batch_errors import BatchNotByHand, BatchNotFound, NothingToBatch
from app.payouts.batch_files import FileRow, write_file
from app.payouts.batch_models import BATCH, PayoutBatch, PayoutBatchRow
from app.payouts.events import (
    ASK_ROWS,
    BATCH_MADE,
    BATCH_REFUSED,
    BATCH_SETTLED,
    SUBMIT_BATCH,
)
from app.payouts.models import Payout, PayoutAccount
from app.payouts.moving import move_payouts
from app.payouts.remarks import remark_of

Channel = Literal["door", "hand"]
MOST_ROWS = 2_000
# A row without a result for so many working days is asked about on its own.
UNHEARD_WORKDAYS = 2

# $1 the payouts' ids, $2 from, $3 to, $4 now, $5 actor kind, $6 actor, $7 reason or null.


async def make_batch(
    session: AsyncSession, vault: Vault, actor: Principal, channel: Channel, now: datetime
) -> PayoutBatch:
    """A file of up to 2,000 payouts that wait; raises NothingToBatch (409).

    Handed in by the worker (`door`) or by a person (`hand`).
    """
    payouts = await batch_queries.waiting(session, MOST_ROWS)
    if not payouts:
        raise NothingToBatch
    rows = await _file_rows(session, vault, payouts)
    batch_id, number, day = new_id(), new_number("B"), business_day(now)
    content = write_file(number, day, rows)
    batch = PayoutBatch(
        id=batch_id,
        number=number,
        business_on=day,
        channel=channel,
        status="prepared",
        rows=len(rows),
        amount_fen=sum(row.amount_fen for row in rows),
        sha256=hashlib.sha256(content).digest(),
        sealed_file=vault.seal_bytes("payout_batch", batch_id, content),
        made_by_kind=actor.kind,
        made_by=actor.id,
        made_at=now,
        next_look_at=system_now() if channel == "door" else None,
    )
    begin(session, BATCH, batch, actor=actor, at=now)
    await session.flush()
    session.add_all(
        PayoutBatchRow(
            batch_id=batch_id,
            position=position,
            payout_id=payout.id,
            reference=payout.out_bill_no,
            amount_fen=payout.amount_fen,
            outcome="pending",
        )
        for position, payout in enumerate(payouts, 1)
    )
    await session.flush()
    ids = [payout.id for payout in payouts]
    await move_payouts(session, ids, "requested", "sending", actor, now)
    content_of = {"number": number, "rows": batch.rows, "amount_fen": batch.amount_fen}
    made = Fact("payout_batch", batch_id, "payout_batch.make", BATCH_MADE, content_of)
    await state(session, [made], actor=actor, at=now)
    if channel == "door":
        await enqueue(session, SUBMIT_BATCH, {"batch_id": str(batch_id)})
    return batch


async def _file_rows(
    session: AsyncSession, vault: Vault, payouts: Sequence[Payout]
) -> list[FileRow]:
    accounts = await _by_id(session, PayoutAccount, {each.payout_account_id for each in payouts})
    people = await _by_id(session, Person, {each.payee_person_id for each in payouts})
    rows = []
    for payout in payouts:
        account = accounts[payout.payout_account_id]
        record = vault.open("payout_account", account.id, account.sealed)
        rows.append(
            FileRow(
                reference=payout.out_bill_no,
                account_number=record["account_number"],
                account_name=name_of(vault, people[payout.payee_person_id]),
                bank_code=record["bank_code"],
                amount_fen=payout.amount_fen,
                remark=remark_of(payout),
            )
        )
    return rows


async def _by_id(session: AsyncSession, model: Any, ids: set[Any]) -> dict[Any, Any]:
    found = await session.scalars(select(model).where(model.id.in_(ids)))
    return {each.id: each for each in found}


async def payouts_of(session: AsyncSession, batch_id: UUID) -> list[UUID]:
    """The payouts that a batch still holds."""
    found = await session.scalars(
        select(PayoutBatchRow.payout_id).where(
            PayoutBatchRow.batch_id == batch_id,
            PayoutBatchRow.outcome.in_(("pending", "unknown")),
        )
    )
    return list(found)


async def hand_in(
    session: AsyncSession, supervisor: Principal, batch_id: UUID, now: datetime
) -> PayoutBatch:
    """A person has handed the file in; raises BatchNotFound (404), BatchNotByHand (409)."""
    batch = await batch_queries.batch(session, batch_id, lock=True)
    if batch is None:
        raise BatchNotFound
    if batch.channel != "hand":
        raise BatchNotByHand
    await taken(session, batch, supervisor, now)
    return batch


async def taken(session: AsyncSession, batch: PayoutBatch, actor: Principal, now: datetime) -> None:
    """The bank has the file: its payouts are accepted, and late rows will be asked about."""
    await move(session, BATCH, batch, "submitted", actor=actor, at=now)
    batch.submitted_at = now
    batch.next_look_at = system_now() if batch.channel == "door" else None
    ids = await payouts_of(session, batch.id)
    await move_payouts(session, ids, "sending", "accepted", actor, now)
    asked_on = workdays_after(business_day(now), UNHEARD_WORKDAYS)
    await schedule(session, ASK_ROWS, batch.id, day_start(workdays_after(asked_on, 1)))
    submitted = Fact("payout_batch", batch.id, "payout_batch.submit")
    await state(session, [submitted], actor=actor, at=now)


async def refused(session: AsyncSession, batch: PayoutBatch, code: str, now: datetime) -> None:
    """The bank never took the file: its payouts wait for another batch, under their numbers."""
    await move(session, BATCH, batch, "refused", actor=SYSTEM, at=now, reason_code=code)
    batch.refusal_code, batch.next_look_at = code, None
    ids = await payouts_of(session, batch.id)
    await session.execute(
        text("update payout_batch_row set outcome = 'released' where batch_id = :id"),
        {"id": batch.id},
    )
    await move_payouts(session, ids, "sending", "requested", SYSTEM, now, code)
    content = {"number": batch.number, "refusal_code": code}
    fact = Fact("payout_batch", batch.id, "payout_batch.refuse", BATCH_REFUSED, content)
    await state(session, [fact], actor=SYSTEM, at=now)


async def settle_when_done(session: AsyncSession, batch: PayoutBatch, now: datetime) -> None:
    """A submitted batch whose rows all have an end is settled; the batch is locked."""
    if batch.status != "submitted" or await payouts_of(session, batch.id):
        return
    await move(session, BATCH, batch, "settled", actor=SYSTEM, at=now)
    batch.settled_at, batch.next_look_at = now, None
    await session.flush()
    content = {"number": batch.number}
    fact = Fact("payout_batch", batch.id, "payout_batch.settle", BATCH_SETTLED, content)
    await state(session, [fact], actor=SYSTEM, at=now)
