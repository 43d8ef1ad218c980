"""Members' own bank accounts: recorded in the verified name, sealed, cooling off when changed."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.facts import Fact, state
from app.kernel.ids import new_id
from app.kernel.pagination import Page, decode_cursor, encode_cursor, page_of
from app.kernel.principal import Principal
from app.kernel.vault import Vault
from app.members.models import Person
from app.members.names import normalise_name
from app.members.service import name_of, person_of
from app.payouts import queries
from app.payouts.errors import AccountNameDiffers, AccountNotFound
from app.payouts.events import ACCOUNT_CHANGED, ACCOUNT_RECORDED
from app.payouts.models import PayoutAccount
from app.payouts.schemas import PayoutAccountBody, PayoutAccountView

COOLING_OFF = timedelta(hours=24)


async def record_account(
    session: AsyncSession, vault: Vault, member: Principal, body: PayoutAccountBody, now: datetime
) -> PayoutAccountView:
    """Record an account of the caller's own; raises IdentityRequired (409) and as `record_for`."""
    return await record_for(session, vault, member, await person_of(session, member.id), body, now)


async def record_for(
    session: AsyncSession,
    vault: Vault,
    actor: Principal,
    person: Person,
    body: PayoutAccountBody,
    now: datetime,
) -> PayoutAccountView:
    """Record an account of a person; the first is usable at once, a later one after 24 hours,
    and its person is told on the channel that was known before.

    Raises AccountNameDiffers (422), AccountRecordedAlready (409).
    """
    _require_own(vault, person, body.account_name)
    # One that was retired counts: else whoever has the phone retires it and is first.
    first = not await queries.has_recorded(session, person.id)
    account_id = new_id()
    account = PayoutAccount(
        id=account_id,
        person_id=person.id,
        method="bank",
        sealed=vault.seal("payout_account", account_id, body.model_dump()),
        account_index=vault.blind_index("bank-account", body.account_number),
        usable_from=now if first else now + COOLING_OFF,
        recorded_by_kind=actor.kind,
        recorded_by=actor.id,
    )
    session.add(account)
    await session.flush()
    for_person = person.id if actor.kind == "staff" else None
    await state(session, _recorded(account, first), actor=actor, at=now, on_behalf_of=for_person)
    return _view(vault, account)


def _recorded(account: PayoutAccount, first: bool) -> list[Fact]:
    """That an account was recorded and, of a later one, what its person has to be told."""
    told = {"person_id": str(account.person_id)}
    facts = [
        Fact("payout_account", account.id, "payout_account.record", ACCOUNT_RECORDED, told),
    ]
    if not first:
        changed = {**told, "usable_from": account.usable_from.isoformat()}
        facts.append(
            Fact("payout_account", account.id, "payout_account.change", ACCOUNT_CHANGED, changed)
        )
    return facts


async def list_accounts(
    session: AsyncSession,
    vault: Vault,
    member: Principal,
    now: datetime,
    limit: int,
    cursor: str | None,
) -> Page[PayoutAccountView]:
    """The caller's accounts, masked, newest first; the reading is recorded."""
    person = await person_of(session, member.id)
    listing = f"payout-accounts:{person.id}"
    after = decode_cursor(vault, listing, cursor)
    accounts = await queries.page_of_accounts(
        session, person.id, UUID(after[0]) if after else None, limit
    )
    shown = [Fact("payout_account", each.id, "payout_account.read") for each in accounts[:limit]]
    if shown:
        await state(session, shown, actor=member, at=now)
    return page_of(
        accounts,
        limit,
        lambda account: _view(vault, account),
        lambda account: encode_cursor(vault, listing, [str(account.id)]),
    )


async def retire_account(
    session: AsyncSession, member: Principal, account_id: UUID, now: datetime
) -> None:
    """Stop using an account; payouts already on their way to it go on."""
    person = await person_of(session, member.id)
    account = await queries.account_of(session, person.id, account_id)
    if account is None:
        raise AccountNotFound
    account.retired_at = now
    await session.flush()
    retired = Fact("payout_account", account.id, "payout_account.retire")
    await state(session, [retired], actor=member, at=now)


def _require_own(vault: Vault, person: Person, account_name: str) -> None:
    verified = normalise_name(name_of(vault, person)).casefold()
    if normalise_name(account_name).casefold() != verified:
        raise AccountNameDiffers


def _view(vault: Vault, account: PayoutAccount) -> PayoutAccountView:
    record = vault.open("payout_account", account.id, account.sealed)
    return PayoutAccountView(
        id=account.id,
        method="bank",
        bank_code=record["bank_code"],
        account_ending=record["account_number"][-4:],
        usable_from=account.usable_from,
    )
