"""Looking again at what was decided: the member's one appeal, and a supervisor's reopening."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.models import StaffAccount
from app.claims import promises, queries
from app.claims.bodies import ReopeningBody
from app.claims.decision_models import Decision
from app.claims.errors import ClaimNotFound
from app.claims.events import CLAIM_APPEALED, CLAIM_REOPENED
from app.claims.facts import hold_receipts
from app.claims.life_errors import AppealedBefore, AppealTooLate, NotDecided
from app.claims.life_models import ClaimAppeal
from app.claims.models import CLAIM, Claim
from app.claims.noticing import notice
from app.claims.review import find_to_decide
from app.claims.submission import set_rank
from app.claims.terms import terms_of
from app.kernel.clock import business_day, day_start
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.transitions import move
from app.kernel.vault import Vault
from app.organisations.models import Organisation
from app.payouts.queries import paid_of_claim
from app.plans.terms import PlanTerms

DECIDED = ("denied", "paid")


async def appeal_of(session: AsyncSession, claim_id: UUID) -> ClaimAppeal | None:
    """The claim's appeal."""
    return await session.scalar(select(ClaimAppeal).where(ClaimAppeal.claim_id == claim_id))


def appeal_until(claim: Claim, terms: PlanTerms) -> datetime | None:
    """The end of the last day on which the decision can be appealed against.

    `appeal_days` count from the day after the decision; none means that there is no appeal.
    """
    if claim.decided_at is None or not terms.claims.appeal_days:
        return None
    return day_start(business_day(claim.decided_at) + timedelta(days=terms.claims.appeal_days + 1))


async def appeal(
    session: AsyncSession,
    vault: Vault,
    actor: Principal,
    claim_id: UUID,
    text: str,
    now: datetime,
) -> Claim:
    """The member disagrees, or an office says so for the member: other people look again.

    It goes to the parent of the organisation that decided; the municipal office's own
    decisions stay there, with people who did not decide. Raises ClaimNotFound (404),
    AppealedBefore, NotDecided, AppealTooLate, ReceiptUsed (409).
    """
    claim = await queries.find_locked(session, actor, claim_id)
    if claim is None:
        raise ClaimNotFound
    terms = await terms_of(session, claim)
    await _require_appealable(session, claim, terms, now)
    decided, above = await _decided_by(session, claim)
    appeal_id = new_id()
    session.add(
        ClaimAppeal(
            id=appeal_id,
            claim_id=claim.id,
            decision_id=decided.id,
            organisation_id=above,
            sealed=vault.seal("claim_appeal", appeal_id, {"text": text}),
            appealed_by_kind=actor.kind,
            appealed_by=actor.id,
            appealed_at=now,
        )
    )
    for_member = None if actor.kind == "member" else claim.person_id
    await move(
        session,
        CLAIM,
        claim,
        "appealed",
        actor=actor,
        at=now,
        on_behalf_of=for_member,
        reason_code="appeal",
    )
    claim.deciding_organisation_id, claim.stage = above, claim.stage + 1
    await _look_again(session, vault, claim, terms, now)
    told = {"organisation_id": str(above)}
    appealed = Fact("claim", claim.id, "claim.appeal", CLAIM_APPEALED, told)
    await state(session, [appealed], actor=actor, at=now, on_behalf_of=for_member)
    return claim


async def _require_appealable(
    session: AsyncSession, claim: Claim, terms: PlanTerms, now: datetime
) -> None:
    if await appeal_of(session, claim.id) is not None:
        raise AppealedBefore
    if claim.status not in DECIDED:
        raise NotDecided
    until = appeal_until(claim, terms)
    if until is None or now >= until:
        raise AppealTooLate(until or claim.decided_at or now)


async def _decided_by(session: AsyncSession, claim: Claim) -> tuple[Decision, UUID]:
    """The decision that stands, and the organisation above the highest of those who took it."""
    decisions = await queries.decisions_of(session, claim.id)
    people = [each.decided_by for each in decisions if each.decided_by is not None]
    rows = await session.execute(
        select(Organisation.id, Organisation.lineage)
        .join(StaffAccount, StaffAccount.organisation_id == Organisation.id)
        .where(StaffAccount.id.in_(people))
    )
    lineages = sorted((len(lineage), str(place), place) for place, lineage in rows)
    decider = lineages[0][2] if lineages else claim.decider_id
    final = [each for each in decisions if each.verdict in ("approve", "deny")]
    return final[-1], await promises.above_of(session, decider)


async def reopen(
    session: AsyncSession,
    vault: Vault,
    supervisor: Principal,
    claim_id: UUID,
    body: ReopeningBody,
    now: datetime,
) -> Claim:
    """New evidence or a mistake: a denied or paid claim is decided again, for the difference.

    Raises ClaimNotFound (404), ConflictOfInterest (403), NotDecided, DecidedBefore,
    ReceiptUsed (409).
    """
    claim = await find_to_decide(session, supervisor, claim_id)
    if claim.status not in DECIDED:
        raise NotDecided
    await move(
        session, CLAIM, claim, "reopened", actor=supervisor, at=now, reason_code=body.reason_code
    )
    if claim.after_check == "due":
        claim.after_check = "reopened"
    await _look_again(session, vault, claim, await terms_of(session, claim), now)
    told = {"reason_code": body.reason_code, "round": claim.round}
    reopened = Fact("claim", claim.id, "claim.reopen", CLAIM_REOPENED, told)
    await state(session, [reopened], actor=supervisor, at=now)
    return claim


async def _look_again(
    session: AsyncSession, vault: Vault, claim: Claim, terms: PlanTerms, now: datetime
) -> None:
    """A new round: what was paid is remembered, receipts are held, a new day is promised."""
    claim.paid_before_fen = await paid_of_claim(session, claim.id)
    claim.round += 1
    await session.flush()
    await hold_receipts(session, vault, claim)
    await promises.promise(session, claim, "review", terms.claims.review, now)
    await set_rank(session, vault, claim, now)
    await session.flush()
    await notice(session, vault, claim, now)
