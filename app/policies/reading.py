"""What a member sees of their policies: lists, one policy, cover at an instant."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.clock import day_start, system_now
from app.kernel.database import raw_connection
from app.kernel.principal import Principal
from app.kernel.problems import NotFound
from app.members.serving import may_serve
from app.plans import service as plans
from app.plans.benefits import Benefit, Cause, Words
from app.plans.schemas import WordsView
from app.plans.terms import PlanTerms
from app.policies import queries
from app.policies.cover import PlanCover, PolicyCover, plan_covers, terms_in
from app.policies.errors import PolicyNotFound
from app.policies.grace import moratoriums_after
from app.policies.models import Policy
from app.policies.schemas import (
    BenefitCoverView,
    CoverView,
    LayerView,
    PlanCoverView,
    PolicyCoverView,
    PolicyState,
    PolicyView,
    TierView,
    TransactionView,
    WaitingOption,
    WaitingShares,
)

EXPLANATIONS: dict[str, WordsView] = {
    "covered": WordsView(zh="保障中", en="Covered"),
    "in_grace": WordsView(
        zh="处于续保宽限期：请在截止时间前续保", en="In the grace days: renew before they end"
    ),
    "not_started": WordsView(zh="尚未生效", en="Not started yet"),
    "pending_identity": WordsView(
        zh="等待实名核验和授权", en="Waiting for the identity check and consents"
    ),
    "unpaid": WordsView(zh="订单未支付", en="The order is not paid"),
    "ended": WordsView(zh="保障已结束", en="Ended"),
    "cancelled": WordsView(zh="已退保", en="Cancelled"),
    "void": WordsView(zh="凭证无效", en="Void"),
}
MORATORIUM = WordsView(
    zh="保障中：所在区域已宣布暂停到期，保障顺延",
    en="Covered: extended by a moratorium in the district",
)


def policy_state(status: str, starts_at: datetime, ends_at: datetime, now: datetime) -> PolicyState:
    """The stored status seen from an instant: expiry is derived, never stored."""
    if status == "in_force":
        if now < starts_at:
            return "not_started"
        return "in_force" if now < ends_at else "expired"
    if status == "pending" and now >= ends_at:
        return "expired"
    return status  # type: ignore[return-value]


def policy_line(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """A list's row as the `PolicyLine` schema has it; plain values, for a hot answer."""
    return {
        "id": row["id"],
        "number": row["number"],
        "plan_code": row["plan_code"],
        "plan_name": {"zh": row["name_zh"], "en": row["name_en"]},
        "version": row["version"],
        "shares": row["shares"],
        "state": policy_state(row["status"], row["starts_at"], row["ends_at"], now),
        "channel": row["channel"],
        "starts_at": row["starts_at"],
        "ends_at": row["ends_at"],
        "order_id": row["order_id"],
        "issued_at": row["issued_at"],
    }


async def show_policy(
    session: AsyncSession, account_id: UUID, policy_id: UUID, now: datetime
) -> PolicyView:
    """One of the caller's own policies; raises PolicyNotFound (404)."""
    policy = await queries.policy_of_account(session, account_id, policy_id)
    if policy is None:
        raise PolicyNotFound
    return await policy_view(session, policy, now)


async def policy_view(session: AsyncSession, policy: Policy, now: datetime) -> PolicyView:
    version = await plans.version_of(session, policy.plan_version_id)
    state = policy_state(policy.status, policy.starts_at, policy.ends_at, now)
    return PolicyView(
        id=policy.id,
        number=policy.number,
        plan_code=policy.plan_code,
        plan_name=_words(version.terms.name),
        version=version.number,
        shares=policy.shares,
        state=state,
        channel=policy.channel,
        starts_at=policy.starts_at,
        ends_at=policy.ends_at,
        order_id=policy.order_id,
        issued_at=policy.issued_at,
        plan_version_id=version.id,
        certificate=policy.status == "in_force",
        transactions=[
            TransactionView(
                kind=change.kind,
                status=change.status,
                shares=change.shares,
                option_code=change.option_code,
                starts_at=change.period.lower,
                ends_at=change.period.upper,
                effective_at=change.effective_at,
                recorded_at=change.recorded_at,
                reason_code=change.reason_code,
            )
            for change in await queries.transactions(session, policy.id)
        ],
    )


async def cover_of_account(
    reads: asyncpg.Pool, account_id: UUID, instant: datetime | None
) -> CoverView:
    """The caller's cover, now or at `instant`: one statement, and terms kept in this process."""
    rows = await reads.fetch(queries.COVER_OF_ACCOUNT, account_id)
    return await cover_view(reads, rows, instant or queries.clock_in(rows))


