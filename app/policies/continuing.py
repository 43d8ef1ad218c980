"""Cover that goes on: the policy that renews another one, and more for a running one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import day_start
from app.kernel.database import raw_connection
from app.kernel.facts import Fact
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.policies.calendar import first_covered_day
from app.policies.events import POLICY_RENEWED, POLICY_UPGRADED
from app.policies.issue import NewLayer
from app.policies.layers import Layer, Tier
from app.policies.models import Policy, PolicyTransaction
from app.policies.recording import recorded_after
from app.policies.standing import kept_layers


def renewed_layers(
    layers: tuple[Layer, ...], shares: int, period: Range[datetime], paid_at: datetime
) -> tuple[NewLayer, ...]:
    """The transactions of a renewal: old shares count on, one transaction for each layer.

    Shares beyond the old ones begin on the day after payment, or with the term if that is
    later, and count from there.
    """
    starts_at = period.lower
    assert starts_at is not None  # noqa: S101  cover always starts
    made: list[NewLayer] = []
    held = 0
    for layer in kept_layers(layers, shares):
        held += layer.shares
        made.append(NewLayer("renew", held, starts_at, day_start(layer.since_on)))
    if shares > held:
        begins_at = max(starts_at, day_start(first_covered_day(paid_at)))
        made.append(NewLayer("upgrade", shares, begins_at))
    return tuple(made)


def with_tiers(layers: tuple[NewLayer, ...], tiers: Sequence[Tier]) -> tuple[NewLayer, ...]:
    """The transactions of a renewal whose option goes on after others: those count on as well.

    The first tier comes with the first layer, each other one by itself when it begins.
    """
    if len(tiers) < 2:
        return layers
    first = replace(layers[0], option_code=tiers[0].option_code)
    starts_at = first.effective_at
    raised = [
        NewLayer(
            "renew" if day_start(tier.since_on) < starts_at else "upgrade",
            first.shares,
            max(starts_at, day_start(tier.since_on)),
            day_start(tier.since_on),
            tier.option_code,
        )
        for tier in tiers[1:]
    ]
    made: list[NewLayer] = []
    for layer in sorted([first, *layers[1:], *raised], key=lambda each: each.effective_at):
        # An option comes to as many shares as there are by then.
        held = max([layer.shares, *(each.shares for each in made)])
        made.append(replace(layer, shares=held))
    return tuple(made)


def renewed_fact(
    policy_id: UUID, number: str, person_id: UUID, plan_code: str, follower_id: UUID
) -> Fact:
    """That a policy goes on in another one; whoever reminds of its end need not any more."""
    content = {
        "number": number,
        "person_id": str(person_id),
        "plan_code": plan_code,
        "follower_id": str(follower_id),
    }
    return Fact("policy", policy_id, "policy.renew", POLICY_RENEWED, content)


_TAKE_OVER = """
update share_slot set policy_id = $2, period = tstzrange($3, $4)
where order_id = $1 and policy_id is null and released_at is null
"""


async def raise_option(
    session: AsyncSession,
    policy: Policy,
    option_code: str,
    *,
    order_id: UUID,
    begins_at: datetime,
    actor: Principal,
) -> Fact:
    """Give all shares of a locked policy another option from `begins_at`; the fact to state."""
    await _upgrade(session, policy, order_id, begins_at, actor, option_code)
    return _upgraded(policy, 0, begins_at, option_code)


async def _upgrade(
    session: AsyncSession,
    policy: Policy,
    order_id: UUID,
    begins_at: datetime,
    actor: Principal,
    option_code: str | None = None,
) -> None:
    session.add(
        PolicyTransaction(
            id=new_id(),
            policy_id=policy.id,
            kind="upgrade",
            effective_at=begins_at,
            recorded_at=recorded_after(policy.id),
            shares=policy.shares,
            period=policy.period,
            status=policy.status,
            option_code=option_code,
            order_id=order_id,
            actor_kind=actor.kind,
            actor_id=actor.id,
        )
    )
    await session.flush()


async def add_shares(
    session: AsyncSession,
    policy: Policy,
    added: int,
    *,
    order_id: UUID,
    begins_at: datetime,
    actor: Principal,
) -> Fact | None:
    """Add the order's reserved shares to its locked policy, from `begins_at` to its end.

    Answers the fact to be stated, or None when the order does not hold a place for each.
    """
    connection = await raw_connection(session)
    policy.shares += added
    await _upgrade(session, policy, order_id, begins_at, actor)
    tag: str = await connection.execute(_TAKE_OVER, order_id, policy.id, begins_at, policy.ends_at)
    if int(tag.rpartition(" ")[2]) != added:
        return None
    return _upgraded(policy, added, begins_at)


def _upgraded(
    policy: Policy, added: int, begins_at: datetime, option_code: str | None = None
) -> Fact:
    content = {
        "number": policy.number,
        "person_id": str(policy.person_id),
        "plan_code": policy.plan_code,
        "added_shares": added,
        "shares": policy.shares,
        "option_code": option_code,
        "begins_at": begins_at.isoformat(),
    }
    return Fact("policy", policy.id, "policy.upgrade", POLICY_UPGRADED, content)
