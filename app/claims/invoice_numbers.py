"""One invoice, one number: what else bears it, whether a code was typed beside it or not.

Older invoices are named by code and number together: the eight digits alone come again with
other codes. Fully digital ones have twenty digits and no code. So of two receipts with one
number

- the same code, or twenty digits, is the same invoice: it pays once, whoever asks second is
  refused;
- no code on one side, with equal amount and day, is taken for the same invoice and refused as
  well: that an invoice of another issuer agrees in all three is so unlikely that whoever has one
  takes it to the office, while leaving out the code would be the way to be paid twice;
- no code on one side, with another amount or day, may be another invoice or a slip of the pen:
  nobody is refused for that, and a person judges it before anything is paid
  (`same-invoice-number`);
- two different codes are two invoices.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.claims.errors import ReceiptUsed
from app.claims.models import Claim, ClaimReceipt, receipt_value
from app.claims.signals import Noticed, naming
from app.kernel.jobs import JobContext
from app.kernel.vault import Vault, VaultError

log = structlog.get_logger("claims")

NUMBER = "receipt-number"
BATCH = 500
# Invoices of today's kind have one number of twenty digits and no code.
_DIGITAL_NUMBER = 20


@dataclass(frozen=True, slots=True)
class Invoice:
    """What an invoice is known by, as printed."""

    code: str
    number: str
    amount_fen: int
    issued_on: date

    def record(self) -> dict[str, str]:
        """What is sealed with a receipt."""
        return {"code": self.code, "number": self.number}

    @property
    def digital(self) -> bool:
        return len(self.number) == _DIGITAL_NUMBER and self.number.isdigit()

    @property
    def named(self) -> bool:
        """Whether it is told from every other."""
        return bool(self.code) or self.digital

    def like(self, other: "Invoice") -> bool:
        """Whether it may be the same one: whoever left a code out may have meant the other's."""
        same = self.code == other.code or not (self.code and other.code)
        return self.number == other.number and (same or self.digital)

    def is_(self, other: "Invoice") -> bool:
        """Whether it counts as the same one, so that both are not paid."""
        if not self.like(other):
            return False
        if self.digital or self.code == other.code:
            return True
        return (self.amount_fen, self.issued_on) == (other.amount_fen, other.issued_on)


def invoice(code: str, number: str, amount_fen: int, issued_on: date) -> Invoice:
    """As it was typed or read: letters count alike in both cases."""
    return Invoice(code.upper(), number.upper(), amount_fen, issued_on)


def invoice_of(vault: Vault, receipt: ClaimReceipt) -> Invoice:
    """What a receipt's record says."""
    record = vault.open("claim_receipt", receipt.id, receipt.sealed)
    return Invoice(record["code"], record["number"], receipt.amount_fen, receipt.issued_on)


async def lock_numbers(session: AsyncSession, invoices: Iterable[Invoice], vault: Vault) -> None:
    """One claim at a time for a number: the unique index holds equal codes only."""
    for number in sorted({each.number for each in invoices}):
        index = vault.blind_index(NUMBER, number).hex()
        await session.execute(
            text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"),
            {"key": f"claim-receipt:{index}"},
        )


async def same_on(
    session: AsyncSession, vault: Vault, claim: Claim, wanted: Invoice
) -> ClaimReceipt | None:
    """The claim's own receipt of an invoice, under the lock of its number.

    Raises ReceiptUsed (409) when another claim that may still be paid has it.
    """
    await lock_numbers(session, [wanted], vault)
    by_number = vault.blind_index_candidates(NUMBER, wanted.number)
    exact = vault.blind_index_candidates("receipt", receipt_value(wanted.record()))
    living = await session.scalars(
        select(ClaimReceipt)
        .where(
            or_(
                ClaimReceipt.number_index.in_(by_number),
                # One whose number has no index yet is at least found by both.
                ClaimReceipt.receipt_index.in_(exact),
            ),
            ClaimReceipt.released_at.is_(None),
        )
        .order_by(ClaimReceipt.id)
    )
    own: list[tuple[bool, ClaimReceipt]] = []
    for each in living.all():
        other = invoice_of(vault, each)
        if each.claim_id != claim.id:
            if wanted.is_(other):
                raise ReceiptUsed
        elif wanted.like(other):
            own.append((wanted.code != other.code, each))
    return min(own, key=lambda each: each[0])[1] if own else None


async def same_numbers(session: AsyncSession, vault: Vault, claim: Claim) -> list[Noticed]:
    """Invoices of which another claim has the number, without the code or beside none; whatever
    became of that claim. With the same code it is `same-invoice`.

    One that was typed wrongly and taken back is no invoice of that claim.
    """
    mine, other = ClaimReceipt, aliased(ClaimReceipt)
    rows = await session.execute(
        select(mine, other)
        .join(other, other.number_index == mine.number_index)
        .join(Claim, Claim.id == other.claim_id)
        .where(
            mine.claim_id == claim.id,
            mine.released_at.is_(None),
            other.removed_at.is_(None),
            other.claim_id != claim.id,
            other.receipt_index != mine.receipt_index,
            Claim.submitted_at.is_not(None),
        )
        .order_by(Claim.submitted_at.desc())
    )
    pairs = [(row[0], row[1]) for row in rows]
    return naming("same-invoice-number", "receipt_id", _alike(vault, pairs))


def _alike(
    vault: Vault, pairs: Sequence[tuple[ClaimReceipt, ClaimReceipt]]
) -> Iterable[tuple[UUID, Mapping[str, Any]]]:
    """Which of equal numbers may be one invoice: by id, with the other claim."""
    for mine, theirs in pairs:
        if invoice_of(vault, mine).like(invoice_of(vault, theirs)):
            yield mine.id, {"claim_id": str(theirs.claim_id)}


async def index_numbers(context: JobContext, _payload: Mapping[str, Any]) -> None:
    """Give receipts from before numbers were indexed theirs, some at a time; asked for again and
    again, because only a process that has the vault's keys can.
    """
    last = UUID(int=0)
    while True:
        async with context.transaction() as session:
            rows = await session.scalars(
                select(ClaimReceipt)
                .where(ClaimReceipt.number_index.is_(None), ClaimReceipt.id > last)
                .order_by(ClaimReceipt.id)
                .limit(BATCH)
                .with_for_update(skip_locked=True)
            )
            found = rows.all()
            for receipt in found:
                _index(context.vault, receipt)
        if not found:
            return
        last = found[-1].id


def _index(vault: Vault, receipt: ClaimReceipt) -> None:
    try:
        number = invoice_of(vault, receipt).number
    except VaultError:
        # Rotations count and name it as well; the others go on.
        log.warning("a record does not open", table="claim_receipt")
        return
    receipt.number_index = vault.blind_index(NUMBER, number)
