"""Facts of a claim: every change kept, the newest counts; and whether its receipts are held."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import queries
from app.claims.errors import DocumentsClosed, ReceiptUsed
from app.claims.invoice_numbers import invoice_of, lock_numbers, same_on
from app.claims.locks import lock_file
from app.claims.models import Claim, ClaimFacts, ClaimReceipt
from app.claims.terms import check_known
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.vault import Vault
from app.plans.terms import PlanTerms

# While these last, the member may still add to the claim.
OPEN_TO_MEMBER = frozenset({"draft", "waiting_for_member", "appealed"})


def require_open(claim: Claim) -> None:
    """Raise DocumentsClosed (409) when the member's part is over."""
    if claim.status not in OPEN_TO_MEMBER:
        raise DocumentsClosed


async def facts_known(session: AsyncSession, vault: Vault, claim: Claim) -> dict[str, Any]:
    """The facts as last given."""
    row = await queries.facts_of(session, claim.id)
    return {} if row is None else vault.open("claim_facts", row.id, row.sealed)


async def givers_of(session: AsyncSession, claim_id: UUID) -> dict[str, str]:
    """Who gave each fact as it now stands: `member`, `caseworker` or `reviewer`."""
    rows = await session.execute(
        select(ClaimFacts.names, ClaimFacts.given_by_kind, ClaimFacts.reason_code)
        .where(ClaimFacts.claim_id == claim_id)
        .order_by(ClaimFacts.version)
    )
    givers: dict[str, str] = {}
    for names, kind, reason in rows:
        # Who reviews says why; who receives a claim at the counter does not.
        giver = kind if kind == "member" else "caseworker" if reason is None else "reviewer"
        givers.update(dict.fromkeys(names, giver))
    return givers


async def give_facts(
    session: AsyncSession,
    vault: Vault,
    giver: Principal,
    claim: Claim,
    terms: PlanTerms,
    facts: Mapping[str, Any],
    reason_code: str | None,
    now: datetime,
) -> dict[str, Any]:
    """Add or change facts; what was known before stays in history. Returns all of them.

    The claim's row is locked by the caller. Raises UnknownFact (422).
    """
    check_known(terms, terms.benefit(claim.benefit_code), facts)
    last = await queries.facts_of(session, claim.id)
    known = {} if last is None else vault.open("claim_facts", last.id, last.sealed)
    changed = sorted(name for name, value in facts.items() if known.get(name) != value)
    merged = {**known, **facts}
    if not changed:
        return merged
    row_id = new_id()
    session.add(
        ClaimFacts(
            id=row_id,
            claim_id=claim.id,
            version=1 if last is None else last.version + 1,
            names=changed,
            sealed=vault.seal("claim_facts", row_id, merged),
            given_by_kind=giver.kind,
            given_by=giver.id,
            given_at=now,
            reason_code=reason_code,
        )
    )
    await session.flush()
    given = Fact("claim", claim.id, "claim.give_facts", None, {"names": changed})
    await state(session, [given], actor=giver, at=now)
    return merged


async def release_receipts(session: AsyncSession, claim: Claim, now: datetime) -> None:
    """A claim that is not paid lets its receipts be used again."""
    await session.execute(
        update(ClaimReceipt)
        .where(ClaimReceipt.claim_id == claim.id, ClaimReceipt.released_at.is_(None))
        .values(released_at=now)
    )


async def hold_receipts(session: AsyncSession, vault: Vault, claim: Claim) -> None:
    """A denied claim is looked at again: its receipts count as used again.

    Raises ReceiptUsed (409) when another claim that may still be paid has one of them.
    """
    for document, _ in await queries.documents_of(session, claim.id):
        if document.kind == "receipt":
            await lock_file(session, document.fingerprint)
            if await queries.receipt_file_used(session, claim.id, document.fingerprint):
                raise ReceiptUsed
    released = await session.scalars(
        select(ClaimReceipt).where(
            ClaimReceipt.claim_id == claim.id,
            ClaimReceipt.released_at.is_not(None),
            ClaimReceipt.removed_at.is_(None),
        )
    )
    receipts = [(each, invoice_of(vault, each)) for each in released.all()]
    await lock_numbers(session, [its for _, its in receipts], vault)
    for receipt, its in receipts:
        await same_on(session, vault, claim, its)
        receipt.released_at = None
    await session.flush()
