"""Cancelling cover with its money: what goes back by the plan's rule, from which payments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing import queries
from app.billing.errors import ClaimOpen, OrderNotFound, OrderNotOpen, RefundNotOffered
from app.billing.giving_back import (
    Back,
    Source,
    close_open_orders,
    method_of,
    payments_of,
    send_back,
)
from app.billing.models import ContributionOrder
from app.claims.decision_models import BenefitUse
from app.claims.models import Claim
from app.kernel.money import yuan
from app.kernel.principal import Principal
from app.plans.explanation import explain_price
from app.plans.inputs import REFUND_CONTEXT, Value
from app.plans.pricing import priced
from app.policies.cancelling import Ending, end_cover, judge_cancellation
from app.policies.errors import CancellationNotOffered, PolicyHasStarted
from app.policies.models import Policy
from app.policies.recording import locked_policy

CLOSED_CLAIMS = ("paid", "denied", "withdrawn")
_LABEL = ("退还互助费", "Contribution that goes back")


@dataclass(frozen=True, slots=True)
class Cancellation:
    """A cancellation as it would be, or was: when cover ends, what goes back, and why."""

    ending: Ending
    paid_fen: int
    claimed_fen: int
    backs: tuple[Back, ...]
    explanation: dict[str, Any]

    @property
    def member_fen(self) -> int:
        """What the member gets, deposit included."""
        return sum(back.total_fen for back in self.backs if back.source.attempt is not None)

    @property
    def deposit_fen(self) -> int:
        return sum(back.deposit_fen for back in self.backs)


async def judge(
    session: AsyncSession, policy: Policy, now: datetime, *, lock: bool = False
) -> Cancellation:
    """What cancelling would do at `now`; changes nothing. `lock` is for carrying it out.

    The rule sees contributions without deposits; it gives at most what was paid, the
    newest payment first. A deposit goes back whole, because the term ends. Raises what
    `judge_cancellation` raises, and ClaimOpen (409) while a claim under it is open.
    """
    ending = await judge_cancellation(session, policy, now)
    claims = await open_claims(session, policy.id)
    if claims:
        raise ClaimOpen(claims)
    sources = await payments_of(session, policy.id, lock=lock)
    paid_fen = sum(source.contribution_fen for source in sources)
    claimed_fen = await _claimed(session, policy.id)
    inputs: dict[str, Value] = {
        **ending.measures,
        "paid_fen": paid_fen,
        "claimed_fen": claimed_fen,
    }
    found = priced(ending.terms, ending.rule_name, ending.rule, inputs)
    backs = _spread(sources, min(found.amount_fen, paid_fen), now)
    explained = explain_price(ending.terms, ending.rule_name, found, REFUND_CONTEXT, _LABEL)
    if found.amount_fen > paid_fen:
        explained = _at_most_paid(explained, found.amount_fen, paid_fen)
    return Cancellation(ending, paid_fen, claimed_fen, backs, explained)


def _at_most_paid(explained: dict[str, Any], rule_fen: int, paid_fen: int) -> dict[str, Any]:
    """The explanation of a rule that would give back more than was paid."""
    by_rule, paid = yuan(rule_fen), yuan(paid_fen)
    limit = {
        "code": "at_most",
        "zh": f"按规则为 {by_rule} 元，超过已付互助费，按 {paid} 元退还",
        "en": f"{by_rule} yuan by the rule, above the contribution paid: {paid} yuan goes back",
        "value": paid_fen,
        "unit": "fen",
        "steps": explained["steps"],
    }
    said = {"zh": f"{_LABEL[0]} {paid} 元", "en": f"{_LABEL[1]}: {paid} yuan"}
    return {**explained, **said, "value": paid_fen, "steps": [limit]}


def _spread(sources: Sequence[Source], amount_fen: int, now: datetime) -> tuple[Back, ...]:
    backs = []
    for source in sources:
        part = min(amount_fen, source.contribution_fen)
        amount_fen -= part
        if part or source.deposit_fen:
            backs.append(Back(source, part, source.deposit_fen, method_of(source.attempt, now)))
    return tuple(backs)


async def open_claims(session: AsyncSession, policy_id: UUID) -> Sequence[UUID]:
    """Claims under a policy that are neither paid nor given up."""
    statement = select(Claim.id).where(
        Claim.policy_id == policy_id, Claim.status.not_in(CLOSED_CLAIMS)
    )
    return (await session.scalars(statement.order_by(Claim.id))).all()


async def _claimed(session: AsyncSession, policy_id: UUID) -> int:
    total = await session.scalar(
        select(func.sum(BenefitUse.amount_fen)).where(
            BenefitUse.policy_id == policy_id, BenefitUse.reversed_at.is_(None)
        )
    )
    return int(total or 0)


async def cancel(
    session: AsyncSession, policy: Policy, *, reason_code: str, actor: Principal, now: datetime
) -> Cancellation:
    """Cancel a locked policy and have its money sent back; raises as `judge`."""
    cancellation = await judge(session, policy, now, lock=True)
    ended = await end_cover(
        session, cancellation.ending, reason_code=reason_code, actor=actor, now=now
    )
    await close_open_orders(session, policy.id, actor=actor, now=now)
    await send_back(session, cancellation.backs, ended, reason_code, actor, now)
    return cancellation


async def refund_before_start(
    session: AsyncSession, account_id: UUID, order_id: UUID, *, actor: Principal, now: datetime
) -> ContributionOrder:
    """Cancel the cover of one's own order before it begins, by the plan's rule for that.

    Raises OrderNotFound (404), OrderNotOpen, PolicyHasStarted, RefundNotOffered (409).
    """
    found = await queries.order_of_account(session, account_id, order_id)
    if found is None:
        raise OrderNotFound
    covered = await queries.policy_of_order(session, found.id)
    if covered is None:
        if found.status != "paid":
            raise OrderNotOpen(status=found.status)
        raise RefundNotOffered
    policy = await locked_policy(session, covered.id)
    order = await queries.order(session, found.id, lock=True)
    await session.refresh(order)
    if order.status != "paid":
        raise OrderNotOpen(status=order.status)
    if policy.status == "in_force" and policy.starts_at <= now:
        raise PolicyHasStarted
    try:
        cancellation = await cancel(
            session, policy, reason_code="refund_before_start", actor=actor, now=now
        )
    except CancellationNotOffered as error:
        raise RefundNotOffered from error
    if not cancellation.member_fen:
        raise RefundNotOffered
    return order
