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
- two different codes are two invoices; where amount and day agree as well, one of the codes may
  be a slip of the pen, and a person judges it.

How code and number were typed does not matter: with or without leading zeros, or the code
before the number in one field.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

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
# What codes and numbers can be (`bodies.ReceiptBody`).
_CODE_MOST = 20
_NUMBER_LEAST, _NUMBER_MOST = 4, 30
# So many leading zeros are left out, or added, at most: numbers that have fewer than eight
# digits without them are printed with eight.
_ZEROS = 4


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

    @property
    def whole(self) -> str:
        """Code and number in one, in whichever field each was typed."""
        return (self.code + self.number).lstrip("0")

    @property
    def _amount_and_day(self) -> tuple[int, date]:
        return self.amount_fen, self.issued_on

    def like(self, other: "Invoice") -> bool:
        """Whether it may be the same one: whoever left a code out may have meant the other's."""
        if self.whole == other.whole:
            return True
        if self.number.lstrip("0") != other.number.lstrip("0"):
            return False
        return self._same_code(other) or not (self.code and other.code) or self._digital(other)

    def is_(self, other: "Invoice") -> bool:
        """Whether it counts as the same one, so that both are not paid."""
        if not self.like(other):
            return False
        if self.whole == other.whole or self._same_code(other) or self._digital(other):
            return True
        return self._amount_and_day == other._amount_and_day

    def odd_beside(self, other: "Invoice") -> bool:
        """Whether a person looks at both: another code, and all else is the same."""
        same = self.number.lstrip("0") == other.number.lstrip("0")
        return self.like(other) or (same and self._amount_and_day == other._amount_and_day)

    def _same_code(self, other: "Invoice") -> bool:
        return self.code.lstrip("0") == other.code.lstrip("0")

    def _digital(self, other: "Invoice") -> bool:
        return self.digital or other.digital

    def numbers(self) -> list[str]:
        """The number with more or fewer leading zeros."""
        bare = self.number.lstrip("0")
        most = min(max(len(self.number), len(bare) + _ZEROS), _NUMBER_MOST)
        return [bare.zfill(digits) for digits in range(len(bare), most + 1)]

    def spellings(self) -> list[str]:
        """What a receipt of it is indexed by, wherever its code was cut from its number."""
        bare = self.whole
        found = []
        for spelt in (bare.zfill(len(bare) + zeros) for zeros in range(_ZEROS + 1)):
            for digits in range(_NUMBER_LEAST, min(len(spelt), _NUMBER_MOST) + 1):
                cut = len(spelt) - digits
                if cut <= _CODE_MOST:
                    found.append(receipt_value({"code": spelt[:cut], "number": spelt[cut:]}))
        return found


def invoice(code: str, number: str, amount_fen: int, issued_on: date) -> Invoice:
    """As it was typed or read: letters count alike in both cases, and a code that was typed
    before the number as well, or a number of twenty digits typed as the code, is put right.
    """
    code, number = code.upper(), number.upper()
    if len(code) == _DIGITAL_NUMBER and code.isdigit():
        code, number = "", code
    elif code and len(number) - len(code) >= _NUMBER_LEAST:
        number = number.removeprefix(code)
    return Invoice(code, number, amount_fen, issued_on)


def invoice_of(vault: Vault, receipt: ClaimReceipt) -> Invoice:
    """What a receipt's record says."""
    record = vault.open("claim_receipt", receipt.id, receipt.sealed)
    return Invoice(record["code"], record["number"], receipt.amount_fen, receipt.issued_on)


async def lock_numbers(session: AsyncSession, invoices: Iterable[Invoice], vault: Vault) -> None:
    """One claim at a time for a number: the unique index holds equal spellings only.

    The last digits are the same however it was typed.
    """
    for digits in sorted({each.number[-_NUMBER_LEAST:] for each in invoices}):
        index = vault.blind_index(NUMBER, digits).hex()
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
    living = await session.scalars(
        select(ClaimReceipt)
        .where(_found(vault, [wanted]), ClaimReceipt.released_at.is_(None))
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


def _found(vault: Vault, wanted: Iterable[Invoice]) -> ColumnElement[bool]:
    """Receipts that may be one of these, as far as their indexes tell."""
    numbers: set[bytes] = set()
    # One whose number has no index yet is at least found by code and number.
    whole: set[bytes] = set()
    for each in wanted:
        for number in each.numbers():
            numbers.update(vault.blind_index_candidates(NUMBER, number))
        for value in (receipt_value(each.record()), *each.spellings()):
            whole.update(vault.blind_index_candidates("receipt", value))
    return or_(ClaimReceipt.number_index.in_(numbers), ClaimReceipt.receipt_index.in_(whole))


async def same_numbers(session: AsyncSession, vault: Vault, claim: Claim) -> list[Noticed]:
    """Invoices of which another claim has the number, without the code, beside none, or with
    all else the same; whatever became of that claim. Typed alike it is `same-invoice`.

    One that was typed wrongly and taken back is no invoice of that claim.
    """
    living = select(ClaimReceipt).where(
        ClaimReceipt.claim_id == claim.id, ClaimReceipt.released_at.is_(None)
    )
    mine = [(each, invoice_of(vault, each)) for each in (await session.scalars(living)).all()]
    if not mine:
        return []
    rows = await session.scalars(
        select(ClaimReceipt)
        .join(Claim, Claim.id == ClaimReceipt.claim_id)
        .where(
            _found(vault, [its for _, its in mine]),
            ClaimReceipt.removed_at.is_(None),
            ClaimReceipt.claim_id != claim.id,
            Claim.submitted_at.is_not(None),
        )
        .order_by(Claim.submitted_at.desc())
    )
    theirs = [(each, invoice_of(vault, each)) for each in rows.all()]
    alike = [
        (receipt.id, {"claim_id": str(other.claim_id)})
        for receipt, its in mine
        for other, of_other in theirs
        if receipt.receipt_index != other.receipt_index and its.odd_beside(of_other)
    ]
    return naming("same-invoice-number", "receipt_id", alike)


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
