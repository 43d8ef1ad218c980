"""How staff log in: user name, password and a TOTP code that works once."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyotp
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.errors import PasswordChangeRequired, TooManyLogins, WrongCredentials
from app.access.keyring import KeyRing
from app.access.models import StaffAccount
from app.access.passwords import Passwords
from app.access.sessions import IssuedTokens, open_session, staff_login
from app.kernel import audit, rate
from app.kernel.clock import system_now
from app.kernel.database import Database
from app.kernel.principal import Principal
from app.kernel.problems import TooManyRequests
from app.kernel.vault import Vault
from app.settings import Settings

STEP_SECONDS = 30
# Failures of one user name since its last success; attempts from one address.
PER_USERNAME = 10
PER_ADDRESS = 300
WINDOW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What was typed; `new_password` replaces an initial password."""

    username: str
    password: str = field(repr=False)
    totp_code: str = field(repr=False)
    new_password: str | None = field(default=None, repr=False)


async def log_in(
    database: Database,
    vault: Vault,
    keyring: KeyRing,
    passwords: Passwords,
    settings: Settings,
    *,
    credentials: Credentials,
    address: str,
) -> IssuedTokens:
    """Tokens for a staff account.

    Raises WrongCredentials (401) without saying what was wrong, PasswordChangeRequired
    (409), TooManyLogins (429). The password is checked in a thread, outside transactions.
    """
    bucket = await _count_attempt(database, vault, credentials.username, address)
    async with database.transaction() as session:
        account = await session.scalar(
            select(StaffAccount).where(StaffAccount.username == credentials.username)
        )
    password_hash = account.password_hash if account else None
    fits = await passwords.verify(credentials.password, password_hash)
    now = system_now()
    if account is None or not fits:
        raise WrongCredentials
    step = _totp_step(vault, account, credentials.totp_code, now)
    if step is None or account.status != "active":
        raise WrongCredentials
    new_hash = await _replacement(account, passwords, credentials, now)
    async with database.transaction() as session:
        if not await _use_step(session, account, step):
            raise WrongCredentials
        if new_hash is not None:
            await _set_password(session, account, new_hash)
        await rate.forget(session, bucket)
        return await open_session(session, keyring, settings, staff_login(account), now)


async def _count_attempt(database: Database, vault: Vault, username: str, address: str) -> bytes:
    """Count it for user name and address; returns the bucket that a success empties."""
    buckets = (
        vault.mac("staff-login", f"username:{username}".encode()),
        vault.mac("staff-login", f"address:{address}".encode()),
    )
    try:
        for bucket, at_most in zip(buckets, (PER_USERNAME, PER_ADDRESS), strict=True):
            await rate.limit(database, bucket, at_most=at_most, per=WINDOW)
    except TooManyRequests as error:
        raise TooManyLogins(int(error.headers["Retry-After"])) from error
    return buckets[0]


def _totp_step(vault: Vault, account: StaffAccount, code: str, now: datetime) -> int | None:
    """The time step whose code was typed: the present one or a neighbour, if not used before."""
    secret = vault.open("staff_account", account.id, account.sealed)["totp_secret"]
    totp = pyotp.TOTP(secret)
    present = int(now.timestamp()) // STEP_SECONDS
    for step in (present, present - 1, present + 1):
        right = totp.at(step * STEP_SECONDS)
        if secrets.compare_digest(right.encode(), code.encode()):
            return step if step > account.last_totp_step else None
    return None


async def _replacement(
    account: StaffAccount, passwords: Passwords, credentials: Credentials, now: datetime
) -> str | None:
    """The hash of the password that replaces an initial one, where one is due."""
    if account.initial_password_until is None:
        return None
    if account.initial_password_until <= now:
        raise WrongCredentials
    chosen = credentials.new_password
    if chosen is None or chosen == credentials.password:
        raise PasswordChangeRequired
    return await passwords.hash(chosen)


# The gate: of two logins with one code the second finds the step used. The hash is
# compared so that a re-keyed account is not entered with what was valid a moment ago.
_USE_STEP = text(
    "update staff_account set last_totp_step = :step where id = :id and status = 'active'"
    " and last_totp_step < :step and password_hash = :password_hash"
    " and tokens_valid_after = :valid_after returning id"
)


async def _use_step(session: AsyncSession, account: StaffAccount, step: int) -> bool:
    used = await session.scalar(
        _USE_STEP,
        {
            "id": account.id,
            "step": step,
            "password_hash": account.password_hash,
            "valid_after": account.tokens_valid_after,
        },
    )
    return used is not None


async def _set_password(session: AsyncSession, account: StaffAccount, password_hash: str) -> None:
    await session.execute(
        text(
            "update staff_account set password_hash = :password_hash,"
            " initial_password_until = null where id = :id"
        ),
        {"id": account.id, "password_hash": password_hash},
    )
    await audit.record(
        session,
        Principal(kind="staff", id=account.id, organisation_id=account.organisation_id),
        "staff_account.set_password",
        subject="staff_account",
        subject_ids=[account.id],
    )
