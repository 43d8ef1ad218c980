"""Receipts before a decision: what counts as captured, what a reviewer types in, what is missing.

The rule and people ask the same: nothing is approved on the picture of a receipt of which nobody
has noted what makes it that receipt, since "one receipt pays once" hangs on its number.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import queries
from app.claims.bodies import ReceiptBody
from app.claims.invoice_numbers import invoice_of
from app.claims.life_errors import ReceiptNotCaptured
from app.claims.models import Claim, ClaimReceipt
from app.claims.noticing import notice
from app.claims.receipts import type_in
from app.claims.review import find_leased
from app.kernel.principal import Principal
from app.kernel.vault import Vault


def captured(vault: Vault, receipt: ClaimReceipt) -> bool:
    """Whether all is noted that tells a receipt from every other, and its amount."""
    return invoice_of(vault, receipt).named and receipt.amount_fen > 0


async def capture(
    session: AsyncSession,
    vault: Vault,
    reviewer: Principal,
    claim_id: UUID,
    body: ReceiptBody,
    now: datetime,
    system_now: datetime,
) -> Claim:
    """Type a receipt in from the document, by the holder of the lease; what is odd about it is
    raised at once, so that it can be judged before the decision.

    Raises ReceiptUsed, LeaseNeeded, LeaseHeld, NotReviewable (409), ClaimNotFound (404).
    """
    claim = await find_leased(session, reviewer, claim_id, system_now)
    await type_in(session, vault, reviewer, claim, body, now)
    await notice(session, vault, claim, now)
    return claim


async def require_captured(session: AsyncSession, vault: Vault, claim: Claim) -> None:
    """Raise ReceiptNotCaptured (409) where receipts were accepted and none is captured.

    One receipt may be several files (pages, the settlement sheet beside the invoice), and what
    is typed in names no file: so one captured receipt is enough, and its reviewer answers for
    the number of them. The rule, which has nobody to answer, wants each of them captured.
    """
    accepted = await _accepted(session, claim)
    if not accepted:
        return
    receipts = await queries.receipts_of(session, claim.id)
    if not any(captured(vault, each) for each in receipts):
        raise ReceiptNotCaptured(claim.id, accepted)


async def _accepted(session: AsyncSession, claim: Claim) -> Sequence[UUID]:
    """The claim's files that were accepted as receipts, oldest first."""
    return [
        document.id
        for document, _ in await queries.documents_of(session, claim.id)
        if document.kind == "receipt" and document.status == "accepted"
    ]
