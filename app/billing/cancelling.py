"""Cancelling cover with its money: what goes back by the plan's rule, from which payments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing import queries
from app.billing.closing import close_order
from app.billing.errors import ClaimOpen, OrderNotFound, OrderNotOpen, RefundNotOffered
from app.billing.models import ContributionOrder, PaymentAttempt, Refund
from app.billing.refunds import open_refund
from app.claims.decision_models import BenefitUse
from app.claims.models import Claim
from app.kernel.clock import business_day, system_now
from app.kernel.money import yuan
from app.kernel.principal import Principal
from app.ledger import service as ledger
from app.ledger.accounts import DEPOSITS_HELD, SPONSOR_RECEIVABLES, contributions_of
from app.plans.explanation import explain_price
from app.plans.inputs import REFUND_CONTEXT, Value
from app.plans.pricing import priced
from app.policies.cancelling import Ending, end_cover, judge_cancellation
from app.policies.errors import CancellationNotOffered, PolicyHasStarted
from app.policies.models import Policy, PolicyTransaction
from app.policies.recording import locked_policy

# The gateway pays back within a year of the payment (wechat.md); a day is for the sending.
GATEWAY_PAYS_BACK = timedelta(days=364)
CLOSED_CLAIMS = ("paid", "denied", "withdrawn")
_LABEL = ("退还互助费", "Contribution that goes back")

Method = Literal["gateway", "payout"]


@dataclass(frozen=True, slots=True)
class Source:
    """One payment of a policy that is not refunded yet; a sponsor's has no attempt."""

    order: ContributionOrder
    attempt: PaymentAttempt | None
    contribution_fen: int
    deposit_fen: int


@dataclass(frozen=True, slots=True)
class Back:
    """What goes back of one payment, and how it travels."""

    source: Source
    contribution_fen: int
    deposit_fen: int
    method: Method

    @property
    def total_fen(self) -> int:
        return self.contribution_fen + self.deposit_fen


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


def method_of(attempt: PaymentAttempt | None, now: datetime) -> Method:
    """By the gateway as long as it pays back, on its clock and on ours; afterwards by payout."""
    if attempt is None or attempt.succeeded_at is None:
        return "gateway"
    latest = max(now, system_now())
    return "gateway" if latest - attempt.succeeded_at <= GATEWAY_PAYS_BACK else "payout"


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


async def orders_of(
    session: AsyncSession, policy_id: UUID, *, lock: bool = False
) -> Sequence[ContributionOrder]:
    """The orders that this policy's cover was bought with, the newest first."""
    ids = select(PolicyTransaction.order_id).where(PolicyTransaction.policy_id == policy_id)
    statement = (
        select(ContributionOrder)
        .where(ContributionOrder.id.in_(ids))
        .order_by(ContributionOrder.paid_at.desc(), ContributionOrder.id.desc())
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement.with_for_update() if lock else statement)).all()


async def payments_of(
    session: AsyncSession, policy_id: UUID, *, lock: bool = False
) -> list[Source]:
    """What of the policy's payments is not refunded, the newest first."""
    sources = []
    for order in await orders_of(session, policy_id, lock=lock):
        if order.status != "paid":
            continue
        if order.payer == "sponsor":
            sources.append(Source(order, None, order.amount_fen, 0))
            continue
        for attempt, left in await _unrefunded(session, order.id):
            deposit = min(order.deposit_fen, left)
            sources.append(Source(order, attempt, left - deposit, deposit))
    return sources


async def _unrefunded(session: AsyncSession, order_id: UUID) -> list[tuple[PaymentAttempt, int]]:
    refunded = (
        select(func.coalesce(func.sum(Refund.amount_fen), 0))
        .where(Refund.attempt_id == PaymentAttempt.id, Refund.status != "withdrawn")
        .scalar_subquery()
    )
    rows = await session.execute(
        select(PaymentAttempt, refunded)
        .where(PaymentAttempt.order_id == order_id, PaymentAttempt.status == "succeeded")
        .order_by(PaymentAttempt.succeeded_at.desc())
    )
    return [(row[0], left) for row in rows if (left := row[0].amount_fen - int(row[1])) > 0]


async def cancel(
    session: AsyncSession, policy: Policy, *, reason_code: str, actor: Principal, now: datetime
) -> Cancellation:
    """Cancel a locked policy and have its money sent back; raises as `judge`."""
    cancellation = await judge(session, policy, now, lock=True)
    ended = await end_cover(
        session, cancellation.ending, reason_code=reason_code, actor=actor, now=now
    )
    for order in await _open_orders(session, policy.id):
        await close_order(session, order, "policy_cancelled", actor=actor, now=now)
    for back in cancellation.backs:
        if back.source.attempt is None:
            await _credit(session, back, ended, actor, now)
            continue
        entries = [
            (contributions_of(policy.plan_code), back.contribution_fen),
            (DEPOSITS_HELD, back.deposit_fen),
        ]
        await open_refund(
            session,
            back.source.order,
            back.source.attempt,
            [(account, fen) for account, fen in entries if fen],
            reason_code,
            actor,
            now,
            method=back.method,
        )
    return cancellation


async def _open_orders(session: AsyncSession, policy_id: UUID) -> Sequence[ContributionOrder]:
    """Orders that would go on with this policy: nobody shall pay for them now."""
    statement = (
        select(ContributionOrder)
        .where(ContributionOrder.policy_id == policy_id, ContributionOrder.status == "open")
        .with_for_update()
    )
    return (await session.scalars(statement)).all()


async def _credit(
    session: AsyncSession, back: Back, ended: PolicyTransaction, actor: Principal, now: datetime
) -> None:
    """The sponsor owes less; nothing is sent to anybody."""
    await ledger.post(
        session,
        "contribution.credited",
        [
            (contributions_of(back.source.order.plan_code), back.total_fen),
            (SPONSOR_RECEIVABLES, -back.total_fen),
        ],
        event_on=business_day(now),
        reference_id=ended.id,
        actor=actor,
    )


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
