"""Standard tables as the catalogue shows them."""

from typing import Any, Literal

from pydantic import Field

from app.kernel.schema import View
from app.plans.schemas import WordsView
from app.plans.tables import StandardTable


class TableSummary(View):
    """A standard table that plans use by its code (`use`)."""

    code: str = Field(examples=["JRT0083-2013"])
    kind: Literal["rates", "numbers", "amounts", "list"]
    words: WordsView | None
    as_of: str | None = Field(description="The printing that it follows.", examples=["2013"])
    size: int = Field(description="How many entries it has.", examples=[10])


class TableView(TableSummary):
    """A standard table with its entries, as a document would have them."""

    entries: dict[str, Any] = Field(examples=[{"1": "1", "10": "0.1"}])


class TableList(View):
    """The standard tables that come with the service."""

    items: list[TableSummary]


def table_summary(table: StandardTable) -> TableSummary:
    return TableSummary(**_table(table))


def table_view(table: StandardTable) -> TableView:
    entries = table.model_dump(mode="json", include={"entries"})["entries"]
    return TableView(**_table(table), entries=entries)


def _table(table: StandardTable) -> dict[str, Any]:
    words = table.words
    return {
        "code": table.code,
        "kind": table.kind,
        "words": None if words is None else WordsView(zh=words.zh, en=words.en),
        "as_of": table.as_of,
        "size": len(table.entries),
    }
