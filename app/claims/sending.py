"""One sum of a claim on its way to one person: where it can go, or why not yet."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.decision_models import Decision
from app.claims.events import PAY
from app.claims.models import Claim
from app.claims.noticing_accounts import held_back
from app.kernel.jobs import schedule
from app.kernel.principal import Principal
from app.payouts.errors import AccountCoolingOff, AccountNotFound, NoDestination
from app.payouts.service import Destination, choose_destination, request_payout

Wait = Literal["account-cooling", "account-needed", "account-checked"]


@dataclass(frozen=True, slots=True)
class Payee:
    """Who gets it: the member, by their login or the account they chose, or a claimant."""

    person_id: UUID
    account_id: UUID | None
    payout_account_id: UUID | None = None
    claimant_id: UUID | None = None


async def way_to(
    session: AsyncSession, claim: Claim, payee: Payee, amount_fen: int, now: datetime
) -> Destination | Wait:
    """Where the money can go now. An account that is cooling off is tried again by itself."""
    try:
        destination = await choose_destination(
            session,
            person_id=payee.person_id,
            account_id=payee.account_id,
            preferred=payee.payout_account_id,
            amount_fen=amount_fen,
            now=now,
        )
    except AccountCoolingOff as cooling:
        await schedule(session, PAY, claim.id, cooling.usable_from)
        return "account-cooling"
    except (NoDestination, AccountNotFound):
        return "account-needed"
    if await held_back(session, claim, payee.person_id, destination, now):
        return "account-checked"
    return destination


async def send(
    session: AsyncSession,
    actor: Principal,
    claim: Claim,
    payee: Payee,
    amount_fen: int,
    destination: Destination,
    now: datetime,
) -> None:
    """Request the payout, under the names of those who agreed in this round."""
    approvers = await _approvers(session, claim)
    await request_payout(
        session,
        claim_id=claim.id,
        claim_round=claim.round,
        plan_code=claim.plan_code,
        person_id=payee.person_id,
        claimant_id=payee.claimant_id,
        amount_fen=amount_fen,
        destination=destination,
        approvers=approvers,
        by_rule=not approvers,
        actor=actor,
        now=now,
    )


async def _approvers(session: AsyncSession, claim: Claim) -> list[UUID]:
    """Whoever agreed in this round; nobody where the rule decided."""
    rows = await session.scalars(
        select(Decision.decided_by)
        .where(
            Decision.claim_id == claim.id,
            Decision.round == claim.round,
            Decision.verdict == "approve",
            Decision.by_rule.is_(False),
        )
        .order_by(Decision.id)
    )
    return [each for each in rows.all() if each is not None]
