"""Whether a person is covered at an instant, as the `CoverView` schema has it.

Plain values, not models: members ask all the time, and models would be built only to be
written out again (benchmarks/, path `cover`).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.clock import business_day, day_start, system_now
from app.kernel.database import raw_connection
from app.kernel.principal import Principal
from app.kernel.problems import NotFound
from app.members.serving import may_serve
from app.plans import service as plans
from app.plans.benefits import Benefit, Cause, Words
from app.plans.terms import PlanTerms
from app.policies import queries
from app.policies.cover import PlanCover, PolicyCover, Reason, plan_covers, terms_in
from app.policies.grace import moratoriums_after

# A JSON object of the answer.
Plain = dict[str, Any]
# Benefits by plan version and shares, as `_benefits` answers them once every wait is over.
MOST_KEPT = 1_024
_NOTHING_WAITS: dict[tuple[UUID | None, int], list[Plain]] = {}

EXPLANATIONS: Mapping[Reason, Plain] = {
    "covered": {"zh": "保障中", "en": "Covered"},
    "in_grace": {
        "zh": "处于续保宽限期：请在截止时间前续保",
        "en": "In the grace days: renew before they end",
    },
    "not_started": {"zh": "尚未生效", "en": "Not started yet"},
    "pending_identity": {
        "zh": "等待实名核验和授权",
        "en": "Waiting for the identity check and consents",
    },
    "unpaid": {"zh": "订单未支付", "en": "The order is not paid"},
    "ended": {"zh": "保障已结束", "en": "Ended"},
    "cancelled": {"zh": "已退保", "en": "Cancelled"},
    "void": {"zh": "凭证无效", "en": "Void"},
}
MORATORIUM = {
    "zh": "保障中：所在区域已宣布暂停到期，保障顺延",
    "en": "Covered: extended by a moratorium in the district",
}


async def cover_of_account(
    reads: asyncpg.Pool, account_id: UUID, instant: datetime | None
) -> Plain:
    """The caller's cover, now or at `instant`: one statement, and terms kept in this process."""
    rows = await reads.fetch(queries.COVER_OF_ACCOUNT, account_id)
    return await cover_view(reads, rows, instant or queries.clock_in(rows))


async def cover_for_staff(
    session: AsyncSession,
    staff: Principal,
    person_id: UUID,
    instant: datetime,
    known_at: datetime | None = None,
) -> Plain:
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
) -> Plain:
    known = await terms_in(connection, rows)
    moratoriums = await moratoriums_after(connection, rows, instant)
    views = []
    for cover in plan_covers(rows, instant, known, moratoriums):
        version_id = cover.best.plan_version_id
        if version_id is None:
            terms = await plans.terms_of_newest(connection, cover.plan_code)
        else:
            terms = known[version_id]
        views.append(_plan_cover(cover, terms, known, instant))
    return {"at": instant, "covered": any(view["covered"] for view in views), "plans": views}


def _plan_cover(
    cover: PlanCover, terms: PlanTerms, known: Mapping[UUID, PlanTerms], instant: datetime
) -> Plain:
    best = cover.best
    covering = [
        (policy, known[policy.plan_version_id])
        for policy in cover.policies
        if policy.covered and policy.plan_version_id is not None
    ]
    return {
        "plan_code": cover.plan_code,
        "plan_name": _words(terms.name),
        "covered": best.covered,
        "reason": best.reason,
        "explanation": MORATORIUM if best.extended else EXPLANATIONS[best.reason],
        "shares": cover.shares,
        "policies": [_policy_cover(policy) for policy in cover.policies],
        "benefits": _benefits(covering, business_day(instant)),
    }


def _benefits(covering: Sequence[tuple[PolicyCover, PlanTerms]], day: date) -> list[Plain]:
    """The benefits of the policies that cover on a day.

    Where nothing waits they depend on the version and the shares alone, and are kept: so it
    is for most members at most times.
    """
    if len(covering) == 1:
        [(policy, terms)] = covering
        last = max(layer.since_on for layer in policy.layers)
        if len(policy.tiers) == 1 and last + terms.longest_wait <= day:
            key = policy.plan_version_id, policy.shares
            told = _NOTHING_WAITS.get(key)
            if told is None:
                if len(_NOTHING_WAITS) >= MOST_KEPT:
                    _NOTHING_WAITS.clear()
                told = [_benefit_cover(benefit, covering, day) for benefit in terms.benefits]
                _NOTHING_WAITS[key] = told
            return told
    benefits = {benefit.code: benefit for _, each in covering for benefit in each.benefits}
    return [_benefit_cover(benefit, covering, day) for benefit in benefits.values()]


def _policy_cover(policy: PolicyCover) -> Plain:
    return {
        "policy_id": policy.policy_id,
        "number": policy.number,
        "plan_version_id": policy.plan_version_id,
        "covered": policy.covered,
        "reason": policy.reason,
        "until": policy.until,
        "shares": policy.shares,
        "layers": [{"shares": each.shares, "since_on": each.since_on} for each in policy.layers],
        "option_code": policy.option_code,
        "options": [
            {"option_code": each.option_code, "since_on": each.since_on} for each in policy.tiers
        ],
        "term_number": policy.term_number,
        "starts_at": policy.starts_at,
        "ends_at": policy.ends_at,
        "extended": policy.extended,
    }


def _benefit_cover(
    benefit: Benefit, covering: Sequence[tuple[PolicyCover, PlanTerms]], day: date
) -> Plain:
    """One benefit on a day, over the policies that cover: paying and waiting shares by cause."""
    paying: dict[Cause, int] = {}
    waiting: list[Plain] = []
    for policy, terms in covering:
        for cause, wait in terms.waits.get(benefit.code, ()):
            shares = paying.get(cause, 0)
            for layer in policy.layers:
                pays_from = layer.since_on + wait
                if pays_from <= day:
                    shares += layer.shares
                else:
                    waiting.append(
                        {
                            "number": policy.number or "",
                            "cause": cause,
                            "shares": layer.shares,
                            "until": day_start(pays_from),
                        }
                    )
            paying[cause] = shares
    shares_paying = {cause: shares for cause, shares in paying.items() if shares}
    return {
        "code": benefit.code,
        "name": _words(benefit.name),
        "pays_now": list(shares_paying),
        "shares_paying": shares_paying,
        "waits_until": {
            cause: min(each["until"] for each in waiting if each["cause"] == cause)
            for cause in paying
            if cause not in shares_paying
        },
        "waiting": waiting,
        "options_waiting": [
            told
            for policy, terms in covering
            if len(policy.tiers) > 1
            for told in _options_waiting(benefit, policy, terms, day)
        ],
    }


def _options_waiting(
    benefit: Benefit, policy: PolicyCover, terms: PlanTerms, day: date
) -> Iterator[Plain]:
    """Raised options whose waiting days are not over: the one before pays until then."""
    for tier in policy.tiers[1:]:
        for cause, wait in terms.waits.get(benefit.code, ()):
            if tier.since_on + wait > day:
                yield {
                    "number": policy.number or "",
                    "cause": cause,
                    "option_code": tier.option_code or terms.option().code,
                    "until": day_start(tier.since_on + wait),
                }


def _words(words: Words) -> Plain:
    return {"zh": words.zh, "en": words.en}
