"""The tables of a document as exact numbers."""

from collections.abc import Mapping
from fractions import Fraction

from app.plans.benefits import Words
from app.plans.declarations import Table
from app.plans.literals import edge_value


def table_values(tables: Mapping[str, Table]) -> dict[str, dict[str, Fraction | None]]:
    """The tables as exact numbers; a list's words have none. Money is fen."""
    return {
        code: {
            word: None if isinstance(value, Words) else edge_value(value)
            for word, value in table.entries.items()
        }
        for code, table in tables.items()
    }
