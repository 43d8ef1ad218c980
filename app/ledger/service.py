"""Posting facts in money, and the trial balance."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.ledger import queries
from app.ledger.errors import Unbalanced
from app.ledger.schemas import TrialBalanceLine, TrialBalanceView

_POST = text(
    "with posted as (insert into ledger_transaction"
    "  (id, kind, reference_id, event_on, actor_kind, actor_id)"
    "  values (:id, :kind, :reference_id, :event_on, :actor_kind, :actor_id))"
    " insert into ledger_entry (transaction_id, account_code, amount_fen)"
    " select :id, * from unnest(cast(:accounts as text[]), cast(:amounts as bigint[]))"
)


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
    `reference_id` it is unique: a second posting raises IntegrityError on
    `uq_ledger_transaction__fact` (409 at the door). Raises Unbalanced for entries that do
    not sum to zero or contain a zero; the database checks the sum again at commit.
    """
    if len(entries) < 2 or sum(fen for _, fen in entries) or not all(fen for _, fen in entries):
        raise Unbalanced(kind)
    transaction_id = new_id()
    await session.execute(
        _POST,
        {
            "id": transaction_id,
            "kind": kind,
            "reference_id": reference_id,
            "event_on": event_on,
            "actor_kind": actor.kind,
            "actor_id": actor.id,
            "accounts": [code for code, _ in entries],
            "amounts": [fen for _, fen in entries],
        },
    )
    return transaction_id


async def trial_balance(
    session: AsyncSession, auditor: Principal, on: date | None
) -> TrialBalanceView:
    """Every account's debits, credits and balance of facts up to and including `on`."""
    lines = [
        TrialBalanceLine(
            account=row.code,
            kind=row.kind,
            name_zh=row.name_zh,
            name_en=row.name_en,
            debit_fen=int(row.debit_fen),
            credit_fen=int(row.credit_fen),
            balance_fen=int(row.debit_fen - row.credit_fen),
        )
        for row in await queries.balances(session, on)
    ]
    await audit.record(
        session, auditor, "ledger.read", subject="ledger_account", subject_ids=[], details={}
    )
    return TrialBalanceView(
        on=on, lines=lines, difference_fen=sum(line.balance_fen for line in lines)
    )
