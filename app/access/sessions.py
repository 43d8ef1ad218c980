"""Logins: families of tokens, rotating refresh tokens, and how they end.

A refresh token works once. If it comes a second time, somebody has a copy: the whole
family ends, whoever was first. There is no tolerance window; a client that lost the
answer to a refresh logs in again.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import insert, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.keyring import KeyRing
from app.access.models import (
    MemberAccount,
    RefreshToken,
    StaffAccount,
    TokenFamily,
    generation_of,
)
from app.access.revocations import revoke_account, revoke_family
from app.kernel import audit
from app.kernel.database import Database
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.problems import Unauthenticated
from app.settings import Settings

# A member stays logged in as long as the phone is used; staff log in each working day.
MEMBER_FAMILY = timedelta(days=365)
STAFF_FAMILY = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class IssuedTokens:
    """What a login or a refresh hands out; lifetimes in seconds."""

    account_id: UUID
    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int


@dataclass(frozen=True, slots=True)
class Login:
    """Whose login it is: a principal without a family yet, and its account's generation."""

    principal: Principal
    generation: int


def member_login(account: MemberAccount) -> Login:
    principal = Principal(kind="member", id=account.id)
    return Login(principal, generation_of(account.tokens_valid_after))


def staff_login(account: StaffAccount) -> Login:
    principal = Principal(
        kind="staff",
        id=account.id,
        organisation_id=account.organisation_id,
        roles=frozenset(account.roles),
    )
    return Login(principal, generation_of(account.tokens_valid_after))


async def open_session(
    session: AsyncSession, keyring: KeyRing, settings: Settings, login: Login, now: datetime
) -> IssuedTokens:
    """Start a family for a login that has been proven, and hand out its first tokens."""
    principal = login.principal
    family_id = new_id()
    lasts = STAFF_FAMILY if principal.kind == "staff" else MEMBER_FAMILY
    await session.execute(
        insert(TokenFamily).values(
            id=family_id,
            kind=principal.kind,
            account_id=principal.id,
            opened_at=now,
            expires_at=now + lasts,
        )
    )
    await audit.record(
        session,
        principal,
        "session.open",
        subject=f"{principal.kind}_account",
        subject_ids=[principal.id],
    )
    return await _issue(session, keyring, settings, login, family_id, now + lasts, now)


async def _issue(
    session: AsyncSession,
    keyring: KeyRing,
    settings: Settings,
    login: Login,
    family_id: UUID,
    family_expires_at: datetime,
    now: datetime,
) -> IssuedTokens:
    principal = Principal(
        kind=login.principal.kind,
        id=login.principal.id,
        organisation_id=login.principal.organisation_id,
        roles=login.principal.roles,
        family_id=family_id,
    )
    refresh_token = secrets.token_urlsafe(32)
    expires_at = min(now + timedelta(days=settings.refresh_token_days), family_expires_at)
    await session.execute(
        insert(RefreshToken).values(
            token_hash=_hash(refresh_token), family_id=family_id, expires_at=expires_at
        )
    )
    access = keyring.mint(principal, login.generation)
    return IssuedTokens(
        account_id=principal.id,
        access_token=access.value,
        expires_in=access.expires_in,
        refresh_token=refresh_token,
        refresh_expires_in=int((expires_at - now).total_seconds()),
    )


def _hash(refresh_token: str) -> bytes:
    return hashlib.sha256(refresh_token.encode()).digest()


async def refresh_session(
    database: Database, keyring: KeyRing, settings: Settings, refresh_token: str, now: datetime
) -> IssuedTokens:
    """Exchange a refresh token for new tokens; raises Unauthenticated (401).

    Runs in its own transaction, because the end of a replayed family has to be kept
    although the caller is refused.
    """
    async with database.transaction() as session:
        issued = await _exchange(session, keyring, settings, refresh_token, now)
    if issued is None:
        raise Unauthenticated
    return issued


_USE = text(
    "update refresh_token set used_at = :now where token_hash = :token_hash"
    " and used_at is null and expires_at > :now returning family_id"
)


async def _exchange(
    session: AsyncSession, keyring: KeyRing, settings: Settings, refresh_token: str, now: datetime
) -> IssuedTokens | None:
    token_hash = _hash(refresh_token)
    family_id = await session.scalar(_USE, {"token_hash": token_hash, "now": now})
    if family_id is None:
        await _end_if_replayed(session, token_hash, now)
        return None
    family = await session.get_one(TokenFamily, family_id, with_for_update=True)
    if family.ended_at is not None or family.expires_at <= now:
        return None
    login = await _login_of(session, family)
    if login is None:
        return None
    return await _issue(session, keyring, settings, login, family.id, family.expires_at, now)


async def _end_if_replayed(session: AsyncSession, token_hash: bytes, now: datetime) -> None:
    row = await session.get(RefreshToken, token_hash)
    if row is not None and row.used_at is not None:
        await end_family(session, row.family_id, "replayed", now)


async def _login_of(session: AsyncSession, family: TokenFamily) -> Login | None:
    """The account as it is now, so that new roles take effect with the next refresh."""
    if family.kind == "staff":
        staff = await session.get_one(StaffAccount, family.account_id)
        return staff_login(staff) if staff.status == "active" else None
    member = await session.get_one(MemberAccount, family.account_id)
    return member_login(member) if member.status == "active" else None


async def end_family(
    session: AsyncSession, family_id: UUID, because: Literal["logout", "replayed"], now: datetime
) -> None:
    """End one login: its refresh token is useless, its access tokens die within a second."""
    ended = await session.execute(
        update(TokenFamily)
        .where(TokenFamily.id == family_id, TokenFamily.ended_at.is_(None))
        .values(ended_at=now, ended_because=because)
        .returning(TokenFamily.kind, TokenFamily.account_id)
    )
    row = ended.one_or_none()
    if row is None:
        return
    await revoke_family(session, family_id)
    await audit.record(
        session,
        Principal(kind=row.kind, id=row.account_id),
        "session.end",
        subject=f"{row.kind}_account",
        subject_ids=[row.account_id],
        details={"because": because},
    )


async def end_every_session(
    session: AsyncSession, account_id: UUID, because: str, now: datetime
) -> None:
    """End all logins of an account whose `tokens_valid_after` has just become `now`."""
    await session.execute(
        update(TokenFamily)
        .where(TokenFamily.account_id == account_id, TokenFamily.ended_at.is_(None))
        .values(ended_at=now, ended_because=because)
    )
    await revoke_account(session, account_id, now)
