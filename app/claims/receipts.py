"""Receipts of a claim: typed in, read from the code printed on them, compared, taken back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.bodies import ReceiptBody
from app.claims.invoice_numbers import (
    NUMBER,
    Invoice,
    invoice,
    invoice_of,
    lock_numbers,
    same_on,
)
from app.claims.life_errors import ReceiptNotFound, ReceiptOnDocument, ReceiptPaid
from app.claims.life_models import ClaimReceiptReading
from app.claims.models import Claim, ClaimDocument, ClaimReceipt, receipt_value
from app.documents.prover import Invoice as Printed
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id
from app.kernel.principal import SYSTEM, Principal
from app.kernel.vault import Vault

Difference = Literal["amount", "day", "number"]
Readings = Mapping[UUID, Sequence[ClaimReceiptReading]]
# The highest rate of value-added tax, in hundredths: what a sum before tax can come to.
_WITH_TAX = 113


async def type_in(
    session: AsyncSession,
    vault: Vault,
    actor: Principal,
    claim: Claim,
    body: ReceiptBody,
    now: datetime,
) -> ClaimReceipt:
    """Note an invoice; the same one again changes nothing, with another amount or day, or with
    the code that was left out, it takes the former one's place, which is kept.

    Raises ReceiptUsed (409) when another claim that may still be paid has it.
    """
    typed = invoice(body.code, body.number, body.amount_fen, body.issued_on)
    used = await same_on(session, vault, claim, typed)
    if used is None:
        receipt = _new(vault, actor, claim, typed, now)
        session.add(receipt)
    elif (former := invoice_of(vault, used)) != (kept := _with_code(typed, former)):
        used.released_at = used.removed_at = now
        await session.flush()
        receipt = _new(vault, actor, claim, kept, now)
        session.add(receipt)
        await session.flush()
        moved = update(ClaimReceiptReading).where(ClaimReceiptReading.receipt_id == used.id)
        await session.execute(moved.values(receipt_id=receipt.id))
    elif used.recorded_by_kind == SYSTEM.kind:
        receipt = used
        used.recorded_by_kind, used.recorded_by, used.recorded_at = actor.kind, actor.id, now
    else:
        return used
    await session.flush()
    await _state(session, actor, claim, "claim.add_receipt", receipt.id, now)
    return receipt


def _with_code(typed: Invoice, former: Invoice) -> Invoice:
    """A code that is known is not forgotten by who leaves it out."""
    if typed.code or not former.code:
        return typed
    # It may have been typed before the number this time.
    return replace(typed, code=former.code, number=former.number)


async def read_from(
    session: AsyncSession,
    vault: Vault,
    claim: Claim,
    document: ClaimDocument,
    invoices: Sequence[Printed],
    now: datetime,
) -> None:
    """Keep what a document's printed codes say; what nobody typed in yet is noted as read.

    Raises ReceiptUsed (409) when another claim that may still be paid has one of them.
    """
    printed = [
        (invoice(each.code, each.number, each.amount_fen, each.issued_on), each.whole)
        for each in invoices
    ]
    # All of them first and in one order: two claims with the same papers do not wait in a ring.
    await lock_numbers(session, [each for each, _ in printed], vault)
    for each, whole in printed:
        receipt = await same_on(session, vault, claim, each)
        if receipt is None:
            receipt = _new(vault, SYSTEM, claim, each, now)
            session.add(receipt)
            await session.flush()
            await _state(session, SYSTEM, claim, "claim.read_receipt", receipt.id, now)
        session.add(
            ClaimReceiptReading(
                receipt_id=receipt.id,
                document_id=document.id,
                amount_fen=each.amount_fen,
                issued_on=each.issued_on,
                whole=whole,
                read_at=now,
            )
        )
    await session.flush()


async def take_back(
    session: AsyncSession, actor: Principal, claim: Claim, receipt_id: UUID, now: datetime
) -> None:
    """Take a receipt off the claim, because it was typed wrongly; the row is kept.

    Raises ReceiptNotFound (404), ReceiptPaid (409) when money went out on the claim's receipts,
    ReceiptOnDocument (409) while a document of the claim names it.
    """
    receipt = await session.get(ClaimReceipt, receipt_id)
    if receipt is None or receipt.claim_id != claim.id or receipt.released_at is not None:
        raise ReceiptNotFound
    # A second look opens the claim again: what was paid on stays, or it would be paid on twice.
    if claim.paid_before_fen:
        raise ReceiptPaid
    if receipt.id in await readings_of(session, claim.id):
        raise ReceiptOnDocument
    receipt.released_at = receipt.removed_at = now
    await session.flush()
    await _state(session, actor, claim, "claim.take_back_receipt", receipt.id, now)


async def forget_readings(session: AsyncSession, document: ClaimDocument, now: datetime) -> None:
    """A document counts no more: what was only read from it is no receipt of the claim, unless
    money went out on it."""
    claim = await session.get_one(Claim, document.claim_id)
    if claim.paid_before_fen:
        return
    others = (
        select(ClaimReceiptReading.receipt_id)
        .join(ClaimDocument, ClaimDocument.id == ClaimReceiptReading.document_id)
        .where(ClaimDocument.status != "replaced", ClaimDocument.id != document.id)
    )
    read_here = select(ClaimReceiptReading.receipt_id).where(
        ClaimReceiptReading.document_id == document.id
    )
    await session.execute(
        update(ClaimReceipt)
        .where(
            ClaimReceipt.claim_id == document.claim_id,
            ClaimReceipt.id.in_(read_here),
            ClaimReceipt.id.not_in(others),
            ClaimReceipt.recorded_by_kind == SYSTEM.kind,
            ClaimReceipt.released_at.is_(None),
        )
        .values(released_at=now, removed_at=now)
    )


async def readings_of(session: AsyncSession, claim_id: UUID) -> Readings:
    """What the claim's documents that count say, by receipt."""
    rows = await session.scalars(
        select(ClaimReceiptReading)
        .join(ClaimDocument, ClaimDocument.id == ClaimReceiptReading.document_id)
        .where(ClaimDocument.claim_id == claim_id, ClaimDocument.status != "replaced")
        .order_by(ClaimReceiptReading.document_id)
    )
    found: dict[UUID, list[ClaimReceiptReading]] = {}
    for row in rows.all():
        found.setdefault(row.receipt_id, []).append(row)
    return found


