"""Months close in order and for good; what comes later is posted into the open one."""

import asyncio
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.kernel.ids import new_id
from app.kernel.principal import SYSTEM
from app.ledger.bulk import post_each
from app.ledger.service import post
from app.organisations.models import Kind
from tests.access.doors import eventually
from tests.access_fixtures import make_organisation, staff_token
from tests.cover_fixtures import scalar
from tests.treasury_fixtures import Municipal

pytestmark = pytest.mark.anyio

RECEIVABLE, SUSPENSE = "unit-receivables", "suspense"
JANUARY, FEBRUARY, MARCH = date(2026, 1, 20), date(2026, 2, 3), date(2026, 3, 4)


def booked(fen: int) -> list[tuple[str, int]]:
    return [(RECEIVABLE, fen), (SUSPENSE, -fen)]


async def balances(office: Municipal, **span: str) -> dict[str, dict[str, Any]]:
    answer = await office.get("ledger/trial-balance", **span)
    assert answer.status_code == 200, answer.text
    assert answer.json()["difference_fen"] == 0
    return {line["account"]: line for line in answer.json()["lines"]}


async def test_months_close_in_order_and_freeze_their_balance(office: Municipal) -> None:
    nothing = await office.close("2026-01")
    assert (nothing.status_code, nothing.json()["next"]) == (409, "-")
    await office.today_is(date(2026, 3, 10))
    await office.book(JANUARY, booked(1000))
    await office.book(FEBRUARY, booked(200))
    await office.book(MARCH, booked(30))
    early = await office.close("2026-02")
    assert (early.json()["code"], early.json()["next"]) == ("ledger-month-out-of-order", "2026-01")
    january = await office.close("2026-01")
    assert january.status_code == 201, january.text
    lines = {line["account"]: line for line in january.json()["lines"]}
    assert lines[RECEIVABLE] == {
        "account": RECEIVABLE,
        "opening_fen": 0,
        "debit_fen": 1000,
        "credit_fen": 0,
        "closing_fen": 1000,
    }
    assert (await office.close("2026-01")).json()["code"] == "ledger-month-closed"
    february = (await office.close("2026-02")).json()
    lines = {line["account"]: line for line in february["lines"]}
    assert (lines[RECEIVABLE]["opening_fen"], lines[RECEIVABLE]["closing_fen"]) == (1000, 1200)
    assert (await office.close("2026-03")).json()["code"] == "ledger-month-not-over"
    listed = (await office.get("ledger/months")).json()
    assert [each["month"] for each in listed["items"]] == ["2026-02", "2026-01"]
    assert listed["next"] == "2026-03"
    again = await office.get("ledger/months/2026-02")
    assert again.json() == february
    assert (await office.get("ledger/months/2026-03")).status_code == 409


async def test_what_comes_after_closing_is_posted_in_the_next_month(office: Municipal) -> None:
    await office.today_is(date(2026, 2, 10))
    await office.book(JANUARY, booked(1000))
    frozen = (await office.close("2026-01")).json()
    late = await office.book(JANUARY, booked(77))
    async with office.app.state.database.transaction() as session:
        references = [new_id(), new_id()]
        await post_each(session, "test.bulk", references, booked(5), event_on=JANUARY, actor=SYSTEM)
    seen = (await office.get(f"ledger/transactions/{late}")).json()
    assert (seen["event_on"], seen["posted_on"]) == ("2026-01-20", "2026-02-01")
    assert (await office.get("ledger/months/2026-01")).json() == frozen
    january = await balances(office, **{"from": "2026-01-01", "on": "2026-01-31"})
    assert january[RECEIVABLE]["balance_fen"] == 1000
    february = await balances(office, **{"from": "2026-02-01"})
    assert february[RECEIVABLE]["opening_fen"] == 1000
    assert february[RECEIVABLE]["debit_fen"] == 77 + 2 * 5


