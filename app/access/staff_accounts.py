"""Staff accounts: made, disabled, enabled and re-keyed by administrators or on the console."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import pyotp
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.models import STAFF_ACCOUNT, StaffAccount
from app.access.sessions import end_every_session
from app.kernel import audit
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.transitions import begin, move
from app.kernel.vault import Vault

INITIAL_PASSWORD_LASTS = timedelta(days=7)
ISSUER = "Red Umbrella"
USERNAME = r"^[a-z0-9][a-z0-9._-]{2,39}$"


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is shown once: a password for the first login, and the TOTP secret."""

    initial_password: str
    totp_secret: str
    totp_uri: str


def new_secrets(username: str, initial_password: str) -> Secrets:
    """A fresh TOTP secret for a user, beside a password made by `passwords`."""
    secret = pyotp.random_base32()
    uri = pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=ISSUER)
    return Secrets(initial_password, secret, uri)


async def create_staff(
    session: AsyncSession,
    vault: Vault,
    *,
    organisation_id: UUID,
    username: str,
    display_name: str,
    roles: Collection[str],
    password_hash: str,
    totp_secret: str,
    actor: Principal,
    now: datetime,
    initial: bool = True,
) -> StaffAccount:
    """Add an account; `initial` means that the password must be changed at first login.

    The caller has checked that the organisation is the actor's to manage. A user name
    that is taken violates `uq_staff_account__username` (409).
    """
    account_id = new_id()
    account = StaffAccount(
        id=account_id,
        organisation_id=organisation_id,
        username=username,
        display_name=display_name,
        password_hash=password_hash,
        initial_password_until=now + INITIAL_PASSWORD_LASTS if initial else None,
        sealed=vault.seal("staff_account", account_id, {"totp_secret": totp_secret}),
        last_totp_step=0,
        roles=sorted(roles),
        status="active",
        tokens_valid_after=now,
        created_at=now,
    )
    begin(session, STAFF_ACCOUNT, account, actor=actor, at=now)
    await session.flush()
    await _record(session, actor, "create", account, roles=account.roles)
    return account


async def disable_staff(
    session: AsyncSession, account: StaffAccount, *, actor: Principal, now: datetime
) -> None:
    """Close the account; every token of it is dead within seconds on every process."""
    await move(session, STAFF_ACCOUNT, account, "disabled", actor=actor, at=now)
    await _end_tokens(session, account, "disabled", now)
    await _record(session, actor, "disable", account)


async def enable_staff(
    session: AsyncSession, account: StaffAccount, *, actor: Principal, now: datetime
) -> None:
    """Open a disabled account again; its old tokens stay dead."""
    await move(session, STAFF_ACCOUNT, account, "active", actor=actor, at=now)
    await _record(session, actor, "enable", account)


async def rekey_staff(
    session: AsyncSession,
    vault: Vault,
    account: StaffAccount,
    *,
    password_hash: str,
    totp_secret: str,
    actor: Principal,
    now: datetime,
) -> None:
    """Replace password and TOTP secret after a loss; every login ends."""
    account.password_hash = password_hash
    account.initial_password_until = now + INITIAL_PASSWORD_LASTS
    account.sealed = vault.seal("staff_account", account.id, {"totp_secret": totp_secret})
    account.last_totp_step = 0
    await _end_tokens(session, account, "rekeyed", now)
    await _record(session, actor, "rekey", account)


async def _end_tokens(
    session: AsyncSession, account: StaffAccount, because: str, now: datetime
) -> None:
    account.tokens_valid_after = now
    await session.flush()
    await end_every_session(session, account.id, because, now)


async def _record(
    session: AsyncSession,
    actor: Principal,
    verb: str,
    account: StaffAccount,
    **details: Sequence[str],
) -> None:
    await audit.record(
        session,
        actor,
        f"staff_account.{verb}",
        subject="staff_account",
        subject_ids=[account.id],
        details=details,
    )


async def find_by_username(session: AsyncSession, username: str) -> StaffAccount | None:
    return await session.scalar(select(StaffAccount).where(StaffAccount.username == username))
