"""Writing one change of a policy: its transaction, its status, and what everybody is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Interval, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import facts
from app.kernel.facts import Fact
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.transitions import move
from app.policies.errors import PolicyNotFound
from app.policies.models import POLICY, Policy, PolicyTransaction
from app.policies.slots import lock_shares


@dataclass(frozen=True, slots=True)
class Change:
    """One change: the transaction's kind, why, how it is told, and the status it leads to.

    Without a status the policy keeps the one it has.
    """

    kind: str
    reason_code: str
    verb: str
    event: str
    status: str | None = None


async def locked_policy(session: AsyncSession, policy_id: UUID) -> Policy:
    """A policy to be changed: its holder's places first, as everybody who takes places, then it.

    Whoever waited here reads what the former holder did. Raises PolicyNotFound (404).
    """
    person_id = await session.scalar(select(Policy.person_id).where(Policy.id == policy_id))
    if person_id is None:
        raise PolicyNotFound
    await lock_shares(session, person_id)
    return (
        await session.scalars(
            select(Policy)
            .where(Policy.id == policy_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    ).one()


async def last_effective_at(session: AsyncSession, policy_id: UUID) -> datetime | None:
    """When the latest of a policy's changes takes effect, perhaps only in the future.

    A later change that must not overtake it takes effect then at the earliest.
    """
    return await session.scalar(
        select(func.max(PolicyTransaction.effective_at)).where(
            PolicyTransaction.policy_id == policy_id
        )
    )


def recorded_after(policy_id: UUID) -> ColumnElement[datetime]:
    """When a change of a locked policy is recorded: now, and later than every change before it.

    The clock of a database may be set back, and another server may take over.
    """
    last = select(func.max(PolicyTransaction.recorded_at)).where(
        PolicyTransaction.policy_id == policy_id
    )
    tick = literal(timedelta(microseconds=1), Interval)
    return func.greatest(func.clock_timestamp(), last.scalar_subquery() + tick)


async def record_change(
    session: AsyncSession,
    policy: Policy,
    change: Change,
    *,
    effective_at: datetime,
    actor: Principal,
    now: datetime,
    content: Mapping[str, Any] | None = None,
) -> PolicyTransaction:
    """Move the locked policy, write the transaction that did it, and tell everybody.

    Period and shares are the policy's as they are now; `content` is added to the event's.
    """
    behalf = policy.person_id if actor.kind == "staff" else None
    if change.status is not None:
        await move(
            session,
            POLICY,
            policy,
            change.status,
            actor=actor,
            at=now,
            on_behalf_of=behalf,
            reason_code=change.reason_code,
        )
    transaction = PolicyTransaction(
        id=new_id(),
        policy_id=policy.id,
        kind=change.kind,
        effective_at=effective_at,
        recorded_at=recorded_after(policy.id),
        shares=policy.shares,
        period=policy.period,
        status=policy.status,
        order_id=policy.order_id,
        reason_code=change.reason_code,
        actor_kind=actor.kind,
        actor_id=actor.id,
        on_behalf_of=behalf,
    )
    session.add(transaction)
    await session.flush()
    told = {
        "number": policy.number,
        "person_id": str(policy.person_id),
        "plan_code": policy.plan_code,
        "status": policy.status,
        "reason_code": change.reason_code,
        **(content or {}),
    }
    fact = Fact("policy", policy.id, change.verb, change.event, told)
    await facts.state(session, [fact], actor=actor, at=now, on_behalf_of=behalf)
    return transaction
