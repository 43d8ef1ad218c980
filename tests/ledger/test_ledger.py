"""The ledger: balanced at every commit, posted once, never rewritten."""

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.kernel.clock import business_day, system_now
from app.kernel.database import Database
from app.kernel.ids import new_id
from app.kernel.principal import SYSTEM
from app.ledger import service
from app.ledger.accounts import BANK, GATEWAY_CLEARING, SUSPENSE
from app.ledger.errors import Unbalanced
from app.organisations.models import Kind
from tests.access_fixtures import make_organisation, member_token, staff_token
from tests.cover_fixtures import scalar

pytestmark = pytest.mark.anyio
TODAY = business_day(system_now())


async def test_an_unbalanced_transaction_does_not_commit(database: Database) -> None:
    transaction_id = new_id()
    with pytest.raises(DBAPIError, match="does not balance"):
        await scalar(
            database,
            "with posted as (insert into ledger_transaction"
            "  (id, kind, reference_id, event_on, actor_kind, actor_id)"
            "  values (:id, 'test', :id, current_date, 'system', :id))"
            " insert into ledger_entry (transaction_id, account_code, amount_fen, posted_on)"
            " values (:id, 'bank', 100, current_date), (:id, 'suspense', -99, current_date)"
            " returning 1",
            id=transaction_id,
        )
    count = "select count(*) from ledger_transaction where id = :id"
    assert await scalar(database, count, id=transaction_id) == 0


async def test_an_entry_added_later_does_not_commit(database: Database) -> None:
    async with database.transaction() as session:
        posted = await service.post(
            session,
            "test.later",
            [(BANK, 5), (SUSPENSE, -5)],
            event_on=TODAY,
            reference_id=new_id(),
            actor=SYSTEM,
        )
    with pytest.raises(DBAPIError, match="does not balance"):
        await scalar(
            database,
            "insert into ledger_entry (transaction_id, account_code, amount_fen, posted_on)"
            " values (:id, 'bank', 1, current_date) returning 1",
            id=posted,
        )


@pytest.mark.parametrize(
    "change",
    [
        "update ledger_entry set amount_fen = 1",
        "delete from ledger_entry",
        "truncate ledger_entry",
        "update ledger_transaction set kind = 'other'",
        "delete from ledger_transaction",
        "update policy_transaction set shares = 9",
        "delete from policy_transaction",
        "delete from gateway_notice",
    ],
)
async def test_the_application_cannot_rewrite_the_books(database: Database, change: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        await scalar(database, change)


async def test_a_fact_is_posted_once(database: Database) -> None:
    reference = new_id()
    entries = [(GATEWAY_CLEARING, 2500), (SUSPENSE, -2500)]
    for attempt in range(2):
        try:
            async with database.transaction() as session:
                await service.post(
                    session,
                    "test.once",
                    entries,
                    event_on=TODAY,
                    reference_id=reference,
                    actor=SYSTEM,
                )
        except (asyncpg.UniqueViolationError, IntegrityError):
            assert attempt == 1
    count = "select count(*) from ledger_transaction where reference_id = :id"
    assert await scalar(database, count, id=reference) == 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-(10**12), 10**12), max_size=6))
async def test_only_balanced_entries_are_taken(amounts: list[int]) -> None:
    entries = [(BANK, amount) for amount in amounts]
    if len(amounts) >= 2 and sum(amounts) == 0 and all(amounts):
        return
    with pytest.raises(Unbalanced):
        await service.post(
            None,  # type: ignore[arg-type]  # refused before the database is asked
            "test",
            entries,
            event_on=TODAY,
            reference_id=new_id(),
            actor=SYSTEM,
        )


async def test_the_trial_balance_is_the_auditors(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    async with database.transaction() as session:
        await service.post(
            session,
            "test.balance",
            [(BANK, 700), (SUSPENSE, -700)],
            event_on=TODAY,
            reference_id=new_id(),
            actor=SYSTEM,
        )
    city = await make_organisation(app, Kind.MUNICIPAL_OFFICE)
    agency = await make_organisation(app, Kind.AGENCY, city)
    auditor = await staff_token(app, city.id, ["auditor"])
    answer = await client.get("/v1/staff/ledger/trial-balance", headers=auditor.headers)
    assert answer.json()["difference_fen"] == 0
    lines = {line["account"]: line for line in answer.json()["lines"]}
    assert lines["bank"]["debit_fen"] >= 700
    below = await staff_token(app, agency.id, ["auditor"])
    refused = await client.get("/v1/staff/ledger/trial-balance", headers=below.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "books-are-municipal")
    caseworker = await staff_token(app, agency.id, ["caseworker"])
    refused = await client.get("/v1/staff/ledger/trial-balance", headers=caseworker.headers)
    assert refused.status_code == 403
    member = await member_token(app)
    refused = await client.get("/v1/staff/ledger/trial-balance", headers=member.headers)
    assert refused.status_code == 401
