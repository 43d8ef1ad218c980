"""Hardship moves a claim ahead in the queue."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import queries
from app.claims.errors import ClaimNotFound
from app.claims.life_errors import NoDecisionAwaited
from app.claims.models import UNDECIDED, Claim
from app.claims.signals import reorder
from app.kernel.facts import Fact, state
from app.kernel.principal import Principal


async def mark_hardship(
    session: AsyncSession, actor: Principal, claim_id: UUID, *, hardship: bool, now: datetime
) -> Claim:
    """Say that the claim's member is in hardship, or no longer; again it changes nothing.

    For staff who may see the claim, and for the system. Raises ClaimNotFound (404),
    NoDecisionAwaited (409) once it is decided or withdrawn.
    """
    claim = await queries.find_locked(session, actor, claim_id)
    if claim is None:
        raise ClaimNotFound
    if claim.hardship == hardship:
        return claim
    if claim.status not in ("draft", *UNDECIDED):
        raise NoDecisionAwaited
    claim.hardship = hardship
    if claim.rank_at is not None:
        await reorder(session, claim)
    await session.flush()
    marked = Fact("claim", claim.id, "claim.mark_hardship", None, {"hardship": hardship})
    await state(session, [marked], actor=actor, at=now, on_behalf_of=claim.person_id)
    return claim
