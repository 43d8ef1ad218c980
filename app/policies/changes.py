"""Activation of pending cover, and cancellation before the start by whoever gave it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import day_start
from app.kernel.principal import Principal
from app.plans import service as plans
from app.policies.calendar import first_covered_day, period_days, term_period
from app.policies.errors import PolicyHasStarted, PolicyNotFound
from app.policies.events import POLICY_ACTIVATED, POLICY_CANCELLED, POLICY_VOIDED
from app.policies.models import Policy, PolicyTransaction
from app.policies.recording import Change, record_change
from app.policies.slots import available_shares, lock_shares, release_shares, reserve_shares


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
    await lock_shares(session, person_id)
    statement = (
        select(Policy)
        .where(Policy.person_id == person_id, Policy.status == "pending")
        .order_by(Policy.id)
        .with_for_update()
        .execution_options(populate_existing=True)
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
        option = version.terms.option(policy.option_code)
        period = term_period(option.term, earliest, period_days(policy.period))
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
    change = Change("endorse", "identity", "policy.activate", POLICY_ACTIVATED, "in_force")
    await record_change(
        session, policy, change, effective_at=policy.starts_at, actor=actor, now=now
    )
    return True


async def _void(
    session: AsyncSession, policy: Policy, reason: str, actor: Principal, now: datetime
) -> None:
    await release_shares(session, policy.id, now)
    change = Change("cancel", reason, "policy.void", POLICY_VOIDED, "void")
    await record_change(
        session, policy, change, effective_at=policy.starts_at, actor=actor, now=now
    )


async def cancel_before_start(
    session: AsyncSession,
    policy_id: UUID,
    *,
    reason_code: str,
    actor: Principal,
    now: datetime,
) -> PolicyTransaction:
    """Cancel cover that has not begun, whatever the plan's rule, and give its places back.

    What was paid for it is the caller's to send back. Raises PolicyNotFound (404),
    PolicyHasStarted (409), InvalidTransition (409).
    """
    policy = await session.scalar(
        select(Policy)
        .where(Policy.id == policy_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if policy is None:
        raise PolicyNotFound
    if policy.starts_at <= now and policy.status == "in_force":
        raise PolicyHasStarted
    await release_shares(session, policy.id, now)
    change = Change("cancel", reason_code, "policy.cancel", POLICY_CANCELLED, "cancelled")
    return await record_change(session, policy, change, effective_at=now, actor=actor, now=now)
