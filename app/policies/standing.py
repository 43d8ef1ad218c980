"""A policy as renewals and upgrades find it: its shares, its layers, when it can be renewed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import business_day, day_start
from app.kernel.database import raw_connection
from app.plans.terms import PlanTerms
from app.policies import queries
from app.policies.calendar import first_covered_day
from app.policies.errors import PolicyNotFound
from app.policies.grace import Days, moratoriums_of, renewal_closes_at
from app.policies.layers import Change, Layer, Tier, layers_at, tiers_at
from app.policies.models import Policy, PolicyTransaction
from app.policies.recording import locked_policy

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """A policy with the layers of shares and the options that it ends with.

    `renewed` by a live follower.
    `moratoriums` are those that reach it after its end.
    """

    policy: Policy
    layers: tuple[Layer, ...]
    tiers: tuple[Tier, ...]
    renewed: bool
    moratoriums: Days = ()

    @property
    def option_code(self) -> str | None:
        """The contribution option that it ends with; None is the plan's first."""
        return self.tiers[-1].option_code

    @property
    def ends_on(self) -> date:
        """The first day that is no longer covered."""
        return business_day(self.policy.ends_at)

    @property
    def days(self) -> int:
        """How many days the whole term covers."""
        return (self.ends_on - business_day(self.policy.starts_at)).days


@dataclass(frozen=True, slots=True)
class Window:
    """When a policy can be renewed without a gap: from `opens_at` until before `closes_at`."""

    opens_at: datetime
    closes_at: datetime

    def is_open(self, now: datetime) -> bool:
        return self.opens_at <= now < self.closes_at


def renewal_window(terms: PlanTerms, ends_at: datetime, moratoriums: Days) -> Window:
    """The window of the terms that the ending policy was sold under.

    The last grace day counts until 24:00; inside a moratorium it is not over.
    """
    ends_on, rules = business_day(ends_at), terms.renewal
    return Window(
        day_start(ends_on - timedelta(days=rules.opens_days_before)),
        renewal_closes_at(terms, ends_at, moratoriums),
    )


def kept_layers(layers: Sequence[Layer], shares: int) -> tuple[Layer, ...]:
    """The layers that go on when `shares` are renewed: the newest ones are given up first."""
    kept: list[Layer] = []
    left = shares
    for layer in layers:
        if left > 0:
            kept.append(Layer(min(layer.shares, left), layer.since_on))
            left -= layer.shares
    return tuple(kept)


def renewed_tiers(
    terms: PlanTerms, standing: Standing, option_code: str, period: Range[datetime], at: datetime
) -> tuple[Tier, ...]:
    """The options of a renewal paid at an instant, oldest first; what has waited goes on.

    One that the plan calls a raise of the old one begins with the term, or on the day after
    payment if that is later, and waits; any other change of option does not.
    """
    known = known_tiers(terms, standing.tiers)
    held = standing.option_code or terms.option().code
    if option_code == held:
        return known
    if terms.upgrade is None or terms.upgrade.raising(held, option_code) is None:
        return ()
    assert period.lower is not None  # noqa: S101  cover always starts
    begins_on = max(business_day(period.lower), first_covered_day(at))
    return (*known, Tier(option_code, begins_on))


def known_tiers(terms: PlanTerms, tiers: Sequence[Tier]) -> tuple[Tier, ...]:
    """Options under the terms of a renewal: another version need not know every one.

    The plan's first is named: beside others, none at all would be read as the newest.
    """
    codes = {option.code for option in terms.contribution.options}
    named = [tier._replace(option_code=tier.option_code or terms.option().code) for tier in tiers]
    return tuple(tier for tier in named if tier.option_code in codes)


async def standing_of(session: AsyncSession, policy_id: UUID, *, lock: bool = False) -> Standing:
    """What a policy has come to; with `lock` nobody changes it meanwhile.

    Raises PolicyNotFound (404).
    """
    if lock:
        policy = await locked_policy(session, policy_id)
    else:
        found = await queries.policy_by_id(session, policy_id)
        if found is None:
            raise PolicyNotFound
        policy = found
    changes = [_change(each) for each in await queries.transactions(session, policy.id)]
    follower = await session.scalar(
        select(Policy.id).where(
            Policy.follows_id == policy.id, Policy.status.not_in(("cancelled", "void"))
        )
    )
    layers = layers_at(changes, policy.ends_at - _TICK)
    tiers = tiers_at(changes, policy.option_code, policy.ends_at - _TICK)
    reaching = await moratoriums_of(await raw_connection(session), [policy.id])
    return Standing(policy, layers, tiers, follower is not None, reaching.get(policy.id, ()))


def _change(row: PolicyTransaction) -> Change:
    assert row.period.lower is not None and row.period.upper is not None  # noqa: S101, PT018
    return Change(
        row.status,
        row.shares,
        row.period.lower,
        row.period.upper,
        row.effective_at,
        row.counted_from,
        row.option_code,
    )
