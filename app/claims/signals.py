"""What is odd about a claim, with evidence: it orders and blocks, it never denies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.claims.life_errors import SignalsOpen
from app.claims.life_models import ClaimSignal
from app.claims.models import Claim, ClaimDocument, ClaimReceipt


@dataclass(frozen=True, slots=True)
class Signal:
    """One odd thing; `evidence` holds ids, words and numbers only."""

    kind: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


async def signals_of(session: AsyncSession, claim_id: UUID) -> Sequence[Signal]:
    """Everything about the claim that a person has to look at.

    What was raised and not judged, and what is plain from the tables: a receipt or a file
    that another claim has, whatever became of that one.
    """
    raised = await session.scalars(
        select(ClaimSignal)
        .where(ClaimSignal.claim_id == claim_id, ClaimSignal.verdict.is_(None))
        .order_by(ClaimSignal.id)
    )
    found = [Signal(row.kind, row.evidence) for row in raised.all()]
    for kind, others in (
        ("same-invoice", await _same_receipts(session, claim_id)),
        ("same-file", await _same_files(session, claim_id)),
    ):
        if others:
            found.append(Signal(kind, {"claim_ids": sorted(str(other) for other in others)}))
    return found


async def require_judged(session: AsyncSession, claim_id: UUID) -> None:
    """Raise SignalsOpen (409) naming what was raised and not judged."""
    kinds = await session.scalars(
        select(ClaimSignal.kind)
        .where(ClaimSignal.claim_id == claim_id, ClaimSignal.verdict.is_(None))
        .order_by(ClaimSignal.id)
    )
    still_open = list(dict.fromkeys(kinds.all()))
    if still_open:
        raise SignalsOpen(still_open)


async def _same_receipts(session: AsyncSession, claim_id: UUID) -> set[UUID]:
    other = aliased(ClaimReceipt)
    rows = await session.scalars(
        select(other.claim_id)
        .join(ClaimReceipt, ClaimReceipt.receipt_index == other.receipt_index)
        .where(ClaimReceipt.claim_id == claim_id, other.claim_id != claim_id)
    )
    return set(rows.all())


async def _same_files(session: AsyncSession, claim_id: UUID) -> set[UUID]:
    """Files of other claims that were handed in at all."""
    other = aliased(ClaimDocument)
    rows = await session.scalars(
        select(other.claim_id)
        .join(ClaimDocument, ClaimDocument.fingerprint == other.fingerprint)
        .join(Claim, Claim.id == other.claim_id)
        .where(
            ClaimDocument.claim_id == claim_id,
            ClaimDocument.status != "replaced",
            other.claim_id != claim_id,
            Claim.submitted_at.is_not(None),
        )
    )
    return set(rows.all())
