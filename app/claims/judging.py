"""A person's recorded word on a signal, once: nothing behind it, or something."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.bodies import JudgementBody
from app.claims.events import SIGNAL_JUDGED
from app.claims.life_errors import JudgedByAnother, SignalJudged, SignalNotFound
from app.claims.life_models import ClaimSignal
from app.claims.models import Claim
from app.claims.paying import pay
from app.claims.review import find_leased, find_to_decide
from app.claims.signals import reorder
from app.kernel.facts import Fact, state
from app.kernel.principal import Principal
from app.kernel.vault import Vault

_WITHOUT_LEASE = ("awaiting_second_approval", "approved")


async def judge(
    session: AsyncSession,
    vault: Vault,
    reviewer: Principal,
    claim_id: UUID,
    signal_id: UUID,
    body: JudgementBody,
    now: datetime,
    system_now: datetime,
) -> tuple[Claim, ClaimSignal]:
    """Judge a signal of a claim that one holds, or that waits for a second approval or, being
    approved, for a word on its bank account.

    The word stays, and decides nothing: an approval wants every signal judged, whichever
    way. The same verdict again changes nothing. Raises SignalNotFound (404), SignalJudged,
    LeaseNeeded, LeaseHeld, NotReviewable (409), JudgedByAnother (403) for whom it is about.
    """
    claim = await find_to_decide(session, reviewer, claim_id)
    if claim.status not in _WITHOUT_LEASE:
        claim = await find_leased(session, reviewer, claim_id, system_now)
    signal = await session.scalar(
        select(ClaimSignal).where(ClaimSignal.id == signal_id, ClaimSignal.claim_id == claim.id)
    )
    if signal is None:
        raise SignalNotFound
    if signal.evidence.get("staff_id") == str(reviewer.id):
        raise JudgedByAnother
    if signal.verdict is not None:
        if signal.verdict != body.verdict:
            raise SignalJudged
        return claim, signal
    signal.verdict, signal.judged_by, signal.judged_at = body.verdict, reviewer.id, now
    signal.sealed = vault.seal("claim_signal", signal.id, {"note": body.note})
    await session.flush()
    if claim.status == "approved":
        await pay(session, reviewer, claim, now)
    else:
        await reorder(session, claim)
    told = {"signal_id": str(signal.id), "kind": signal.kind, "verdict": body.verdict}
    judged = Fact("claim", claim.id, "claim.judge_signal", SIGNAL_JUDGED, told)
    await state(session, [judged], actor=reviewer, at=now)
    return claim, signal