def differences(receipt: ClaimReceipt, readings: Readings) -> list[Difference]:
    """In what a receipt is unlike the documents; `number` where these name others only.

    Papers without a readable code say nothing.
    """
    own = readings.get(receipt.id, ())
    if not own:
        return ["number"] if readings else []
    found: list[Difference] = []
    if not any(_can_be(receipt.amount_fen, each) for each in own):
        found.append("amount")
    if not any(receipt.issued_on == each.issued_on for each in own):
        found.append("day")
    return found


def _can_be(amount_fen: int, read: ClaimReceiptReading) -> bool:
    if read.whole:
        return amount_fen == read.amount_fen
    return read.amount_fen <= amount_fen <= read.amount_fen * _WITH_TAX // 100 + 1


def _new(
    vault: Vault, actor: Principal, claim: Claim, noted: Invoice, now: datetime
) -> ClaimReceipt:
    receipt_id, record = new_id(), noted.record()
    return ClaimReceipt(
        id=receipt_id,
        claim_id=claim.id,
        receipt_index=vault.blind_index("receipt", receipt_value(record)),
        number_index=vault.blind_index(NUMBER, noted.number),
        sealed=vault.seal("claim_receipt", receipt_id, record),
        amount_fen=noted.amount_fen,
        issued_on=noted.issued_on,
        recorded_by_kind=actor.kind,
        recorded_by=actor.id,
        recorded_at=now,
    )


async def _state(
    session: AsyncSession,
    actor: Principal,
    claim: Claim,
    verb: str,
    receipt_id: UUID,
    now: datetime,
) -> None:
    stated = Fact("claim", claim.id, verb, None, {"receipt_id": str(receipt_id)})
    behalf = claim.person_id if actor.kind == "staff" else None
    await state(session, [stated], actor=actor, at=now, on_behalf_of=behalf)
