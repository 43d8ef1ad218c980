"""Bank accounts that are also a stranger's: before a decision, and before money goes there."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.claims.life_models import ClaimSignal
from app.claims.models import UNDECIDED, Claim
from app.claims.signals import Noticed, raise_signals
from app.members.models import Person
from app.payouts.models import PayoutAccount
from app.policies.change_models import Beneficiary
from app.policies.models import Policy


async def shared_accounts(
    session: AsyncSession, claim: Claim, account_id: UUID | None = None
) -> list[Noticed]:
    """One account, else that which the claim names, else any of the member's: a stranger's too.

    Nobody is a stranger whom the other has named as beneficiary, nor the dead to survivors.
    """
    other, holder = aliased(PayoutAccount), aliased(Person)
    chosen = account_id or claim.payout_account_id
    mine = (
        PayoutAccount.id == chosen
        if chosen is not None
        else and_(PayoutAccount.person_id == claim.person_id, PayoutAccount.retired_at.is_(None))
    )
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
    rows = await session.execute(
        select(PayoutAccount.id, other.person_id)
        .join(other, other.account_index == PayoutAccount.account_index)
        .join(Person, Person.id == PayoutAccount.person_id)
        .join(holder, holder.id == other.person_id)
        .where(
            mine,
            other.person_id.not_in((PayoutAccount.person_id, claim.person_id)),
            holder.merged_into_id.is_distinct_from(Person.id),
            Person.merged_into_id.is_distinct_from(holder.id),
            ~named,
        )
        .distinct()
    )
    return [
        Noticed(
            "shared-account",
            f"{account}:{stranger}",
            {"account_id": str(account), "person_id": str(stranger)},
        )
        for account, stranger in rows
    ]


async def held_back(
    session: AsyncSession, claim: Claim, account_id: UUID | None, now: datetime
) -> bool:
    """Whether money may not go to a bank account yet: a stranger's too, and nobody has said
    that this is harmless. The account may have been recorded after the decision.
    """
    if account_id is None:
        return False
    await raise_signals(session, claim, await shared_accounts(session, claim, account_id), now)
    found = await session.scalar(
        select(ClaimSignal.id)
        .where(
            ClaimSignal.claim_id == claim.id,
            ClaimSignal.kind == "shared-account",
            ClaimSignal.evidence["account_id"].astext == str(account_id),
            ClaimSignal.verdict.is_distinct_from("harmless"),
        )
        .limit(1)
    )
    return found is not None


async def unpaid_with_account(session: AsyncSession, account_id: UUID) -> Sequence[UUID]:
    """Claims, undecided or approved, of everybody who has recorded the same bank account."""
    other = aliased(PayoutAccount)
    rows = await session.scalars(
        select(Claim.id)
        .join(other, other.person_id == Claim.person_id)
        .join(PayoutAccount, PayoutAccount.account_index == other.account_index)
        .where(PayoutAccount.id == account_id, Claim.status.in_((*UNDECIDED, "approved")))
        .distinct()
        .order_by(Claim.id)
    )
    return rows.all()