async def cover_for_staff(
    session: AsyncSession,
    staff: Principal,
    person_id: UUID,
    instant: datetime,
    known_at: datetime | None = None,
) -> CoverView:
    """The cover of somebody whom the caller manages or serves; the look is recorded.

    `known_at` (system clock): by what was recorded until then. Raises NotFound (404).
    """
    if not await may_serve(session, staff, person_id, system_now()):
        raise NotFound
    connection = await raw_connection(session)
    rows = await connection.fetch(queries.COVER_OF_PERSON, person_id, known_at)
    shown = {row["policy_id"] for row in rows if row["policy_id"] is not None}
    await audit.record(
        session, staff, "cover.read", subject="person", subject_ids=[person_id, *sorted(shown)]
    )
    return await cover_view(connection, rows, instant)


async def cover_view(
    connection: asyncpg.Connection | asyncpg.Pool,
    rows: Sequence[Mapping[str, Any]],
    instant: datetime,
) -> CoverView:
    known = await terms_in(connection, rows)
    moratoriums = await moratoriums_after(connection, rows, instant)
    covers = plan_covers(rows, instant, known, moratoriums)
    views = []
    for cover in covers:
        version_id = cover.best.plan_version_id
        if version_id is None:
            terms = await plans.terms_of_newest(connection, cover.plan_code)
        else:
            terms = known[version_id]
        views.append(_plan_cover(cover, terms, known, instant))
    return CoverView(at=instant, covered=any(cover.covered for cover in covers), plans=views)


def _plan_cover(
    cover: PlanCover, terms: PlanTerms, known: Mapping[UUID, PlanTerms], instant: datetime
) -> PlanCoverView:
    best = cover.best
    covering = [
        (policy, known[policy.plan_version_id])
        for policy in cover.policies
        if policy.covered and policy.plan_version_id is not None
    ]
    benefits = {benefit.code: benefit for _, each in covering for benefit in each.benefits}
    return PlanCoverView(
        plan_code=cover.plan_code,
        plan_name=_words(terms.name),
        covered=cover.covered,
        reason=best.reason,
        explanation=MORATORIUM if best.extended else EXPLANATIONS[best.reason],
        shares=cover.shares,
        policies=[_policy_cover(policy) for policy in cover.policies],
        benefits=[_benefit_cover(benefit, covering, instant) for benefit in benefits.values()],
    )


def _policy_cover(policy: PolicyCover) -> PolicyCoverView:
    return PolicyCoverView(
        policy_id=policy.policy_id,
        number=policy.number,
        plan_version_id=policy.plan_version_id,
        covered=policy.covered,
        reason=policy.reason,
        until=policy.until,
        shares=policy.shares,
        layers=[LayerView(shares=each.shares, since_on=each.since_on) for each in policy.layers],
        option_code=policy.option_code,
        options=[
            TierView(option_code=each.option_code, since_on=each.since_on) for each in policy.tiers
        ],
        term_number=policy.term_number,
        starts_at=policy.starts_at,
        ends_at=policy.ends_at,
        extended=policy.extended,
    )


def _benefit_cover(
    benefit: Benefit, covering: Sequence[tuple[PolicyCover, PlanTerms]], instant: datetime
) -> BenefitCoverView:
    """One benefit over all policies that have it: paying and waiting shares by cause."""
    paying: dict[Cause, int] = {}
    waiting: list[WaitingShares] = []
    for policy, terms in covering:
        own = terms.by_code.get(benefit.code)
        for cause in own.causes if own is not None else ():
            paying.setdefault(cause, 0)
            days = timedelta(days=terms.waiting_days(benefit.code, cause))
            for layer in policy.layers:
                until = max(policy.starts_at, day_start(layer.since_on + days))
                if until <= instant:
                    paying[cause] += layer.shares
                else:
                    waiting.append(
                        WaitingShares(
                            number=policy.number or "",
                            cause=cause,
                            shares=layer.shares,
                            until=until,
                        )
                    )
    return BenefitCoverView(
        code=benefit.code,
        name=_words(benefit.name),
        pays_now=[cause for cause, shares in paying.items() if shares],
        shares_paying={cause: shares for cause, shares in paying.items() if shares},
        waits_until={
            cause: min(each.until for each in waiting if each.cause == cause)
            for cause, shares in paying.items()
            if not shares
        },
        waiting=waiting,
        options_waiting=list(_options_waiting(benefit, covering, instant)),
    )


def _options_waiting(
    benefit: Benefit, covering: Sequence[tuple[PolicyCover, PlanTerms]], instant: datetime
) -> Iterator[WaitingOption]:
    for policy, terms in covering:
        own = terms.by_code.get(benefit.code)
        for cause in own.causes if own is not None else ():
            days = timedelta(days=terms.waiting_days(benefit.code, cause))
            for tier in policy.tiers[1:]:
                until = day_start(tier.since_on + days)
                if until > instant:
                    yield WaitingOption(
                        number=policy.number or "",
                        cause=cause,
                        option_code=tier.option_code or terms.option().code,
                        until=until,
                    )


def _words(words: Words) -> WordsView:
    return WordsView(zh=words.zh, en=words.en)
