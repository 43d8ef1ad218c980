"""A person's look at a sample of the claims that were decided by rule."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.appeals import reopen
from app.claims.bodies import AfterCheckBody, ReopeningBody
from app.claims.errors import NoteNeeded
from app.claims.life_errors import NothingToCheck
from app.claims.models import Claim
from app.claims.review import find_to_decide
from app.kernel.facts import Fact, state
from app.kernel.principal import Principal
from app.kernel.vault import Vault


async def check_afterwards(
    session: AsyncSession,
    vault: Vault,
    reviewer: Principal,
    claim_id: UUID,
    body: AfterCheckBody,
    now: datetime,
) -> Claim:
    """The rule was right, or the claim is reopened to be decided by people.

    Raises ClaimNotFound (404), ConflictOfInterest (403), NothingToCheck, NotDecided while the
    money is on its way (409), NoteNeeded (422) for reopening without a word.
    """
    claim = await find_to_decide(session, reviewer, claim_id)
    if claim.after_check != "due":
        raise NothingToCheck
    if body.verdict == "reopen":
        if body.note is None:
            raise NoteNeeded
        why = ReopeningBody(reason_code="mistake", note=body.note)
        return await reopen(session, vault, reviewer, claim_id, why, now)
    claim.after_check = "confirmed"
    await session.flush()
    confirmed = Fact("claim", claim.id, "claim.confirm_rule")
    await state(session, [confirmed], actor=reviewer, at=now)
    return claim
