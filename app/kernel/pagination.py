"""Cursor pages: keyset positions carried in a checksummed, opaque cursor."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from fastapi import Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute

from app.kernel.problems import TamperedCursor
from app.kernel.vault import Vault

Item = TypeVar("Item")
Row = TypeVar("Row")
Statement = TypeVar("Statement", bound=Select[*tuple[Any, ...]])

PageSize = Annotated[int, Query(ge=1, le=100, description="Rows per page.")]
CursorParameter = Annotated[
    str | None,
    Query(max_length=512, description="`next_cursor` of the previous page; absent for the first."),
]


class Page(BaseModel, Generic[Item]):
    """One page; `next_cursor` is null on the last."""

    model_config = ConfigDict(frozen=True)

    items: list[Item]
    next_cursor: str | None = None


def keyset(
    statement: Statement,
    column: InstrumentedAttribute[Any],
    after: Any,
    limit: int,
    *,
    newest_first: bool = False,
) -> Statement:
    """The rows behind `after` (None for the first page) in the order of a unique column.

    One more than `limit`, which proves that more follow.
    """
    ordered = statement.order_by(column.desc() if newest_first else column).limit(limit + 1)
    if after is None:
        return ordered
    return ordered.where(column < after if newest_first else column > after)


def encode_cursor(vault: Vault, listing: str, position: Sequence[Any]) -> str:
    """`position` is the sort key of the last row; `listing` binds it to one list and filter."""
    body = msgspec.json.encode(position)
    mac = vault.mac("cursor", listing.encode() + b"\n" + body, 8)
    return base64.urlsafe_b64encode(mac + body).decode().rstrip("=")


def decode_cursor(vault: Vault, listing: str, cursor: str | None) -> list[Any] | None:
    """The position given to `encode_cursor`; raises TamperedCursor (400)."""
    if cursor is None:
        return None
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise TamperedCursor from error
    mac, body = packed[:8], packed[8:]
    if len(mac) != 8 or not vault.mac_matches("cursor", listing.encode() + b"\n" + body, mac):
        raise TamperedCursor
    position: list[Any] = msgspec.json.decode(body)
    return position


def page_of(
    rows: Sequence[Row],
    limit: int,
    view: Callable[[Row], Item],
    cursor_of: Callable[[Row], str],
) -> Page[Item]:
    """A page from up to `limit + 1` rows: the extra row only proves that more follow."""
    shown = rows[:limit]
    more = len(rows) > limit
    return Page(
        items=[view(row) for row in shown],
        next_cursor=cursor_of(shown[-1]) if more else None,
    )
