"""An account's lines as pages and as files; funds of organisations; receipts; reversals."""

import csv
import io
import resource
from datetime import date
from typing import Any

import pytest
from python_calamine import load_workbook
from sqlalchemy import text

from app.ledger.account_statements import COLUMNS, harmless
from app.organisations.models import Kind
from tests.access_fixtures import make_organisation, staff_token
from tests.cover_fixtures import scalar
from tests.treasury_fixtures import Municipal

pytestmark = pytest.mark.anyio

SPAN = {"from": "2026-01-01", "to": "2026-03-31"}
ENTRIES = "ledger/accounts/suspense/entries"


async def fill(office: Municipal) -> None:
    await office.today_is(date(2026, 4, 2))
    for month, fen in ((1, 100), (1, -30), (2, 5), (3, 7), (3, -2)):
        await office.book(date(2026, month, 9), [("suspense", fen), ("unit-receivables", -fen)])


async def test_pages_carry_the_balance_on(office: Municipal) -> None:
    await fill(office)
    whole = (await office.get(ENTRIES, **SPAN)).json()
    assert [each["amount_fen"] for each in whole["items"]] == [100, -30, 5, 7, -2]
    assert [each["balance_fen"] for each in whole["items"]] == [100, 70, 75, 82, 80]
    paged: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await office.get(ENTRIES, limit="2", **SPAN, **cursor)).json()
        paged += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert paged == whole["items"]
    # Closed months or not: the balance before a day is the same.
    for _ in range(2):
        march = (await office.get(ENTRIES, **SPAN | {"from": "2026-03-01"})).json()["items"]
        assert [each["balance_fen"] for each in march] == [82, 80]
        assert (await office.close("2026-01")).status_code in (201, 409)
    stolen = await office.get(ENTRIES, **SPAN | {"to": "2026-02-28"}, **cursor)
    assert (stolen.status_code, stolen.json()["code"]) == (400, "tampered-cursor")
    backwards = await office.get(ENTRIES, **{"from": "2026-02-02", "to": "2026-02-01"})
    assert backwards.status_code == 422
    [error] = backwards.json()["errors"]
    assert (error["pointer"], error["code"]) == ("query/from", "backwards")
    tomorrow = await office.get(ENTRIES, **{"from": "2026-04-03"})
    assert (tomorrow.status_code, tomorrow.json()["items"]) == (200, [])
    assert (await office.get("ledger/accounts/nothing/entries", **SPAN)).status_code == 404


