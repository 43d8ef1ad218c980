"""The daily bills: payments and refunds of a past day, and what moved on the account.

`/control/bills/change` puts a difference into the bill of a day, to be found by whoever
compares it with the books.
"""

import gzip
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any, Literal

import msgspec
from starlette.routing import Route

from app.simulators.store import Record
from app.simulators.wechat_pay import bill_rows, orders
from app.simulators.wechat_pay.bill_rows import Row
from app.simulators.wechat_pay.forms import PayError
from app.simulators.world import World, control

Bill = Literal["trade", "fund"]


class ChangeForm(msgspec.Struct, forbid_unknown_fields=True):
    """A difference in a day's bill.

    `number` is out_trade_no, out_refund_no or out_bill_no; for `extra` it may be left out.
    `fee` charges `amount_fen` for a payment; `next_day` moves a row to the following day.
    """

    day: str
    what: Literal["omit", "amount", "extra", "fee", "next_day"]
    bill: Bill = "trade"
    number: str = ""
    amount_fen: int = 100


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is particular to one of the two bills."""

    rows_of: Callable[[World, str], list[Row]]
    text: Callable[[list[Row]], str]
    unordered: Callable[[World, str, str, int], Row]


_KINDS: dict[str, _Kind] = {
    "trade": _Kind(bill_rows.trades, bill_rows.trade_text, bill_rows.extra_trade),
    "fund": _Kind(bill_rows.movements, bill_rows.fund_text, bill_rows.extra_movement),
}


def control_routes(world: World) -> list[Route]:
    return [control("/bills/change", ChangeForm, partial(_change, world))]


def _change(world: World, form: ChangeForm) -> dict[str, Any]:
    number = form.number or f"X{secrets.token_hex(12)}"
    change = {**msgspec.to_builtins(form), "number": number}
    parent = f"{form.bill} {form.day}"
    world.store.put("bill-change", secrets.token_hex(8), change, parent)
    return {"number": number}


def announce(world: World, bill: Bill, bill_date: str, base_url: str) -> dict[str, str]:
    """Where the bill of a past day lies, and its digest."""
    try:
        on = date.fromisoformat(bill_date)
    except ValueError:
        raise PayError(400, "PARAM_ERROR", "bill_date is not a date") from None
    if on >= world.clock.now().astimezone(orders.SHANGHAI).date():
        raise PayError(400, "INVALID_REQUEST", "the day is not over")
    rows = _rows(world, bill, on)
    if not rows:
        raise PayError(400, "NO_STATEMENT_EXIST", "nothing happened on that day")
    written = _KINDS[bill].text(rows)
    token = secrets.token_hex(16)
    world.store.put("bill", token, {"text": written})
    return {
        "hash_type": "SHA1",
        # The protocol's digest of a file that is announced under signature.
        "hash_value": hashlib.sha1(written.encode(), usedforsecurity=False).hexdigest(),
        "download_url": f"{base_url}/v3/billdownload/file?token={token}",
    }


def download(world: World, token: str) -> bytes:
    """The zipped bill; a token is good for one download."""
    bill = world.store.get("bill", token)
    if bill is None:
        raise PayError(404, "RESOURCE_NOT_EXISTS", "no such bill")
    world.store.delete("bill", token)
    return gzip.compress(bill["text"].encode())


def _rows(world: World, bill: Bill, on: date) -> list[Row]:
    kind, day = _KINDS[bill], on.isoformat()
    rows = kind.rows_of(world, day)
    before = (on - timedelta(days=1)).isoformat()
    moved = _moved(world, bill, before)
    rows += [row for row in kind.rows_of(world, before) if row.number in moved]
    for change in _changes(world, bill, day):
        rows = _changed(world, kind, rows, change)
    return rows


def _changes(world: World, bill: Bill, day: str) -> list[Record]:
    return world.store.children("bill-change", f"{bill} {day}")


def _moved(world: World, bill: Bill, day: str) -> set[str]:
    return {each["number"] for each in _changes(world, bill, day) if each["what"] == "next_day"}


def _changed(world: World, kind: _Kind, rows: list[Row], change: Record) -> list[Row]:
    number, fen = change["number"], change["amount_fen"]
    match change["what"]:
        case "extra":
            return [*rows, kind.unordered(world, change["day"], number, fen)]
        case "amount":
            return [row.costing(fen) if row.number == number else row for row in rows]
        case "fee":
            return [row.charged(fen) if row.number == number else row for row in rows]
    return [row for row in rows if row.number != number]
