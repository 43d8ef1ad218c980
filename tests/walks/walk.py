"""Doors tried on subjects in every status, held against a table of what the rules say.

A table's first line names the columns: short words for the statuses of a lifecycle. Each
other line is a door, an operation's id, with a word behind a colon where it is tried in more
than one way. In the cells:

    a column   it is done, and the subject moves there
    +          it is done, and the status stays
    =          it is answered as if it were done, and nothing happens
    a word     it is refused, with the code that the legend gives for the word
    .          it cannot be tried: the subject has nothing there that the path could name
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.kernel.database import Database
from app.kernel.transitions import LIFECYCLES
from tests.access_fixtures import SignedIn
from tests.api.routes import Operation, discover
from tests.cover_fixtures import Rider
from tests.walks.rehearsal import on_stage, rehearsed, written

_PARAMETER = re.compile(r"{(\w+)}")
# Of whichever application came first: making the API document takes seconds.
_OPERATIONS: dict[str, Operation] = {}
_ALARMS = ("audit notice.refuse", "event payment.alert")
Person = SignedIn | Rider | None


@dataclass(frozen=True)
class Subject:
    """One thing in one status: values of path parameters, and who usually does what with it.

    An id `operationId.parameter` goes before the parameter's plain name; `more` is for bodies.
    """

    id: str
    people: Mapping[str, Person]
    ids: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Door:
    """Who goes through it, and with what: a body (else the API document's example, where there is
    one), what a subject makes of it, or a form with its headers."""

    who: str
    body: Any = None
    form: Callable[[Subject], dict[str, Any]] | None = None

    def content(self, subject: Subject) -> dict[str, Any]:
        if self.form is not None:
            return self.form(subject)
        body = self.body(subject) if callable(self.body) else self.body
        if isinstance(body, bytes):
            return {"content": body, "headers": {"Content-Type": "text/csv"}}
        return {} if body is None else {"json": body}


@dataclass(frozen=True)
class Table:
    """The rules of one lifecycle (`subject`), or of the subjects that share one (`also`)."""

    subject: str
    columns: Mapping[str, str]
    legend: Mapping[str, str]
    doors: Mapping[str, Door]
    cells: str
    table: str = ""
    # The columns, where a transaction only passes through some of the statuses.
    rests_in: Collection[str] = ()

    @property
    def heads(self) -> list[str]:
        return self.cells.strip().splitlines()[0].split()

    @property
    def rows(self) -> dict[str, list[str]]:
        lines = [line.split() for line in self.cells.strip().splitlines()[1:] if line.strip()]
        return {line[0]: line[1:] for line in lines}

    @property
    def operations(self) -> set[str]:
        return {row.partition(":")[0] for row in self.rows}

    @property
    def pairs(self) -> int:
        return sum(cell != "." for row in self.rows.values() for cell in row)

    def faults(self) -> list[str]:
        """What is wrong with the table itself."""
        found = [
            f"{row}: {len(cells)} cells"
            for row, cells in self.rows.items()
            if len(cells) != len(self.heads)
        ]
        found += [f"{row} has no door" for row in self.rows.keys() ^ self.doors.keys()]
        known = {*self.columns, *self.heads, "+", "=", ".", *self.legend}
        found += [
            f"{row}: what is {cell}?"
            for row, cells in self.rows.items()
            for cell in {*cells} - known
        ]
        lacking: set[str] = set()
        if self.subject in LIFECYCLES:
            rests_in = {self.columns[head] for head in self.rests_in or self.columns}
            lacking = rests_in - {self.columns.get(head, head) for head in self.heads}
            lacking |= LIFECYCLES[self.subject].statuses - {*self.columns.values()}
        return found + [f"no column for {status}" for status in lacking]


async def walk(
    app: FastAPI, client: httpx.AsyncClient, table: Table, subjects: Mapping[str, Subject]
) -> None:
    """Try every cell; `subjects` by their column. Fails with every difference."""
    faults = table.faults()
    if not _OPERATIONS:
        _OPERATIONS.update((each.id, each) for each in discover(app))
    database: Database = app.state.database
    async with on_stage(database):
        for place, head in enumerate(table.heads):
            for row, cells in table.rows.items():
                if cells[place] == ".":
                    continue
                operation = _OPERATIONS[row.partition(":")[0]]
                fault = await _tried(
                    database, client, table, operation, row, subjects[head], head, cells[place]
                )
                faults += fault
    assert not faults, "\n".join(["", *faults])


async def _tried(
    database: Database,
    client: httpx.AsyncClient,
    table: Table,
    operation: Operation,
    row: str,
    subject: Subject,
    head: str,
    cell: str,
) -> list[str]:
    door = table.doors[row]
    async with rehearsed(database) as connection:
        before = await _status(connection, table, subject)
        if before != table.columns.get(head, head):
            return [f"{head}: the subject is {before}"]
        answer = await _call(client, operation, row, door, subject)
        after = await _status(connection, table, subject)
        traces = await written(connection)
    told = _told(table, answer, before, after, traces)
    # A refusal leaves nothing behind, but an alarm that it was one.
    left = [] if answer.is_success else [each for each in traces if each not in _ALARMS]
    expected = table.legend.get(cell, table.columns.get(cell, cell))
    if told == expected and not left:
        return []
    more = "" if answer.is_success and told != "+" else f" {answer.text[:300]}"
    return [f"{row} in {head}: {told}, not {expected}; {', '.join(traces) or '-'}{more}"]


def _told(table: Table, answer: httpx.Response, before: str, after: str, traces: list[str]) -> str:
    if not answer.is_success:
        code: str = answer.json()["code"]
        return code if after == before else f"{code}, but {after}"
    if after != before:
        return after
    return "+" if traces else "="


async def _status(connection: AsyncConnection, table: Table, subject: Subject) -> str:
    name = table.table or table.subject
    sql = name if name.startswith("select") else f"select status from {name} where id = :id"
    found = await connection.scalar(text(sql), {"id": subject.id})
    return "gone" if found is None else str(found)


async def _call(
    client: httpx.AsyncClient, operation: Operation, row: str, door: Door, subject: Subject
) -> httpx.Response:
    def value(match: re.Match[str]) -> str:
        name = match[1]
        for key in (f"{row}.{name}", f"{operation.id}.{name}", name):
            if key in subject.ids:
                return subject.ids[key]
        return subject.id

    who = subject.people[door.who]
    more = door.content(subject)
    if not more and (example := operation.example()) is not None:
        more = {"json": example}
    headers = {"If-Match": "*"} | more.pop("headers", {})
    if who is not None:
        headers |= who.keyed
    return await client.request(
        operation.method, _PARAMETER.sub(value, operation.path), headers=headers, **more
    )
