"""Staff accounts as administrators see them: within their own organisation's subtree."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.models import StaffAccount
from app.access.passwords import Passwords, initial_password
from app.access.staff_accounts import (
    Secrets,
    create_staff,
    disable_staff,
    enable_staff,
    new_secrets,
    rekey_staff,
)
from app.kernel import audit
from app.kernel.database import Database
from app.kernel.idempotency import Claim
from app.kernel.principal import Principal
from app.kernel.problems import Conflict, NotFound
from app.kernel.text import Text
from app.kernel.vault import Vault
from app.organisations import queries
from app.organisations.service import managed_reference


class OwnAccount(Conflict):
    code = "own-account"
    title = Text("不能操作自己的账号", "Not your own account")
    detail = Text("请由其他管理员操作您的账号。", "Ask another administrator to do this.")


@dataclass(frozen=True, slots=True)
class NewPassword:
    """An initial password, and what is kept of it."""

    plain: str
    hash: str


async def new_password(database: Database, claim: Claim, passwords: Passwords) -> NewPassword:
    """Made before the transaction that uses it, so that none waits for argon2.

    Raises Replay before the work if the key was answered, IdempotencyKeyReused (422) and
    RequestInFlight (409).
    """
    async with database.transaction() as session:
        await claim.hold(session)
    plain = initial_password()
    return NewPassword(plain, await passwords.hash(plain))


async def add_staff(
    session: AsyncSession,
    vault: Vault,
    password: NewPassword,
    principal: Principal,
    *,
    organisation_id: UUID,
    username: str,
    display_name: str,
    roles: Sequence[str],
    now: datetime,
) -> tuple[StaffAccount, Secrets]:
    """A new account in the administrator's subtree, and its secrets, shown once.

    Raises Unprocessable (422) for an organisation outside of it.
    """
    secrets = new_secrets(username, password.plain)
    await managed_reference(session, principal, organisation_id, "/organisation_id")
    account = await create_staff(
        session,
        vault,
        organisation_id=organisation_id,
        username=username,
        display_name=display_name,
        roles=roles,
        password_hash=password.hash,
        totp_secret=secrets.totp_secret,
        actor=principal,
        now=now,
    )
    return account, secrets


async def list_staff(
    session: AsyncSession,
    principal: Principal,
    *,
    organisation_id: UUID | None,
    status: str | None,
    after: list[object] | None,
    limit: int,
) -> Sequence[StaffAccount]:
    """Up to `limit + 1` accounts of the subtree, by user name."""
    query = queries.page_of_staff(
        principal, organisation_id=organisation_id, status=status, after=after, limit=limit
    )
    rows = (await session.scalars(query)).all()
    shown = [row.id for row in rows[:limit]]
    await audit.record(
        session, principal, "staff_account.read", subject="staff_account", subject_ids=shown
    )
    return rows


async def disable(
    session: AsyncSession, principal: Principal, account_id: UUID, now: datetime
) -> StaffAccount:
    """Raises NotFound (404), InvalidTransition (409) when disabled already, OwnAccount (409)."""
    account = await _other(session, principal, account_id)
    await disable_staff(session, account, actor=principal, now=now)
    return account


async def enable(
    session: AsyncSession, principal: Principal, account_id: UUID, now: datetime
) -> StaffAccount:
    """Raises NotFound (404), InvalidTransition (409) when it is active, OwnAccount (409)."""
    account = await _other(session, principal, account_id)
    await enable_staff(session, account, actor=principal, now=now)
    return account


async def rekey(
    session: AsyncSession,
    vault: Vault,
    password: NewPassword,
    principal: Principal,
    account_id: UUID,
    now: datetime,
) -> tuple[StaffAccount, Secrets]:
    """New secrets after a loss; every login of the account ends. Raises NotFound, OwnAccount."""
    account = await _other(session, principal, account_id)
    secrets = new_secrets(account.username, password.plain)
    await rekey_staff(
        session,
        vault,
        account,
        password_hash=password.hash,
        totp_secret=secrets.totp_secret,
        actor=principal,
        now=now,
    )
    return account, secrets


async def _other(session: AsyncSession, principal: Principal, account_id: UUID) -> StaffAccount:
    query = queries.visible_staff(principal).where(StaffAccount.id == account_id)
    account = await session.scalar(query.with_for_update())
    if account is None:
        raise NotFound
    if account.id == principal.id:
        raise OwnAccount
    return account
