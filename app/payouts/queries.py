"""Finding payouts and accounts; an account is only ever looked for within one person."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.models import MemberAccount
from app.kernel.pagination import keyset
from app.payouts.models import Payout, PayoutAccount

UNSETTLED = ("requested", "sending", "unknown", "accepted", "waiting_confirm")


def _in_use(person_id: UUID) -> Select[PayoutAccount]:
    return select(PayoutAccount).where(
        PayoutAccount.person_id == person_id, PayoutAccount.retired_at.is_(None)
    )


async def accounts_of(session: AsyncSession, person_id: UUID) -> Sequence[PayoutAccount]:
    """A person's accounts in use, newest first."""
    return (await session.scalars(_in_use(person_id).order_by(PayoutAccount.id.desc()))).all()


async def page_of_accounts(
    session: AsyncSession, person_id: UUID, after: UUID | None, limit: int
) -> Sequence[PayoutAccount]:
    """The same behind one of them, one row more than `limit`."""
    rows = await session.scalars(
        keyset(_in_use(person_id), PayoutAccount.id, after, limit, newest_first=True)
    )
    return rows.all()


async def has_recorded(session: AsyncSession, person_id: UUID) -> bool:
    """Whether the person ever recorded an account, in use or not."""
    ever = exists().where(PayoutAccount.person_id == person_id)
    return bool(await session.scalar(select(ever)))


async def account_of(
    session: AsyncSession, person_id: UUID, account_id: UUID
) -> PayoutAccount | None:
    return await session.scalar(
        select(PayoutAccount).where(
            PayoutAccount.id == account_id,
            PayoutAccount.person_id == person_id,
            PayoutAccount.retired_at.is_(None),
        )
    )


async def has_wechat(session: AsyncSession, account_id: UUID) -> bool:
    """Whether the login account is tied to a WeChat identity."""
    tied = exists().where(MemberAccount.id == account_id, MemberAccount.openid_index.is_not(None))
    return bool(await session.scalar(select(tied)))


async def latest_of_claim(
    session: AsyncSession, claim_id: UUID, payee_id: UUID | None = None
) -> Payout | None:
    """The newest payout of a claim, or of it to one payee."""
    found = select(Payout).where(Payout.claim_id == claim_id)
    if payee_id is not None:
        found = found.where(Payout.payee_person_id == payee_id)
    return await session.scalar(found.order_by(Payout.id.desc()).limit(1))


async def of_claim(session: AsyncSession, claim_id: UUID) -> Sequence[Payout]:
    """Every payout of a claim, oldest first."""
    found = select(Payout).where(Payout.claim_id == claim_id).order_by(Payout.id)
    return (await session.scalars(found)).all()


async def unsettled_to(session: AsyncSession, person_id: UUID) -> Sequence[Payout]:
    """Payouts on their way to a person, locked."""
    return (
        await session.scalars(
            select(Payout)
            .where(Payout.payee_person_id == person_id, Payout.status.in_(UNSETTLED))
            .order_by(Payout.id)
            .with_for_update()
        )
    ).all()


async def locked(session: AsyncSession, payout_id: UUID) -> Payout:
    return await session.get_one(Payout, payout_id, with_for_update=True, populate_existing=True)


async def find_locked(session: AsyncSession, payout_id: UUID) -> Payout | None:
    return await session.get(Payout, payout_id, with_for_update=True, populate_existing=True)


async def locked_by_bill(session: AsyncSession, out_bill_no: str) -> Payout | None:
    return await session.scalar(
        select(Payout).where(Payout.out_bill_no == out_bill_no).with_for_update()
    )


async def due_for_asking(session: AsyncSession, now: datetime, limit: int) -> Sequence[Payout]:
    """Payouts whose next look is due; each taken by one worker."""
    return (
        await session.scalars(
            select(Payout)
            .where(Payout.status.in_(UNSETTLED), Payout.next_poll_at <= now)
            .order_by(Payout.next_poll_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    ).all()


async def count_of_claim(
    session: AsyncSession, claim_id: UUID, claim_round: int, claimant_id: UUID | None = None
) -> int:
    """Payouts of one round of a claim, or of one share of it, failed ones included."""
    return (
        await session.scalar(
            select(func.count())
            .select_from(Payout)
            .where(
                Payout.claim_id == claim_id,
                Payout.round == claim_round,
                Payout.claimant_id.is_not_distinct_from(claimant_id),
            )
        )
        or 0
    )


async def paid_of_claim(session: AsyncSession, claim_id: UUID) -> int:
    """Fen of a claim that have arrived."""
    paid = await session.scalar(
        select(func.sum(Payout.amount_fen)).where(
            Payout.claim_id == claim_id, Payout.status == "paid"
        )
    )
    return int(paid or 0)
