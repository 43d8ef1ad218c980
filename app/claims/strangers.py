"""Bank accounts that somebody else has recorded as well, and what people said of them."""

from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, and_, cast, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.claims.life_models import ClaimSignal
from app.claims.models import Claim
from app.members.models import Person
from app.payouts.models import PayoutAccount
from app.policies.change_models import Beneficiary
from app.policies.models import Policy


def strangers_with(mine: ColumnElement[bool], *friends: UUID) -> Select[UUID, UUID]:
    """Accounts that are `mine`, each with a stranger who has recorded the same.

    Nobody is a stranger whom the other has named as beneficiary, nor are the `friends`.
    """
    other, holder = aliased(PayoutAccount), aliased(Person)
    named = exists().where(
        Beneficiary.policy_id == Policy.id,
        Beneficiary.ended_at.is_(None),
        or_(
            and_(
                Policy.person_id == Person.id, Beneficiary.document_index == holder.document_index
            ),
            and_(
                Policy.person_id == holder.id, Beneficiary.document_index == Person.document_index
            ),
        ),
    )
    return (
        select(PayoutAccount.id, other.person_id)
        .join(other, other.account_index == PayoutAccount.account_index)
        .join(Person, Person.id == PayoutAccount.person_id)
        .join(holder, holder.id == other.person_id)
        .where(
            mine,
            other.person_id.not_in((PayoutAccount.person_id, *friends)),
            holder.merged_into_id.is_distinct_from(Person.id),
            Person.merged_into_id.is_distinct_from(holder.id),
            ~named,
        )
        .distinct()
    )


async def in_doubt(session: AsyncSession, account_id: UUID) -> bool:
    """Whether an account is a stranger's as well and no claim of its owner had a person say
    that this is harmless, or was found to be a stranger's indeed.

    For money that is asked for without a claim, where nobody looks.
    """
    rows = (await session.execute(strangers_with(PayoutAccount.id == account_id))).all()
    pairs = {f"{account}:{stranger}" for account, stranger in rows}
    if pairs:
        harmless = await session.scalars(
            select(ClaimSignal.evidence_key)
            .join(Claim, Claim.id == ClaimSignal.claim_id)
            .join(PayoutAccount, PayoutAccount.person_id == Claim.person_id)
            .where(
                PayoutAccount.id == account_id,
                ClaimSignal.kind == "shared-account",
                ClaimSignal.verdict == "harmless",
            )
        )
        pairs -= set(harmless.all())
    return bool(pairs) or await found_a_strangers(session, account_id)


async def found_a_strangers(session: AsyncSession, account_id: UUID) -> bool:
    """Whether a person has found this account, or the same one recorded before, to be a
    stranger's, with any claim of its owner."""
    same = aliased(PayoutAccount)
    found = await session.scalar(
        select(ClaimSignal.id)
        .join(Claim, Claim.id == ClaimSignal.claim_id)
        .join(PayoutAccount, PayoutAccount.person_id == Claim.person_id)
        .join(
            same,
            and_(
                same.person_id == PayoutAccount.person_id,
                same.account_index == PayoutAccount.account_index,
            ),
        )
        .where(
            PayoutAccount.id == account_id,
            ClaimSignal.evidence["account_id"].astext == cast(same.id, Text),
            ClaimSignal.kind == "shared-account",
            ClaimSignal.verdict == "confirmed",
        )
        .limit(1)
    )
    return found is not None
