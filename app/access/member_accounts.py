"""Members' login accounts: found or made by a proven phone, or by WeChat's openid."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.errors import AccountBlocked
from app.access.models import MEMBER_ACCOUNT, MemberAccount
from app.access.sessions import end_every_session
from app.kernel import audit
from app.kernel.clock import system_now
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.transitions import begin, move
from app.kernel.vault import Vault

_ONE_AT_A_TIME = text("select pg_advisory_xact_lock(:lock)")


async def account_of_phone(
    session: AsyncSession, vault: Vault, phone: str, now: datetime
) -> MemberAccount:
    """The account of a proven E.164 phone, made if there is none.

    Raises AccountBlocked (409). Parallel first logins of one phone make one account.
    """
    account = await find_by_phone(session, vault, phone)
    if account is None:
        lock = int.from_bytes(vault.mac("member-account", phone.encode(), 8), "big", signed=True)
        await session.execute(_ONE_AT_A_TIME, {"lock": lock})
        account = await find_by_phone(session, vault, phone)
    if account is None:
        account = _new_account(session, vault, phone, now)
        await session.flush()
    if account.status != "active":
        raise AccountBlocked
    return account


async def find_by_phone(session: AsyncSession, vault: Vault, phone: str) -> MemberAccount | None:
    candidates = vault.blind_index_candidates("phone", phone)
    return await session.scalar(
        select(MemberAccount).where(MemberAccount.phone_index.in_(candidates))
    )


async def find_by_openid(session: AsyncSession, vault: Vault, openid: str) -> MemberAccount | None:
    candidates = vault.blind_index_candidates("openid", openid)
    return await session.scalar(
        select(MemberAccount).where(MemberAccount.openid_index.in_(candidates))
    )


def _new_account(session: AsyncSession, vault: Vault, phone: str, now: datetime) -> MemberAccount:
    account_id = new_id()
    account = MemberAccount(
        id=account_id,
        phone_index=vault.blind_index("phone", phone),
        sealed=vault.seal("member_account", account_id, {"phone": phone, "openid": None}),
        status="active",
        tokens_valid_after=now,
        created_at=now,
    )
    actor = Principal(kind="member", id=account_id)
    begin(session, MEMBER_ACCOUNT, account, actor=actor, at=now)
    return account


async def bind_openid(
    session: AsyncSession, vault: Vault, account: MemberAccount, openid: str
) -> None:
    """Tie a WeChat identity to the account whose phone WeChat has just vouched for.

    An identity belongs to one account: it leaves the one that held it before.
    """
    former = await find_by_openid(session, vault, openid)
    if former is not None and former.id == account.id:
        return
    if former is not None:
        _set_openid(vault, former, None)
        await session.flush()
    _set_openid(vault, account, openid)
    await session.flush()
    await audit.record(
        session,
        Principal(kind="member", id=account.id),
        "member_account.bind_openid",
        subject="member_account",
        subject_ids=[account.id] if former is None else [account.id, former.id],
    )


def _set_openid(vault: Vault, account: MemberAccount, openid: str | None) -> None:
    record = vault.open("member_account", account.id, account.sealed)
    account.openid_index = None if openid is None else vault.blind_index("openid", openid)
    account.sealed = vault.seal("member_account", account.id, {**record, "openid": openid})


async def attach_person(session: AsyncSession, account_id: UUID, person_id: UUID) -> None:
    """Say which person logs in here; the caller has proven it by an identity check."""
    account = await session.get_one(MemberAccount, account_id, with_for_update=True)
    account.person_id = person_id
    await session.flush()


async def person_id_of(session: AsyncSession, account_id: UUID) -> UUID | None:
    """The person behind an account, once an identity check has passed."""
    return await session.scalar(
        select(MemberAccount.person_id).where(MemberAccount.id == account_id)
    )


async def contact_of(
    session: AsyncSession, vault: Vault, account_id: UUID
) -> tuple[str, str | None]:
    """Phone (E.164) and openid of an account, for messages and payments."""
    account = await session.get_one(MemberAccount, account_id)
    record = vault.open("member_account", account.id, account.sealed)
    return record["phone"], record["openid"]


async def accounts_of(session: AsyncSession, person_id: UUID) -> Sequence[MemberAccount]:
    """Every login of a person, oldest first."""
    found = select(MemberAccount).where(MemberAccount.person_id == person_id)
    return (await session.scalars(found.order_by(MemberAccount.id))).all()


async def block_account(session: AsyncSession, account_id: UUID, actor: Principal) -> None:
    """Nobody logs in here any more; living tokens die within seconds."""
    now = system_now()
    account = await session.get_one(MemberAccount, account_id)
    await move(session, MEMBER_ACCOUNT, account, "blocked", actor=actor, at=now)
    account.tokens_valid_after = now
    await end_every_session(session, account_id, "blocked", now)
    await audit.record(
        session, actor, "member_account.block", subject="member_account", subject_ids=[account_id]
    )


async def unblock_account(session: AsyncSession, account_id: UUID, actor: Principal) -> None:
    """Its owner may log in again; what was ended stays ended."""
    account = await session.get_one(MemberAccount, account_id)
    await move(session, MEMBER_ACCOUNT, account, "active", actor=actor, at=system_now())
    await audit.record(
        session, actor, "member_account.unblock", subject="member_account", subject_ids=[account_id]
    )
