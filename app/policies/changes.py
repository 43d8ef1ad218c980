"""Changes to policies: activation of pending cover, cancellation before the start."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import facts
from app.kernel.clock import day_start
from app.kernel.facts import Fact
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.transitions import move
from app.plans import service as plans
from app.policies.calendar import first_covered_day, term_period
from app.policies.errors import PolicyHasStarted, PolicyNotFound
from app.policies.events import POLICY_ACTIVATED, POLICY_CANCELLED, POLICY_VOIDED
from app.policies.models import POLICY, Policy, PolicyTransaction
from app.policies.slots import available_shares, release_shares, reserve_shares


@dataclass(frozen=True, slots=True)
class _Change:
    """One change: the transaction's kind, the status it leads to, why, and how it is told."""

    kind: str
    status: str
    reason_code: str
    verb: str
    event: str


async def activate_pending(
    session: AsyncSession,
    person_id: UUID,
    *,
    verified_at: datetime,
    actor: Principal,
    now: datetime,
) -> int:
    """Put a person's pending policies in force, now that identity and consents are complete.

    Cover starts at the planned day or the day after, whichever is later, for the whole
    term; a policy whose places are gone by then is void. Returns how many came in force.
    """
    statement = (
        select(Policy)
        .where(Policy.person_id == person_id, Policy.status == "pending")
        .order_by(Policy.id)
        .with_for_update()
    )
    activated = 0
    for policy in (await session.scalars(statement)).all():
        activated += await _activate(session, policy, max(verified_at, now), actor, now)
    return activated


async def _activate(
    session: AsyncSession, policy: Policy, complete_at: datetime, actor: Principal, now: datetime
) -> bool:
    version = await plans.version_of(session, policy.plan_version_id)
    earliest = first_covered_day(complete_at)
    if policy.starts_at < day_start(earliest):
        period = term_period(version.terms.option().term, earliest)
        await release_shares(session, policy.id, now)
        max_shares = version.terms.max_shares
        free = await available_shares(
            session, policy.person_id, policy.plan_code, max_shares, period
        )
        if free < policy.shares:
            await _void(session, policy, "shares_over_limit", actor, now)
            return False
        await reserve_shares(
            session,
            person_id=policy.person_id,
            plan_code=policy.plan_code,
            shares=policy.shares,
            max_shares=max_shares,
            period=period,
            policy_id=policy.id,
        )
        policy.period = period
    change = _Change("endorse", "in_force", "identity", "policy.activate", POLICY_ACTIVATED)
    await _record(session, policy, change, effective_at=policy.starts_at, actor=actor, now=now)
    return True


async def _void(
    session: AsyncSession, policy: Policy, reason: str, actor: Principal, now: datetime
) -> None:
    await release_shares(session, policy.id, now)
    change = _Change("cancel", "void", reason, "policy.void", POLICY_VOIDED)
    await _record(session, policy, change, effective_at=policy.starts_at, actor=actor, now=now)


async def cancel_before_start(
    session: AsyncSession,
    policy_id: UUID,
    *,
    reason_code: str,
    actor: Principal,
    now: datetime,
) -> Policy:
    """Cancel cover that has not begun and give its places back.

    Raises PolicyNotFound (404), PolicyHasStarted (409), InvalidTransition (409).
    """
    policy = await session.scalar(select(Policy).where(Policy.id == policy_id).with_for_update())
    if policy is None:
        raise PolicyNotFound
    if policy.starts_at <= now and policy.status == "in_force":
        raise PolicyHasStarted
    await release_shares(session, policy.id, now)
    change = _Change("cancel", "cancelled", reason_code, "policy.cancel", POLICY_CANCELLED)
    await _record(session, policy, change, effective_at=now, actor=actor, now=now)
    return policy


async def _record(
    session: AsyncSession,
    policy: Policy,
    change: _Change,
    *,
    effective_at: datetime,
    actor: Principal,
    now: datetime,
) -> None:
    """Move the policy, write the transaction that did it, and tell everybody."""
    await move(
        session, POLICY, policy, change.status, actor=actor, at=now, reason_code=change.reason_code
    )
    session.add(
        PolicyTransaction(
            id=new_id(),
            policy_id=policy.id,
            kind=change.kind,
            effective_at=effective_at,
            shares=policy.shares,
            period=policy.period,
            status=policy.status,
            order_id=policy.order_id,
            reason_code=change.reason_code,
            actor_kind=actor.kind,
            actor_id=actor.id,
        )
    )
    await session.flush()
    content = {
        "number": policy.number,
        "person_id": str(policy.person_id),
        "plan_code": policy.plan_code,
        "status": policy.status,
        "reason_code": change.reason_code,
    }
    fact = Fact("policy", policy.id, change.verb, change.event, content)
    await facts.state(session, [fact], actor=actor, at=now)
