"""An account's lines in posting order: as pages to read, and as a file to keep.

A file is written while it is read, page after page, so that it takes the same memory
whatever its length.
"""

import asyncio
import csv
import io
import queue
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import asyncpg
import rustpy_xlsxwriter
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.clock import business_day
from app.kernel.database import Database, raw_connection
from app.kernel.pagination import Page, decode_cursor, encode_cursor
from app.kernel.principal import Principal
from app.kernel.problems import FieldError, Unprocessable
from app.kernel.text import Text
from app.kernel.vault import Vault
from app.ledger import queries
from app.ledger.errors import AccountUnknown, StatementTooLong
from app.ledger.models import LedgerAccount
from app.ledger.schemas import LedgerEntryView

Format = Literal["csv", "xlsx"]
MEDIA_TYPES: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
COLUMNS = (
    *("记账日 Posted on", "业务日 Event on", "类型 Kind", "借方 Debit", "贷方 Credit"),
    *("余额 Balance", "业务编号 Reference", "记账编号 Transaction"),
)
PAGE = 2_000
# A sheet has 1,048,576 rows: one is the heading, one the opening balance.
SHEET_ROWS = 1_048_574
CHUNK = 64 * 1024
BACKWARDS = Text("起始日不能晚于截止日", "The first day lies after the last.")
_RISKY = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Span:
    """An account between two posting days, both included."""

    code: str
    first: date
    last: date

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise Unprocessable(errors=[FieldError("query/from", "backwards", BACKWARDS)])


def span_of(code: str, first: date | None, last: date | None, now: datetime) -> Span:
    """As asked; without days this month until today, and from a later day that day alone."""
    last = last or max(first or date.min, business_day(now))
    return Span(code, first or last.replace(day=1), last)


async def visible_account(
    session: AsyncSession, reader: Principal, code: str, action: str, span: Span | None = None
) -> LedgerAccount:
    """The account, its reading recorded; raises AccountUnknown (404)."""
    found = await queries.accounts(session, reader, code)
    if not found:
        raise AccountUnknown
    details: dict[str, str] = {"account": code}
    if span is not None:
        details |= {"from": span.first.isoformat(), "to": span.last.isoformat()}
    await audit.record(
        session, reader, action, subject="ledger_account", subject_ids=[], details=details
    )
    return found[0]


async def page_of_entries(
    session: AsyncSession,
    vault: Vault,
    reader: Principal,
    span: Span,
    cursor: str | None,
    limit: int,
) -> Page[LedgerEntryView]:
    """A page of an account's lines, each with the balance after it.

    Raises AccountUnknown (404), TamperedCursor (400).
    """
    listing = f"ledger-entries:{span.code}:{span.first}:{span.last}"
    position = decode_cursor(vault, listing, cursor)
    await visible_account(session, reader, span.code, "ledger_account.read", span)
    if position is None:
        day, after = span.first, 0
        balance = await queries.opening_balance(session, span.code, span.first)
    else:
        day, after, balance = date.fromisoformat(position[0]), position[1], position[2]
    connection = await raw_connection(session)
    rows = await connection.fetch(
        queries.ENTRIES, span.code, span.first, span.last, day, after, limit + 1
    )
    items = []
    for row in rows[:limit]:
        balance += row["amount_fen"]
        items.append(LedgerEntryView(**_plain(row), balance_fen=balance))
    following = None
    if len(rows) > limit:
        final = rows[limit - 1]
        key = [final["posted_on"].isoformat(), final["id"], balance]
        following = encode_cursor(vault, listing, key)
    return Page(items=items, next_cursor=following)


def _plain(row: asyncpg.Record) -> dict[str, Any]:
    names = ("posted_on", "event_on", "transaction_id", "kind", "reference_id", "amount_fen")
    return {name: row[name] for name in names}


