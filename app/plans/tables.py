"""Standard tables that documents refer to by name, and copying them into a document."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import yaml
from pydantic import Field

from app.plans.declarations import Table
from app.plans.faults import pointer
from app.plans.literals import TABLE

USE = "use"


class StandardTable(Table):
    """A table that several plans share; `as_of` says which printing it follows."""

    code: str = Field(pattern=TABLE)
    as_of: str | None = Field(default=None, min_length=1, max_length=60)


class UnknownTable(NamedTuple):
    """A document uses a table that nobody has; `pointer` is the JSON pointer to the name."""

    pointer: str
    table: str


class UnknownTables(ValueError):
    """Every use of a table that nobody has, in the order of the document."""

    def __init__(self, faults: tuple[UnknownTable, ...]) -> None:
        super().__init__(", ".join(f"{each.pointer}: {each.table}" for each in faults))
        self.faults = faults


@cache
def standard_tables() -> Mapping[str, StandardTable]:
    """The tables that come with the service, by code: disability grades, lists of diseases."""
    found = {}
    for entry in sorted(
        files("app.plans").joinpath("tables").iterdir(), key=lambda file: file.name
    ):
        if entry.name.endswith(".yaml"):
            table = StandardTable.model_validate(
                yaml.load(entry.read_text("utf-8"), yaml.CSafeLoader)
            )
            found[table.code] = table
    return found


def expand_tables(document: dict[str, Any], tables: Mapping[str, Table]) -> dict[str, Any]:
    """The document with a copy of the table at each `{use: CODE}` of its `tables`.

    A version keeps its copy, so that a later printing of the standard changes no frozen
    terms; `origin` says what it is a copy of. Documents without such uses come back as
    they are. Raises UnknownTables, with all of them.
    """
    given = document.get("tables")
    if not isinstance(given, Mapping):
        return document
    expanded, faults = dict(given), []
    for name, table in given.items():
        if not (isinstance(table, Mapping) and set(table) == {USE}):
            continue
        standard = tables.get(table[USE]) if isinstance(table[USE], str) else None
        if standard is None:
            faults.append(UnknownTable(pointer(("tables", name, USE)), str(table[USE])))
            continue
        copy = Table(
            kind=standard.kind,
            words=standard.words,
            origin=table[USE],
            entries=standard.entries,
        )
        expanded[name] = copy.model_dump(mode="json", exclude_none=True)
    if faults:
        raise UnknownTables(tuple(faults))
    return document | {"tables": expanded}
