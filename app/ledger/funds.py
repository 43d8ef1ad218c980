"""The chart of accounts as its readers see it, and the funds of organisations."""

from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.facts import Fact, state
from app.kernel.pagination import Page, decode_cursor, encode_cursor, keyset, page_of
from app.kernel.principal import Principal
from app.kernel.problems import NotFound
from app.kernel.vault import Vault
from app.ledger import accounts as chart
from app.ledger import queries
from app.ledger.models import LedgerAccount
from app.ledger.schemas import (
    AccountKind,
    FundAccountBody,
    LedgerAccountView,
)
from app.ledger.service import require_books
from app.organisations.models import Organisation
from app.organisations.queries import visible_organisations


async def list_accounts(
    session: AsyncSession, vault: Vault, reader: Principal, limit: int, cursor: str | None
) -> Page[LedgerAccountView]:
    """The accounts that the reader may see, by code."""
    listing = f"ledger-accounts:{reader.id}"
    after = decode_cursor(vault, listing, cursor)
    visible = queries.visible_accounts(reader)
    found = await session.scalars(
        keyset(visible, LedgerAccount.code, after[0] if after else None, limit)
    )
    return page_of(found.all(), limit, _view, lambda row: encode_cursor(vault, listing, [row.code]))


async def open_account(
    session: AsyncSession,
    supervisor: Principal,
    organisation_id: UUID,
    body: FundAccountBody,
    now: datetime,
) -> LedgerAccountView:
    """An organisation's fund account; asked for again it stays as it is.

    Raises BooksAreMunicipal (403), NotFound (404).
    """
    await require_books(session, supervisor)
    seen = visible_organisations(supervisor).where(Organisation.id == organisation_id)
    if await session.scalar(select(seen.exists())) is not True:
        raise NotFound
    code = chart.fund_of(organisation_id)
    found = await queries.accounts(session, supervisor, code)
    if not found:
        await chart.open_fund_account(session, organisation_id, body.name_zh, body.name_en)
        opened = Fact("organisation", organisation_id, "ledger_account.open")
        await state(session, [opened], actor=supervisor, at=now)
        found = await queries.accounts(session, supervisor, code)
    return _view(found[0])


def _view(account: LedgerAccount) -> LedgerAccountView:
    return LedgerAccountView(
        code=account.code,
        kind=cast(AccountKind, account.kind),
        name_zh=account.name_zh,
        name_en=account.name_en,
        plan_code=account.plan_code,
        organisation_id=account.organisation_id,
    )