async def begin_export(session: AsyncSession, reader: Principal, span: Span, wanted: Format) -> int:
    """Check and record an export; the opening balance.

    Raises AccountUnknown (404), StatementTooLong (422).
    """
    await visible_account(session, reader, span.code, "ledger_account.export", span)
    connection = await raw_connection(session)
    rows = await connection.fetchval(queries.COUNT, span.code, span.first, span.last)
    if wanted == "xlsx" and rows > SHEET_ROWS:
        raise StatementTooLong(rows=rows)
    return await queries.opening_balance(session, span.code, span.first)


def export(
    database: Database, span: Span, opening_fen: int, wanted: Format
) -> AsyncIterator[bytes]:
    """The file's bytes."""
    lines = _lines(database, span, opening_fen)
    return _csv(lines) if wanted == "csv" else _xlsx(lines)


Line = tuple[str, str, str, float | None, float | None, float, str, str]


async def _lines(database: Database, span: Span, balance: int) -> AsyncIterator[list[Line]]:
    """Pages of lines; the first says what the account stood at before."""
    yield [(span.first.isoformat(), "", "期初余额 opening", None, None, balance / 100, "", "")]
    day, after = span.first, 0
    while True:
        rows = await database.reads.fetch(
            queries.ENTRIES, span.code, span.first, span.last, day, after, PAGE
        )
        page = []
        for row in rows:
            balance += row["amount_fen"]
            page.append(_line(row, balance))
        if page:
            yield page
        if len(rows) < PAGE:
            return
        day, after = rows[-1]["posted_on"], rows[-1]["id"]


def _line(row: asyncpg.Record, balance: int) -> Line:
    # Yuan with two decimals: exact as far as a sheet counts, beyond a hundred billion yuan.
    fen = row["amount_fen"]
    return (
        row["posted_on"].isoformat(),
        row["event_on"].isoformat(),
        row["kind"],
        fen / 100 if fen > 0 else None,
        -fen / 100 if fen < 0 else None,
        balance / 100,
        str(row["reference_id"]),
        str(row["transaction_id"]),
    )


def harmless(value: object) -> str:
    """A cell that no spreadsheet program takes for a formula; numbers stay numbers."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.2f}"
    words = str(value)
    return f"'{words}" if words.startswith(_RISKY) else words


async def _csv(pages: AsyncIterator[list[Line]]) -> AsyncIterator[bytes]:
    written = io.StringIO()
    writer = csv.writer(written)
    # Spreadsheet programs recognise UTF-8 by this mark only.
    written.write("\ufeff")
    writer.writerow(COLUMNS)
    async for page in pages:
        writer.writerows([harmless(cell) for cell in line] for line in page)
        yield written.getvalue().encode()
        written.seek(0)
        written.truncate()


async def _xlsx(pages: AsyncIterator[list[Line]]) -> AsyncIterator[bytes]:
    """Written to a file by a thread; text cells are stored as text, never as formulas."""
    waiting: queue.Queue[list[Line] | None] = queue.Queue(maxsize=2)
    with tempfile.NamedTemporaryFile(suffix=".xlsx") as file:
        writing = asyncio.create_task(asyncio.to_thread(_write_sheet, file.name, waiting))
        try:
            async for page in pages:
                await _put(waiting, page, writing)
        finally:
            await _put(waiting, None, writing)
            await writing
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk


async def _put(
    waiting: queue.Queue[list[Line] | None], page: list[Line] | None, reader: asyncio.Task[None]
) -> None:
    """Hand a page over, unless nobody reads any more: then the reader's error is raised later."""
    while not reader.done():
        try:
            waiting.put_nowait(page)
        except queue.Full:
            await asyncio.sleep(0.005)
        else:
            break


def _write_sheet(name: str, waiting: queue.Queue[list[Line] | None]) -> None:
    def records() -> Iterator[dict[str, Any]]:
        while (page := waiting.get()) is not None:
            for line in page:
                yield dict(zip(COLUMNS, line, strict=True))

    rustpy_xlsxwriter.write_worksheet(
        records(), name, sheet_name="对账单", float_format="#,##0.00", freeze_row=1
    )
