"""Posting facts in money, who may look at the books, and the trial balance."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.database import raw_connection
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.ledger import queries
from app.ledger.errors import BooksAreMunicipal, Unbalanced
from app.ledger.schemas import TrialBalanceLine, TrialBalanceView
from app.ledger.statements import POST

_POST = f"""
with posting as (
    select $1::uuid as id, $2::text as kind, $3::uuid as reference_id, $4::date as event_on,
           $5::text as actor_kind, $6::uuid as actor_id
), posting_entry as (
    select * from unnest($7::text[], $8::bigint[]) as e(account_code, amount_fen)
), {POST}
select id from posting
"""  # noqa: S608  constants only


async def post(
    session: AsyncSession,
    kind: str,
    entries: Sequence[tuple[str, int]],
    *,
    event_on: date,
    reference_id: UUID,
    actor: Principal,
) -> UUID:
    """Post one fact: `entries` are (account code, fen), debit positive, credit negative.

    `kind` is a domain word (`contribution.received`, `benefit.approved`); together with
    `reference_id` it is unique: a second posting meets `uq_ledger_transaction__fact`
    (asyncpg.UniqueViolationError, 409 at the door). Raises Unbalanced for entries that do
    not sum to zero or contain a zero; the database checks the sum again at commit.
    """
    amounts = [fen for _, fen in entries]
    if len(entries) < 2 or sum(amounts) != 0 or 0 in amounts:
        raise Unbalanced(kind)
    transaction_id = new_id()
    connection = await raw_connection(session)
    await connection.execute(
        _POST,
        transaction_id,
        kind,
        reference_id,
        event_on,
        actor.kind,
        actor.id,
        [code for code, _ in entries],
        amounts,
    )
    return transaction_id


async def require_books(session: AsyncSession, principal: Principal) -> None:
    """Raises BooksAreMunicipal (403) for staff of anything but the municipal office."""
    if not await session.scalar(select(queries.keeps_books(principal))):
        raise BooksAreMunicipal


async def trial_balance(
    session: AsyncSession, auditor: Principal, first: date | None, last: date | None
) -> TrialBalanceView:
    """Every account's opening, debits, credits and balance by posting day, both days included.

    Raises BooksAreMunicipal (403).
    """
    await require_books(session, auditor)
    lines = [
        TrialBalanceLine(
            account=row.code,
            kind=row.kind,
            name_zh=row.name_zh,
            name_en=row.name_en,
            opening_fen=int(row.opening_fen),
            debit_fen=int(row.debit_fen),
            credit_fen=int(row.credit_fen),
            balance_fen=int(row.opening_fen + row.debit_fen - row.credit_fen),
        )
        for row in await queries.balances(session, first, last)
    ]
    await audit.record(
        session, auditor, "ledger.read", subject="ledger_account", subject_ids=[], details={}
    )
    return TrialBalanceView(
        first=first,
        on=last,
        lines=lines,
        difference_fen=sum(line.balance_fen for line in lines),
    )
