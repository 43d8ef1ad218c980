"""Bank accounts that are also a stranger's, and where the money is to go instead once one was
found to be: looked at before a decision, and before money goes there."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, cast, or_, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.access.models import MemberAccount
from app.claims.death_queries import claimants_of
from app.claims.life_models import ClaimSignal
from app.claims.models import UNDECIDED, Claim
from app.claims.signals import Noticed, raise_signals
from app.claims.strangers import strangers_with
from app.payouts.models import PayoutAccount
from app.payouts.queries import accounts_of
from app.payouts.service import Destination

# What a word is wanted on before money goes somewhere, whenever that came to be known.
OF_ACCOUNTS = ("shared-account", "account-after-doubt")


async def shared_accounts(
    session: AsyncSession, claim: Claim, account_id: UUID | None = None
) -> list[Noticed]:
    """One account, else that which the claim names, else any of the member's: a stranger's too.

    The dead are no strangers to survivors.
    """
    chosen = account_id or claim.payout_account_id
    mine = (
        PayoutAccount.id == chosen
        if chosen is not None
        else and_(PayoutAccount.person_id == claim.person_id, PayoutAccount.retired_at.is_(None))
    )
    rows = await session.execute(strangers_with(mine, claim.person_id))
    return [
        Noticed(
            "shared-account",
            f"{account}:{stranger}",
            {"account_id": str(account), "person_id": str(stranger)},
        )
        for account, stranger in rows
    ]


async def other_ways(
    session: AsyncSession,
    claim: Claim,
    payee_id: UUID | None = None,
    *,
    login_id: UUID | None = None,
    earlier_only: bool = False,
) -> list[Noticed]:
    """Every way by which a payee could be paid after an account of theirs was found to be
    nobody's to pay to, with this claim or with an earlier one: the others that they have
    recorded, and each wallet, also that of the login `login_id`. With `earlier_only` only
    this payee's, and only after the doubts of other claims.

    Whoever was found out with one account would simply name the next. All of them at once: what
    is found only when money is asked for again is taken back with the refusal, and nobody could
    judge it. An account that was merely noticed, and not judged yet, stops only itself; another
    one has its cooling-off, and the member is told of it.
    """
    doubted = aliased(PayoutAccount)
    payee = payee_id or claim.person_id
    payees = (claim.person_id, payee)
    looked_into = select(Claim.id).where(or_(Claim.id == claim.id, Claim.person_id.in_(payees)))
    found = await session.execute(
        select(doubted.person_id, doubted.id, ClaimSignal.claim_id)
        .join(
            ClaimSignal,
            cast(ClaimSignal.evidence["account_id"].astext, postgresql.UUID) == doubted.id,
        )
        .where(
            ClaimSignal.claim_id.in_(looked_into),
            or_(ClaimSignal.claim_id == claim.id, doubted.person_id.in_(payees)),
            ClaimSignal.kind == "shared-account",
            ClaimSignal.verdict == "confirmed",
        )
        .order_by(doubted.id)
    )
    accounts: dict[UUID, set[UUID]] = {}
    before: set[UUID] = set()
    for owner, account, of_claim in found:
        bad = accounts.setdefault(owner, set())
        # What an earlier claim found out about an account is no word on it here.
        if of_claim == claim.id:
            bad.add(account)
        else:
            before.add(owner)
    if earlier_only:
        accounts = {owner: bad for owner, bad in accounts.items() if owner in before & {payee}}
    ways: list[Noticed] = []
    for owner, bad in accounts.items():
        recorded = await accounts_of(session, owner)
        ways += [_way(str(each.id), account_id=each.id) for each in recorded if each.id not in bad]
        for wallet in await _wallets(session, owner, login_id if owner == payee else None):
            ways.append(_way(wallet, wallet_of=owner, wallet=wallet))
    return ways


def _way(key: str, **evidence: object) -> Noticed:
    told = {name: str(value) for name, value in evidence.items()}
    return Noticed("account-after-doubt", key, told)


async def _wallets(session: AsyncSession, person_id: UUID, login_id: UUID | None) -> list[str]:
    """The wallets of a person and of one login, as blind indexes in hex.

    A login may be tied to another wallet tomorrow: what is judged is the wallet.
    """
    rows = await session.scalars(
        select(MemberAccount.openid_index)
        .where(
            or_(MemberAccount.person_id == person_id, MemberAccount.id == login_id),
            MemberAccount.openid_index.is_not(None),
        )
        .order_by(MemberAccount.id)
    )
    return [index.hex() for index in rows.all() if index is not None]


async def held_back(
    session: AsyncSession, claim: Claim, payee_id: UUID, way: Destination, now: datetime
) -> bool:
    """Whether money may not go to a bank account, or to a wallet, yet: it is a stranger's
    too, or comes after one that was found to be, and nobody has said that this is harmless.
    The account may have been recorded or chosen after the decision.
    """
    account_id = way.payout_account_id
    noticed = await other_ways(session, claim, payee_id, login_id=way.account_id)
    if account_id is not None:
        noticed = [*await shared_accounts(session, claim, account_id), *noticed]
    await raise_signals(session, claim, noticed, now)
    evidence = ClaimSignal.evidence
    about = (
        evidence["wallet"].astext == await _wallet_of(session, way.account_id)
        if account_id is None
        else evidence["account_id"].astext == str(account_id)
    )
    found = await session.scalar(
        select(ClaimSignal.id)
        .where(
            ClaimSignal.claim_id == claim.id,
            ClaimSignal.kind.in_(OF_ACCOUNTS),
            about,
            ClaimSignal.verdict.is_distinct_from("harmless"),
        )
        .limit(1)
    )
    return found is not None


async def _wallet_of(session: AsyncSession, login_id: UUID | None) -> str | None:
    index = await session.scalar(
        select(MemberAccount.openid_index).where(MemberAccount.id == login_id)
    )
    return None if index is None else index.hex()


async def look_at_ways(session: AsyncSession, claim: Claim, now: datetime) -> None:
    """Raise what is odd about where the money is to go, or could go instead.

    The claim's row is locked by the caller.
    """
    noticed = [*await shared_accounts(session, claim), *await other_ways(session, claim)]
    await raise_signals(session, claim, noticed, now)


async def doubted_before(session: AsyncSession, claim: Claim) -> list[Noticed]:
    """Every way to pay the member, or the claimants, of whom another claim has found an account
    to be a stranger's: whoever decides is to know of it before they agree.
    """
    payees = [claim.person_id]
    if claim.for_survivors:
        payees = [each.person_id for each in await claimants_of(session, claim.id)]
    return [
        way
        for payee in payees
        for way in await other_ways(session, claim, payee, earlier_only=True)
    ]


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
