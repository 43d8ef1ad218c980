"""Cover at an instant: which policy, for how many shares, what waits, or why not."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, get_args
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import business_day, day_start
from app.kernel.database import raw_connection
from app.plans import service as plans
from app.plans.benefits import Cause
from app.plans.terms import PlanTerms
from app.policies import queries
from app.policies.grace import Days, moratoriums_after, renewal_closes_at
from app.policies.layers import Change, Layer, Tier, layers_at, tiers_at

Reason = Literal[
    "covered", "in_grace", "not_started", "pending_identity", "unpaid", "ended", "cancelled", "void"
]
# What a person is told first when several policies of one plan do not cover.
_BEST_FIRST: tuple[Reason, ...] = get_args(Reason)


class PolicyCover(NamedTuple):
    """One policy, or one unpaid order's reservation (`policy_id` None), at the instant."""

    plan_code: str
    reason: Reason
    shares: int
    starts_at: datetime
    ends_at: datetime
    policy_id: UUID | None = None
    number: str | None = None
    plan_version_id: UUID | None = None
    option_code: str | None = None
    term_number: int = 1
    layers: tuple[Layer, ...] = ()
    # The options that it has had by the instant, the one that was issued first.
    tiers: tuple[Tier, ...] = ()
    status: str = "in_force"
    follows_id: UUID | None = None
    # When a renewal was paid; cover between the old end and then is what grace gives.
    bound_at: datetime | None = None
    # In grace: until when it can be renewed or what came after, and whether it covers so long.
    until: datetime | None = None
    covered_in_grace: bool = False
    # Covered only because a moratorium moved the end.
    extended: bool = False

    @property
    def covered(self) -> bool:
        return self.reason == "covered" or (self.reason == "in_grace" and self.covered_in_grace)


class PlanCover(NamedTuple):
    """Everything one person has in one plan; `shares` are those covered at the instant."""

    plan_code: str
    policies: tuple[PolicyCover, ...]

    @property
    def best(self) -> PolicyCover:
        return min(
            self.policies,
            key=lambda policy: (not policy.covered, _BEST_FIRST.index(policy.reason)),
        )

    @property
    def covered(self) -> bool:
        return any(policy.covered for policy in self.policies)

    @property
    def shares(self) -> int:
        return sum(policy.shares for policy in self.policies if policy.covered)


def reason_at(changes: Sequence[Change], instant: datetime) -> tuple[Reason, Change]:
    """Whether a policy covers `instant`, and the change that says so.

    `changes` are in the order in which they were recorded, at least one. The last one
    already effective decides; before the first, the last one recorded does.
    """
    effective = [change for change in changes if change.effective_at <= instant]
    change = effective[-1] if effective else changes[-1]
    if change.status == "cancelled":
        return "cancelled", change
    if change.status == "void":
        return "void", change
    if instant >= change.ends_at:
        return "ended", change
    if change.status == "pending":
        return "pending_identity", change
    return ("covered" if instant >= change.starts_at else "not_started"), change


def paying_option(
    terms: PlanTerms, cover: PolicyCover, benefit_code: str, cause: Cause, instant: datetime
) -> str:
    """The newest option whose waiting days are over at `instant`; the first until one is."""
    days = timedelta(days=terms.waiting_days(benefit_code, cause))
    over = [tier for tier in cover.tiers if business_day(instant) >= tier.since_on + days]
    first = cover.tiers[0].option_code if cover.tiers else cover.option_code
    return (over[-1].option_code if over else first) or terms.option().code


def waits_until(terms: PlanTerms, cover: PolicyCover, benefit_code: str, cause: Cause) -> datetime:
    """The first instant at which this cause pays for any share: day N, day 0 being the first."""
    days = terms.waiting_days(benefit_code, cause)
    since = min((layer.since_on for layer in cover.layers), default=business_day(cover.starts_at))
    return max(cover.starts_at, day_start(since + timedelta(days=days)))


def paying_layers(
    terms: PlanTerms, cover: PolicyCover, benefit_code: str, cause: Cause, instant: datetime
) -> tuple[Layer, ...]:
    """The layers whose waiting days are over at `instant`: new shares wait, old ones do not."""
    days = terms.waiting_days(benefit_code, cause)
    day = business_day(instant)
    return tuple(layer for layer in cover.layers if day >= layer.since_on + timedelta(days=days))


async def cover_at(
    session: AsyncSession, person_id: UUID, instant: datetime, known_at: datetime | None = None
) -> list[PlanCover]:
    """A person's plans at `instant`, as known at `known_at` (system clock; None: now)."""
    connection = await raw_connection(session)
    rows = await connection.fetch(queries.COVER_OF_PERSON, person_id, known_at)
    moratoriums = await moratoriums_after(connection, rows, instant)
    return plan_covers(rows, instant, await terms_in(connection, rows), moratoriums)


