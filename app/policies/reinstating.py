"""Reinstating cancelled cover: from when it goes on, and its places taken again."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import business_day, day_start
from app.kernel.principal import Principal
from app.plans import service as plans
from app.policies import queries
from app.policies.errors import CoverHasEnded, PolicyNotCancelled
from app.policies.events import POLICY_REINSTATED
from app.policies.models import Policy, PolicyTransaction
from app.policies.recording import Change, record_change
from app.policies.slots import reserve_shares


@dataclass(frozen=True, slots=True)
class Resumption:
    """How cancelled cover would go on; `cancelled_by` is what is undone."""

    cancelled_by: PolicyTransaction
    period: Range[datetime]
    effective_at: datetime
    status: str


async def judge_reinstatement(session: AsyncSession, policy: Policy, now: datetime) -> Resumption:
    """From when the cover of a cancelled policy goes on.

    Without a gap where the cancellation is not effective yet (it was made today), or
    where cover had not begun and still has not; otherwise from the next day, and its
    waiting days count anew. Raises PolicyNotCancelled, CoverHasEnded (409).
    """
    if policy.status != "cancelled":
        raise PolicyNotCancelled(status=policy.status)
    changes = await queries.transactions(session, policy.id)
    position = max(at for at, change in enumerate(changes) if change.kind == "cancel")
    cancelled_by, before = changes[position], changes[position - 1]
    starts_at, ends_at = before.period.lower, before.period.upper
    assert starts_at is not None  # noqa: S101  a CHECK on the column
    assert ends_at is not None  # noqa: S101
    began = starts_at < cancelled_by.effective_at
    tomorrow = day_start(business_day(now) + timedelta(days=1))
    if began and now < cancelled_by.effective_at:
        period, effective_at = before.period, cancelled_by.effective_at
    elif not began and now < starts_at:
        period, effective_at = before.period, now
    else:
        if tomorrow >= ends_at:
            raise CoverHasEnded
        period, effective_at = Range(tomorrow, ends_at, bounds="[)"), tomorrow
    return Resumption(cancelled_by, period, effective_at, before.status)


async def resume_cover(
    session: AsyncSession,
    policy: Policy,
    resumption: Resumption,
    *,
    reason_code: str,
    actor: Principal,
    now: datetime,
) -> PolicyTransaction:
    """Put a judged, locked policy in force again; raises SharesOverLimit (409)."""
    terms = (await plans.version_of(session, policy.plan_version_id)).terms
    await reserve_shares(
        session,
        person_id=policy.person_id,
        plan_code=policy.plan_code,
        shares=policy.shares,
        max_shares=terms.max_shares,
        period=resumption.period,
        policy_id=policy.id,
    )
    policy.period = resumption.period
    return await record_change(
        session,
        policy,
        Change("reinstate", reason_code, "policy.reinstate", POLICY_REINSTATED, resumption.status),
        effective_at=resumption.effective_at,
        actor=actor,
        now=now,
        content={
            "starts_at": policy.starts_at.isoformat(),
            "ends_at": policy.ends_at.isoformat(),
        },
    )
