"""Renewing the vault's keys: what is sealed or indexed is found from the tables themselves.

A sealed column is any binary column called `sealed…` of a table with an `id`. A blind
index column says how its value is made: `mapped_column(info=indexed("phone", "phone"))`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BlindIndexed:
    """How a blind index is made again: the vault's purpose, and the value in the record."""

    purpose: str
    value: Callable[[Record], str | None]


def indexed(purpose: str, value: str | Callable[[Record], str | None]) -> dict[str, Any]:
    """The `info` of a blind index column; `value` is the record's key, or makes the value.

    A callable is given the opened record together with the row's plain columns.
    """

    def of_key(record: Record) -> str | None:
        found = record.get(str(value))
        return None if found is None else str(found)

    return {"blind_index": BlindIndexed(purpose, value if callable(value) else of_key)}