async def terms_in(
    connection: asyncpg.Connection | asyncpg.Pool, rows: Iterable[Mapping[str, Any]]
) -> dict[UUID, PlanTerms]:
    """The terms of every policy in the rows of a cover query, by version."""
    known: dict[UUID, PlanTerms] = {}
    for row in rows:
        version = row["plan_version_id"]
        if version is not None and version not in known:
            known[version] = await plans.terms_of(connection, version)
    return known


def plan_covers(
    rows: Iterable[Mapping[str, Any]],
    instant: datetime,
    terms: Mapping[UUID, PlanTerms] = MappingProxyType({}),
    moratoriums: Mapping[UUID, Days] = MappingProxyType({}),
) -> list[PlanCover]:
    """Fold the rows of a cover query, ordered by plan, policy and transaction.

    Grace days are those of the `terms` given; of others nothing is known of them. The
    `moratoriums` that reach a policy prolong them.
    """
    covers = []
    for plan_code, of_plan in groupby(rows, key=lambda row: str(row["plan_code"])):
        policies = [
            _policy_cover(list(changes), instant)
            for _, changes in groupby(of_plan, key=lambda row: row["holder_id"])
        ]
        covers.append(
            PlanCover(plan_code, tuple(with_grace(policies, terms, instant, moratoriums)))
        )
    return covers


def with_grace(
    policies: Sequence[PolicyCover],
    terms: Mapping[UUID, PlanTerms],
    instant: datetime,
    moratoriums: Mapping[UUID, Days] = MappingProxyType({}),
) -> Iterator[PolicyCover]:
    """Policies of one person and plan, seen together: what has ended may still be renewed.

    Within its grace days a policy that nobody renewed is in grace. A renewal that was
    paid in them covers from the payment; before it only what grace covers (decision 0011).
    """
    known = {policy.policy_id: policy for policy in policies}
    renewed = {
        policy.follows_id for policy in policies if policy.reason not in ("cancelled", "void")
    }
    for policy in policies:
        if policy.reason not in ("covered", "ended"):
            yield policy
            continue
        before = known.get(policy.follows_id) if policy.follows_id else None
        ruling = _terms_of(before or policy, terms)
        if ruling is None:
            yield policy
        elif policy.reason == "covered":
            unpaid_yet = policy.bound_at if policy.bound_at and instant < policy.bound_at else None
            if unpaid_yet is None or ruling.renewal.covered_in_grace:
                yield policy
            else:
                yield _in_grace(policy, ruling, unpaid_yet)
        elif policy.policy_id is not None and policy.policy_id not in renewed:
            prolonged = moratoriums.get(policy.policy_id, ())
            closes_at = renewal_closes_at(ruling, policy.ends_at, prolonged)
            graced = policy.status == "in_force" and instant < closes_at
            yield _in_grace(policy, ruling, closes_at) if graced else policy
        else:
            yield policy


def _terms_of(policy: PolicyCover, terms: Mapping[UUID, PlanTerms]) -> PlanTerms | None:
    version_id = policy.plan_version_id
    return None if version_id is None else terms.get(version_id)


def _in_grace(policy: PolicyCover, terms: PlanTerms, until: datetime) -> PolicyCover:
    covers = terms.renewal.covered_in_grace
    return policy._replace(reason="in_grace", until=until, covered_in_grace=covers)


def _policy_cover(rows: Sequence[Mapping[str, Any]], instant: datetime) -> PolicyCover:
    changes = [
        Change(
            row["status"],
            row["shares"],
            row["starts_at"],
            row["ends_at"],
            row["effective_at"],
            row["counted_from"],
            row.get("raised_to"),
        )
        for row in rows
    ]
    first = rows[0]
    if first["policy_id"] is None:
        shares, only = len(rows), changes[0]
        return PolicyCover(first["plan_code"], "unpaid", shares, only.starts_at, only.ends_at)
    reason, change = reason_at(changes, instant)
    tiers = tiers_at(changes, first["option_code"], instant)
    return PolicyCover(
        plan_code=first["plan_code"],
        reason=reason,
        shares=change.shares,
        starts_at=change.starts_at,
        ends_at=change.ends_at,
        policy_id=first["policy_id"],
        number=first["number"],
        plan_version_id=first["plan_version_id"],
        option_code=tiers[-1].option_code,
        term_number=first["term_number"] or 1,
        layers=layers_at(changes, instant),
        tiers=tiers,
        status=change.status,
        follows_id=first.get("follows_id"),
        bound_at=first.get("bound_at"),
        extended=reason == "covered"
        and any(row.get("kind") == "extend" and row["effective_at"] <= instant for row in rows),
    )
