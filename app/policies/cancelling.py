"""Cancelling cover: whether the plan lets it, from when it ends, and what the rule looks at."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import business_day, day_start
from app.kernel.principal import Principal
from app.plans import service as plans
from app.plans.expressions import Node
from app.plans.inputs import Value
from app.plans.terms import PlanTerms
from app.policies import queries
from app.policies.calendar import whole_months
from app.policies.errors import (
    CancellationNotOffered,
    CoverHasEnded,
    PolicyNotRunning,
    RenewedAlready,
)
from app.policies.events import POLICY_CANCELLED
from app.policies.models import Policy, PolicyTransaction
from app.policies.recording import Change, record_change
from app.policies.slots import release_shares

LIVE = ("pending", "in_force")


@dataclass(frozen=True, slots=True)
class Ending:
    """A cancellation that the plan allows: from when nothing is covered, by which rule.

    `measures` are the inputs of a refund (REFUND_CONTEXT) that the policy itself knows.
    """

    policy: Policy
    terms: PlanTerms
    rule: Node
    rule_name: str
    started: bool
    ends_at: datetime
    measures: Mapping[str, Value]


async def judge_cancellation(session: AsyncSession, policy: Policy, now: datetime) -> Ending:
    """What cancelling at `now` would do: cover ends with the day, or never begins.

    Raises PolicyNotRunning, CoverHasEnded, RenewedAlready, CancellationNotOffered (409).
    """
    if policy.status not in LIVE:
        raise PolicyNotRunning(status=policy.status)
    if await live_follower(session, policy) is not None:
        raise RenewedAlready
    started = policy.status == "in_force" and policy.starts_at <= now
    ends_at = day_start(business_day(now) + timedelta(days=1)) if started else now
    if started and ends_at >= policy.ends_at:
        raise CoverHasEnded
    terms = (await plans.version_of(session, policy.plan_version_id)).terms
    rules = terms.cancellation
    rule = rules.after_start if started else rules.before_start
    if rule is None:
        raise CancellationNotOffered
    return Ending(
        policy=policy,
        terms=terms,
        rule=rule,
        rule_name="refund:after_start" if started else "refund:before_start",
        started=started,
        ends_at=ends_at,
        measures=await _measures(session, policy, ends_at if started else policy.starts_at),
    )


async def live_follower(session: AsyncSession, policy: Policy) -> Policy | None:
    """The policy that renews this one, if it was renewed."""
    return await session.scalar(
        select(Policy).where(Policy.follows_id == policy.id, Policy.status.in_(LIVE))
    )


async def _measures(
    session: AsyncSession, policy: Policy, ends_at: datetime
) -> Mapping[str, Value]:
    """Days are counted over the term that was paid for: what a moratorium added is free."""
    changes = await queries.transactions(session, policy.id)
    begun = [change for change in changes if change.status == "in_force"] or changes
    # What a moratorium adds begins where the cover that was paid for ends.
    added_from = [change.effective_at for change in changes if change.kind == "extend"]
    first = business_day(_lower(begun[0].period))
    last = business_day(min([policy.ends_at, *added_from]))
    ends = min(max(business_day(ends_at), first), last)
    return {
        "shares": policy.shares,
        "term_days": (last - first).days,
        "used_days": (ends - first).days,
        "remaining_days": (last - ends).days,
        "remaining_months": whole_months(ends, last),
    }


def _lower(period: Range[datetime]) -> datetime:
    assert period.lower is not None  # noqa: S101  cover always starts
    return period.lower


async def end_cover(
    session: AsyncSession, ending: Ending, *, reason_code: str, actor: Principal, now: datetime
) -> PolicyTransaction:
    """End a judged, locked policy and give its places back.

    Cover that has begun goes on until `ends_at`; other cover takes those places at the
    earliest from then, because it begins on a later day than it is bought.
    """
    policy = ending.policy
    await release_shares(session, policy.id, now)
    if ending.started:
        policy.period = Range(policy.starts_at, ending.ends_at, bounds="[)")
    change = Change("cancel", reason_code, "policy.cancel", POLICY_CANCELLED, "cancelled")
    return await record_change(
        session,
        policy,
        change,
        effective_at=ending.ends_at,
        actor=actor,
        now=now,
        content={"ends_at": ending.ends_at.isoformat()},
    )
