"""The bank account's statement of a day, and what can be wrong with it on request."""

import secrets
from datetime import date, timedelta
from functools import partial
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from app.simulators.signed_door import DoorError, door
from app.simulators.store import Record
from app.simulators.world import World, control

SHANGHAI = ZoneInfo("Asia/Shanghai")


class StatementForm(msgspec.Struct, forbid_unknown_fields=True):
    """A difference in the statement of a day.

    `omit`, `amount` and `next_day` concern the transfer `reference`; `extra` is a transfer
    nobody ordered, `fee` and `receipt` are lines of their own.
    """

    day: str
    what: Literal["omit", "amount", "next_day", "extra", "fee", "receipt"]
    reference: str = ""
    amount_fen: int = 100


def routes(world: World) -> list[Route]:
    secret = world.config.bank_secret
    return [door(secret, "GET", "/v1/statements/{day}", partial(_statement, world))]


def control_routes(world: World) -> list[Route]:
    return [control("/bank/statement", StatementForm, partial(_change, world))]


def _change(world: World, form: StatementForm) -> Record:
    key = f"B{secrets.randbelow(10**15):015d}"
    change = {**msgspec.to_builtins(form), "bank_reference": key}
    world.store.put("statement-change", key, change, form.day)
    return {"bank_reference": key}


def _statement(world: World, request: Request, _: bytes) -> tuple[int, Any]:
    day = request.path_params["day"]
    if day >= world.clock.now().astimezone(SHANGHAI).date().isoformat():
        raise DoorError(400, "day_not_over", "the day is not over")
    rows = [_line(each) for each in world.store.children("bank-paid", day)]
    moved = {
        each["reference"]: each
        for each in world.store.all("statement-change")
        if each["what"] == "next_day"
    }
    rows = [row for row in rows if row["reference"] not in moved]
    rows += [_line(paid) for each in moved.values() if (paid := _moved_here(world, each, day))]
    for change in world.store.children("statement-change", day):
        rows = _changed(rows, change)
    total = sum(row["amount_fen"] for row in rows)
    return 200, {"day": day, "rows": rows, "count": len(rows), "amount_fen": total}


def _moved_here(world: World, change: Record, day: str) -> Record | None:
    """The bank carries a late transfer under the following day."""
    following = (date.fromisoformat(change["day"]) + timedelta(days=1)).isoformat()
    return world.store.get("bank-paid", change["reference"]) if following == day else None


def _line(paid: Record) -> Record:
    return {
        "bank_reference": paid["bank_reference"],
        "reference": paid["reference"],
        "kind": "transfer",
        "amount_fen": -paid["amount_fen"],
        "at": paid["settled_at"],
    }


def _changed(rows: list[Record], change: Record) -> list[Record]:
    what, reference = change["what"], change["reference"]
    if what == "omit":
        return [row for row in rows if row["reference"] != reference]
    if what == "amount":
        more = {"amount_fen": -change["amount_fen"]}
        return [row | more if row["reference"] == reference else row for row in rows]
    if what == "next_day":
        return rows
    kind = "transfer" if what == "extra" else what
    made: Record = {
        "bank_reference": change["bank_reference"],
        "reference": reference or ("X" * 32 if what == "extra" else ""),
        "kind": kind,
        "amount_fen": change["amount_fen"] if what == "receipt" else -change["amount_fen"],
        "at": f"{change['day']}T12:00:00+08:00",
    }
    return [*rows, made]
