"""Finding payment agreements, and the chain of policies that one belongs to."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.agreement_models import PaymentAgreement
from app.policies.models import Policy

LIVE = ("requested", "active")
_GONE = ("cancelled", "void")
_FIRST = text(
    "with recursive chain as ("
    " select id, follows_id from policy where id = :policy_id"
    " union all select p.id, p.follows_id from policy p join chain c on p.id = c.follows_id)"
    " select id from chain where follows_id is null"
)


async def first_of_chain(session: AsyncSession, policy_id: UUID) -> UUID:
    """The policy with which a chain of terms began."""
    found: UUID = (await session.execute(_FIRST, {"policy_id": policy_id})).scalar_one()
    return found


async def follower_of(session: AsyncSession, policy_id: UUID) -> Policy | None:
    """The live policy that continues another one."""
    return await session.scalar(
        select(Policy).where(Policy.follows_id == policy_id, Policy.status.not_in(_GONE))
    )


async def last_of_chain(session: AsyncSession, first_policy_id: UUID) -> Policy:
    """The newest live term; the first policy itself where none follows."""
    policy = await session.get_one(Policy, first_policy_id)
    while (follower := await follower_of(session, policy.id)) is not None:
        policy = follower
    return policy


async def active_agreement(session: AsyncSession, policy_id: UUID) -> PaymentAgreement | None:
    """The signed agreement of the policy's chain."""
    return await session.scalar(
        select(PaymentAgreement).where(
            PaymentAgreement.first_policy_id == await first_of_chain(session, policy_id),
            PaymentAgreement.status == "active",
        )
    )


async def newest_agreement(session: AsyncSession, first_policy_id: UUID) -> PaymentAgreement | None:
    """The live agreement of a chain, or the one that ended last."""
    return await session.scalar(
        select(PaymentAgreement)
        .where(PaymentAgreement.first_policy_id == first_policy_id)
        .order_by(PaymentAgreement.id.desc())
        .limit(1)
    )


async def locked_agreement(session: AsyncSession, agreement_id: UUID) -> PaymentAgreement:
    return (
        await session.scalars(
            select(PaymentAgreement).where(PaymentAgreement.id == agreement_id).with_for_update()
        )
    ).one()


async def locked_by_code(session: AsyncSession, contract_code: str) -> PaymentAgreement | None:
    return await session.scalar(
        select(PaymentAgreement)
        .where(PaymentAgreement.contract_code == contract_code)
        .with_for_update()
    )


async def unanswered_agreements(session: AsyncSession, limit: int) -> Sequence[PaymentAgreement]:
    """Those that nobody has confirmed so far, oldest first."""
    statement = (
        select(PaymentAgreement)
        .where(PaymentAgreement.status == "requested")
        .order_by(PaymentAgreement.id)
        .limit(limit)
    )
    return (await session.scalars(statement)).all()
