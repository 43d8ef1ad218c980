"""Paid orders become cover: a new policy, one that renews another, or shares added to one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.errors import CoverLost
from app.billing.events import ORDER_PAID
from app.billing.models import ContributionOrder
from app.kernel.clock import business_day, day_start
from app.kernel.database import raw_connection
from app.kernel.facts import Fact
from app.kernel.principal import Principal
from app.ledger.accounts import DEPOSITS_HELD, RECEIVABLE_FROM, contributions_of
from app.plans import service as plans
from app.plans.terms import PlanTerms
from app.policies.calendar import first_covered_day, term_period
from app.policies.continuing import (
    add_shares,
    raise_option,
    renewed_fact,
    renewed_layers,
    with_tiers,
)
from app.policies.issue import NewPolicy, issue, issued_fact
from app.policies.standing import renewal_window, renewed_tiers, standing_of

_CARRIED = (
    "number",
    "person_id",
    "plan_code",
    "plan_version_id",
    "shares",
    "amount_fen",
    "channel",
    "sponsor_id",
    "organisation_id",
    "enrolled_by",
    "option_code",
    "term_days",
    "starts_on",
)


def carried(order: ContributionOrder) -> Mapping[str, Any]:
    """What a policy takes from its order."""
    return {name: getattr(order, name) for name in _CARRIED} | {"order_id": order.id}


def new_policy(
    row: Any, terms: PlanTerms, paid_at: datetime, verified_at: datetime | None
) -> NewPolicy:
    """An order's cover: from the day after payment and identity, whichever is last (domain.md).

    A later day that the buyer chose stands as long as it is not before that.
    """
    conditions = [paid_at] if verified_at is None else [paid_at, verified_at]
    first_day = first_covered_day(*conditions)
    if row["starts_on"] is not None:
        first_day = max(first_day, row["starts_on"])
    option = terms.option(row["option_code"])
    return NewPolicy(
        person_id=row["person_id"],
        plan_code=row["plan_code"],
        plan_version_id=row["plan_version_id"],
        shares=row["shares"],
        period=term_period(option.term, first_day, row["term_days"]),
        in_force=verified_at is not None,
        channel=row["channel"],
        sponsor_id=row["sponsor_id"],
        order_id=row["order_id"],
        organisation_id=row["organisation_id"],
        enrolled_by=row["enrolled_by"],
        option_code=row["option_code"],
    )


def paid_fact(row: Any, policy_id: UUID) -> Fact:
    """That an order is paid, and what it became."""
    return Fact(
        subject="contribution_order",
        subject_id=row["order_id"],
        audited="order.pay",
        event=ORDER_PAID,
        content={
            "number": row["number"],
            "plan_code": row["plan_code"],
            "shares": row["shares"],
            "amount_fen": row["amount_fen"],
            "policy_id": str(policy_id),
        },
    )


async def become_cover(
    session: AsyncSession,
    order: ContributionOrder,
    terms: PlanTerms,
    *,
    paid_at: datetime,
    verified_at: datetime | None,
    actor: Principal,
    now: datetime,
) -> list[Fact]:
    """Turn a locked order that is paid into its cover; the facts are for the caller to state.

    Raises CoverLost when it is too late for a renewal or an upgrade, or when the policy
    that it continues has changed meanwhile; SharesOverLimit for places that are gone.
    """
    if order.kind == "renewal":
        return await _renew(session, order, terms, paid_at, actor, now)
    if order.kind == "upgrade":
        return await _upgrade(session, order, terms, paid_at, actor)
    row = carried(order)
    policy = new_policy(row, terms, paid_at, verified_at)
    await issue(session, policy, actor=actor, now=now, max_shares=terms.max_shares, stated=False)
    return [paid_fact(row, policy.id), issued_fact(policy)]


async def _renew(
    session: AsyncSession,
    order: ContributionOrder,
    terms: PlanTerms,
    paid_at: datetime,
    actor: Principal,
    now: datetime,
) -> list[Fact]:
    assert order.policy_id is not None  # noqa: S101  a CHECK on the columns
    standing = await standing_of(session, order.policy_id, lock=True)
    old = standing.policy
    if old.status != "in_force" or standing.renewed:
        raise CoverLost("policy_changed")
    connection = await raw_connection(session)
    old_terms = await plans.terms_of(connection, old.plan_version_id)
    if paid_at >= renewal_window(old_terms, old.ends_at, standing.moratoriums).closes_at:
        raise CoverLost("paid_after_grace")
    option = terms.option(order.option_code)
    period = term_period(option.term, standing.ends_on, order.term_days)
    layers = renewed_layers(standing.layers, order.shares, period, paid_at)
    tiers = renewed_tiers(terms, standing, option.code, period, paid_at)
    policy = NewPolicy(
        person_id=order.person_id,
        plan_code=order.plan_code,
        plan_version_id=order.plan_version_id,
        shares=order.shares,
        period=period,
        in_force=True,
        channel=order.channel,
        sponsor_id=order.sponsor_id,
        order_id=order.id,
        organisation_id=order.organisation_id,
        enrolled_by=order.enrolled_by,
        option_code=order.option_code,
        term_number=old.term_number + 1,
        follows_id=old.id,
        layers=with_tiers(layers, tiers),
    )
    await issue(session, policy, actor=actor, now=now, max_shares=terms.max_shares, stated=False)
    row = carried(order)
    renewed = renewed_fact(old.id, old.number, old.person_id, old.plan_code, policy.id)
    return [paid_fact(row, policy.id), issued_fact(policy), renewed]


async def _upgrade(
    session: AsyncSession,
    order: ContributionOrder,
    terms: PlanTerms,
    paid_at: datetime,
    actor: Principal,
) -> list[Fact]:
    assert order.policy_id is not None  # noqa: S101  a CHECK on the columns
    standing = await standing_of(session, order.policy_id, lock=True)
    policy = standing.policy
    begins_on = max(first_covered_day(paid_at), business_day(policy.starts_at))
    if policy.status != "in_force":
        raise CoverLost("policy_changed")
    if begins_on >= standing.ends_on:
        raise CoverLost("cover_ended")
    wanted = terms.option(order.option_code).code
    if wanted != terms.option(standing.option_code).code:
        if order.shares != policy.shares:
            raise CoverLost("policy_changed")
        raised = await raise_option(
            session,
            policy,
            wanted,
            order_id=order.id,
            begins_at=day_start(begins_on),
            actor=actor,
        )
        return [paid_fact(carried(order), policy.id), raised]
    added = await add_shares(
        session,
        policy,
        order.shares,
        order_id=order.id,
        begins_at=day_start(begins_on),
        actor=actor,
    )
    if added is None:
        raise CoverLost("shares_taken")
    return [paid_fact(carried(order), policy.id), added]


def contribution_entries(order: ContributionOrder, debit: str) -> list[tuple[str, int]]:
    """An order's postings: what the payer gives to `debit`, what others owe, the pool's income.

    A deposit is owed back and no income.
    """
    others = order.split or {}
    entries = [(debit, order.amount_fen)]
    entries += [(RECEIVABLE_FROM[payer], fen) for payer, fen in sorted(others.items())]
    entries.append((DEPOSITS_HELD, -order.deposit_fen))
    income = order.amount_fen + sum(others.values()) - order.deposit_fen
    entries.append((contributions_of(order.plan_code), -income))
    return [(account, fen) for account, fen in entries if fen]