async def test_nobody_writes_into_a_closed_month(office: Municipal) -> None:
    await office.today_is(date(2026, 2, 10))
    posted = await office.book(JANUARY, booked(1000))
    await office.close("2026-01")
    database = office.app.state.database
    added = (
        "insert into ledger_entry (transaction_id, account_code, amount_fen, posted_on)"
        " values (:id, 'bank', 5, '2026-01-20'), (:id, 'suspense', -5, '2026-01-20') returning 1"
    )
    with pytest.raises(DBAPIError, match="month is closed"):
        await scalar(database, added, id=posted)
    fresh = await office.book(FEBRUARY, booked(8))
    with pytest.raises(DBAPIError, match="month is closed"):
        await scalar(database, added, id=fresh)
    for change in (
        "delete from ledger_period",
        "update ledger_period set month = '2025-01-01'",
        "update ledger_period_balance set closing_fen = 0",
        "delete from ledger_period_balance",
    ):
        with pytest.raises(DBAPIError, match="permission denied"):
            await scalar(database, change)


async def held_up(office: Municipal, waiting: str) -> bool:
    return bool(await scalar(office.app.state.database, waiting))


async def test_a_posting_under_way_is_in_the_frozen_balance(office: Municipal) -> None:
    """Closing waits for it; without the lock the month would freeze without it."""
    await office.today_is(date(2026, 2, 10))
    await office.book(JANUARY, booked(1000))
    async with office.app.state.database.transaction() as session:
        await post(
            session,
            "test.slow",
            booked(500),
            event_on=JANUARY,
            reference_id=new_id(),
            actor=SYSTEM,
        )
        closing = asyncio.create_task(office.close("2026-01"))
        waiting = (
            "select count(*) from pg_locks where locktype = 'advisory' and not granted"
            " and database = (select oid from pg_database where datname = current_database())"
        )
        await eventually(lambda: held_up(office, waiting))
    closed = (await closing).json()
    lines = {line["account"]: line for line in closed["lines"]}
    assert lines[RECEIVABLE]["closing_fen"] == 1500


async def test_two_auditors_close_one_month_once(office: Municipal) -> None:
    await office.today_is(date(2026, 2, 10))
    await office.book(JANUARY, booked(1000))
    answers = await asyncio.gather(*(office.close("2026-01") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_days_without_a_comparison_keep_a_month_open(office: Municipal) -> None:
    await office.today_is(date(2026, 2, 10))
    await office.book(JANUARY, [("bank", 700), (SUSPENSE, -700)])
    refused = await office.close("2026-01")
    assert (refused.status_code, refused.json()["code"]) == (409, "days-not-reconciled")
    assert refused.json()["days"] == [{"source": "bank", "day": "2026-01-20"}]


async def test_only_the_municipal_auditor_closes(office: Municipal) -> None:
    await office.today_is(date(2026, 2, 10))
    await office.book(JANUARY, booked(1000))
    agency = await make_organisation(office.app, Kind.AGENCY, office.city)
    below = await staff_token(office.app, agency.id, ["auditor"])
    path = "ledger/months/2026-01/closure"
    assert (await office.post(path, who=below)).status_code == 403
    assert (await office.post(path, who=office.supervisor)).status_code == 403
    closed = "select count(*) from ledger_period"
    assert await scalar(office.app.state.database, closed) == 0


async def test_the_check_of_the_books_finds_what_does_not_balance(office: Municipal) -> None:
    await office.today_is(date(2026, 2, 10))
    good = await office.book(JANUARY, booked(1000))
    async with office.app.state.database.transaction() as session:
        # As the owner of the tables: the application itself cannot.
        await session.execute(text("set role none"))
        await session.execute(text("alter table ledger_entry disable trigger user"))
        await session.execute(
            text(
                "delete from ledger_entry where account_code = 'suspense' and transaction_id = :id"
            ),
            {"id": good},
        )
    refused = await office.close("2026-01")
    assert refused.json()["code"] == "books-unsound"
    assert refused.json()["transactions"] == [str(good)]