async def test_files_hold_the_same_lines(office: Municipal) -> None:
    await fill(office)
    path = "ledger/accounts/suspense/statement"
    answer = await office.get(path, format="csv", **SPAN)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0] == list(COLUMNS)
    assert [(row[3], row[4], row[5]) for row in rows[1:]] == [
        ("", "", "0.00"),
        ("1.00", "", "1.00"),
        ("", "0.30", "0.70"),
        ("0.05", "", "0.75"),
        ("0.07", "", "0.82"),
        ("", "0.02", "0.80"),
    ]
    answer = await office.get(path, **SPAN | {"from": "2026-02-01"})
    sheet = load_workbook(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()
    assert [row[5] for row in sheet[1:]] == [0.7, 0.75, 0.82, 0.8]
    recorded = "select count(*) from audit_entry where action = 'ledger_account.export'"
    assert await scalar(office.app.state.database, recorded) == 2


@pytest.mark.parametrize("words", ["=1+1", "+cmd", "-2", "@x", "\tx", "\rx"])
async def test_no_cell_is_a_formula(words: str) -> None:
    assert harmless(words) == f"'{words}"
    assert harmless("benefit.paid") == "benefit.paid"
    assert harmless(-1.5) == "-1.50"


@pytest.mark.long
async def test_a_long_statement_takes_little_memory(office: Municipal) -> None:
    async with office.app.state.database.transaction() as session:
        await session.execute(text("set role none"))
        await session.execute(text("alter table ledger_entry disable trigger user"))
        await session.execute(
            text(
                "with t as (insert into ledger_transaction (id, kind, reference_id, event_on,"
                " actor_kind, actor_id) select gen_random_uuid(), 'test.many', gen_random_uuid(),"
                " '2026-01-05', 'system', gen_random_uuid() from generate_series(1, 60000)"
                " returning id, posted_on)"
                " insert into ledger_entry (transaction_id, account_code, amount_fen, posted_on)"
                " select id, code, fen, posted_on from t,"
                " (values ('suspense', 1), ('bank', -1)) as e(code, fen)"
            )
        )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    path = "ledger/accounts/suspense/statement"
    for wanted in ("xlsx", "csv"):
        size = lines = 0
        url = f"/v1/staff/{path}"
        async with office.client.stream(
            "GET", url, headers=office.auditor.headers, params=SPAN | {"format": wanted}
        ) as answer:
            async for chunk in answer.aiter_bytes():
                size += len(chunk)
                lines += chunk.count(b"\r\n")
        assert size > 1_000_000
        if wanted == "csv":
            assert lines == 60_002
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 64 * 1024


async def test_a_fund_belongs_to_its_organisation(office: Municipal) -> None:
    agency = await make_organisation(office.app, Kind.AGENCY, office.city)
    other = await make_organisation(office.app, Kind.AGENCY, office.city)
    own, stranger = [
        await staff_token(office.app, each.id, ["auditor"]) for each in (agency, other)
    ]
    path = f"/v1/staff/ledger/organisations/{agency.id}/fund-account"
    body = {"name_zh": "某区互助资金", "name_en": "A district's fund"}
    made = await office.client.put(path, headers=office.supervisor.headers, json=body)
    assert made.status_code == 200, made.text
    again = await office.client.put(path, headers=office.supervisor.headers, json=body)
    assert again.json() == made.json()
    code = made.json()["code"]
    receipt = {
        "bank_reference": "B000000000000001",
        "account": code,
        "amount_fen": 5_000_000,
        "received_on": "2026-01-07",
    }
    first = await office.post("ledger/receipts", receipt)
    assert first.status_code == 201, first.text
    twice = await office.post("ledger/receipts", receipt)
    assert (twice.status_code, twice.json()["code"]) == (409, "receipt-recorded")
    wrong = await office.post("ledger/receipts", receipt | {"account": "benefits-payable"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "account-not-for-receipts")
    seen = await office.get("ledger/accounts", own)
    assert [each["code"] for each in seen.json()["items"]] == [code]
    lines = await office.get(f"ledger/accounts/{code}/entries", own, **SPAN)
    assert [each["amount_fen"] for each in lines.json()["items"]] == [-5_000_000]
    assert (await office.get("ledger/accounts", stranger)).json()["items"] == []
    hidden = await office.get(f"ledger/accounts/{code}/entries", stranger, **SPAN)
    assert hidden.status_code == 404
    hidden = await office.get("ledger/accounts/bank/statement", own, **SPAN)
    assert hidden.status_code == 404


async def test_a_transaction_is_reversed_once(office: Municipal) -> None:
    await office.today_is(date(2026, 2, 3))
    small = await office.book(date(2026, 1, 5), [("bank", 900), ("suspense", -900)])
    path = f"ledger/transactions/{small}/reversal"
    made = await office.post(path, {"reason": "重复入账"})
    assert (made.status_code, made.json()["status"]) == (201, "posted")
    mirrored = (await office.get(f"ledger/transactions/{made.json()['posting_id']}")).json()
    assert mirrored["event_on"] == "2026-02-03"
    assert {each["account"]: each["amount_fen"] for each in mirrored["entries"]} == {
        "bank": -900,
        "suspense": 900,
    }
    again = await office.post(path, {"reason": "再来一次"}, office.another_supervisor)
    assert (again.status_code, again.json()["code"]) == (409, "already-reversed")
    mirror = f"ledger/transactions/{mirrored['id']}/reversal"
    refused = await office.post(mirror, {"reason": "冲回"})
    assert refused.json()["code"] == "booking-follows-fact"
    paid = await office.book(
        date(2026, 1, 5), [("benefits-payable", 5), ("bank", -5)], kind="benefit.paid"
    )
    refused = await office.post(f"ledger/transactions/{paid}/reversal", {"reason": "错"})
    assert (refused.status_code, refused.json()["code"]) == (409, "booking-follows-fact")


async def test_a_large_reversal_takes_two_people(office: Municipal) -> None:
    large = await office.book(date(2026, 1, 5), [("bank", 2_000_001), ("suspense", -2_000_001)])
    path = f"ledger/transactions/{large}/reversal"
    made = await office.post(path, {"reason": "金额有误"})
    assert (made.status_code, made.json()["status"]) == (201, "proposed")
    count = "select count(*) from ledger_transaction where kind = 'reversal'"
    assert await scalar(office.app.state.database, count) == 0
    alone = await office.post(f"{path}/decision", {"verdict": "approve"})
    assert (alone.status_code, alone.json()["code"]) == (403, "second-person-needed")
    declined = await office.post(
        f"{path}/decision", {"verdict": "decline"}, office.another_supervisor
    )
    assert declined.json()["status"] == "declined"
    await office.post(path, {"reason": "金额有误，附银行回单"})
    approved = await office.post(
        f"{path}/decision", {"verdict": "approve"}, office.another_supervisor
    )
    assert (approved.status_code, approved.json()["status"]) == (200, "posted"), approved.text
    assert await scalar(office.app.state.database, count) == 1
    late = await office.post(f"{path}/decision", {"verdict": "approve"}, office.another_supervisor)
    assert late.status_code == 404
