"""What is odd about a claim, with evidence: it orders and blocks, it never denies."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.events import SIGNAL_RAISED
from app.claims.life_errors import SignalsOpen
from app.claims.life_models import ClaimSignal
from app.claims.models import UNDECIDED, Claim
from app.claims.ranking import rank
from app.claims.words import SignalKind
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id
from app.kernel.principal import SYSTEM

# Other claims that one signal names at most.
MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Noticed:
    """One odd thing; `evidence` holds ids, days and numbers only, `key` what makes it this one.

    Where `evidence` names other `claims`, `key` is what of this claim it is about.
    """

    kind: SignalKind
    key: str
    evidence: Mapping[str, Any]


def naming(
    kind: SignalKind, about: str, matches: Iterable[tuple[object, Mapping[str, Any]]]
) -> list[Noticed]:
    """One for each thing of this claim, with the other claims that match it, the newest first."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for thing, match in matches:
        found.setdefault(str(thing), {}).setdefault(match["claim_id"], match)
    return [
        Noticed(kind, thing, {about: thing, "claims": [*others.values()][:MOST_NAMED]})
        for thing, others in found.items()
    ]


async def raise_signals(
    session: AsyncSession, claim: Claim, noticed: Sequence[Noticed], now: datetime
) -> None:
    """Write down what was not raised before; the claim's row is locked by the caller."""
    if not noticed:
        return
    fresh = [*_not_named(await signals_of(session, claim.id), noticed)]
    if not fresh:
        return
    rows = [
        {
            "id": new_id(),
            "claim_id": claim.id,
            "kind": each.kind,
            "evidence_key": each.key,
            "evidence": dict(each.evidence),
            "raised_at": now,
        }
        for each in fresh
    ]
    written = await session.execute(
        insert(ClaimSignal)
        .values(rows)
        .on_conflict_do_nothing(constraint="uq_claim_signal__once")
        .returning(ClaimSignal.id, ClaimSignal.kind)
    )
    raised = [
        Fact(
            "claim",
            claim.id,
            "claim.raise_signal",
            SIGNAL_RAISED,
            {"signal_id": str(signal_id), "kind": kind},
        )
        for signal_id, kind in written.all()
    ]
    if raised:
        await state(session, raised, actor=SYSTEM, at=now)
        await reorder(session, claim)


def _not_named(raised: Sequence[ClaimSignal], noticed: Sequence[Noticed]) -> Iterator[Noticed]:
    """What was noticed, less the other claims that were named about the same thing before."""
    named = {
        (each.kind, each.evidence_key.partition(":")[0], other["claim_id"])
        for each in raised
        for other in each.evidence.get("claims", ())
    }
    for each in noticed:
        if "claims" not in each.evidence:
            yield each
            continue
        left = [
            other
            for other in each.evidence["claims"]
            if (each.kind, each.key, other["claim_id"]) not in named
        ]
        if left:
            key = f"{each.key}:{left[0]['claim_id']}"
            yield Noticed(each.kind, key, {**each.evidence, "claims": left})


async def signals_of(session: AsyncSession, claim_id: UUID) -> Sequence[ClaimSignal]:
    """Everything that was ever raised about the claim, oldest first."""
    return (
        await session.scalars(
            select(ClaimSignal).where(ClaimSignal.claim_id == claim_id).order_by(ClaimSignal.id)
        )
    ).all()


async def require_judged(session: AsyncSession, claim_id: UUID) -> None:
    """Raise SignalsOpen (409) naming what was raised and not judged."""
    still_open = await _open_kinds(session, claim_id)
    if still_open:
        raise SignalsOpen(list(dict.fromkeys(still_open)))


async def reorder(session: AsyncSession, claim: Claim) -> None:
    """Put the claim where its promised day and what presses it belong in the queue."""
    if claim.review_due_at is None or claim.status not in UNDECIDED:
        return
    claim.rank_at = rank(
        claim.review_due_at,
        claim.at_stake_fen,
        hardship=claim.hardship,
        signal=bool(await _open_kinds(session, claim.id)),
    )
    await session.flush()


async def _open_kinds(session: AsyncSession, claim_id: UUID) -> Sequence[str]:
    return (
        await session.scalars(
            select(ClaimSignal.kind)
            .where(ClaimSignal.claim_id == claim_id, ClaimSignal.verdict.is_(None))
            .order_by(ClaimSignal.id)
        )
    ).all()
