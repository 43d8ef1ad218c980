"""The bank: one transfer per reference for ever; the account's last digits decide its fate."""

import hashlib
import re
import secrets
from functools import partial
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.routing import Route

from app.simulators.signed_door import DoorError, door, read
from app.simulators.store import Record
from app.simulators.world import ControlError, World, control

SHANGHAI = ZoneInfo("Asia/Shanghai")
ACCOUNT = re.compile(r"\A\d{8,30}\Z")
# Accounts ending in these four digits; all others are paid.
REJECTED = {"9990": "account_not_found", "9991": "name_mismatch", "9992": "account_closed"}
SLOW = "9993"
NEVER = "9994"


class TransferForm(msgspec.Struct):
    reference: Annotated[str, Meta(pattern=r"\A[0-9A-Za-z]{1,32}\Z")]
    account_number: str
    account_name: Annotated[str, Meta(min_length=1, max_length=60)]
    bank_code: Annotated[str, Meta(pattern=r"\A[0-9A-Za-z]{3,14}\Z")]
    amount_fen: int
    remark: Annotated[str, Meta(max_length=60)] = ""


class SettleForm(msgspec.Struct, forbid_unknown_fields=True):
    """The bank decides a pending transfer now."""

    reference: str
    state: Literal["paid", "rejected"] = "paid"
    code: Literal["account_not_found", "name_mismatch", "account_closed"] = "account_not_found"


def routes(world: World) -> list[Route]:
    """What the union's treasury system calls."""
    secret = world.config.bank_secret
    world.timers.on("bank", partial(_settle_later, world))
    return [
        door(secret, "POST", "/v1/transfers", partial(_submit, world)),
        door(secret, "GET", "/v1/transfers/{reference}", partial(_query, world)),
    ]


def control_routes(world: World) -> list[Route]:
    """What happens inside the bank."""
    return [control("/bank/settle", SettleForm, partial(_settle, world))]


def _submit(world: World, _: Request, body: bytes) -> tuple[int, Any]:
    form = read(body, TransferForm)
    digest = hashlib.sha256(body).hexdigest()
    known = world.store.get("bank", form.reference)
    if known is not None:
        if known["digest"] != digest:
            raise DoorError(409, "reference_reused", "the reference was used with other content")
        return 202, _view(known)
    if not ACCOUNT.match(form.account_number):
        raise DoorError(400, "bad_account", "8 to 30 digits are expected")
    if form.amount_fen <= 0:
        raise DoorError(400, "bad_amount", "the amount must be positive")
    return 202, _view(take(world, form, digest))


def take(world: World, form: TransferForm, digest: str = "") -> Record:
    """Begin a transfer under a reference that is new; its account's ending is its fate."""
    ending = form.account_number[-4:]
    # Account and name are not kept: the ending decides now, a digest knows the request again.
    transfer: Record = {
        "reference": form.reference,
        "amount_fen": form.amount_fen,
        "digest": digest,
        "outcome": REJECTED.get(ending, ""),
        "state": "pending",
        "code": "",
        "bank_reference": f"B{secrets.randbelow(10**15):015d}",
        "settled_at": None,
    }
    world.store.put("bank", form.reference, transfer)
    config = world.config
    if ending != NEVER:
        wait = config.bank_slow_seconds if ending == SLOW else config.bank_settle_seconds
        world.timers.set("bank", form.reference, wait)
    return transfer


def _query(world: World, request: Request, _: bytes) -> tuple[int, Any]:
    transfer = world.store.get("bank", request.path_params["reference"])
    if transfer is None:
        raise DoorError(404, "unknown_reference", "no such transfer")
    return 200, _view(transfer)


def _view(transfer: Record) -> Record:
    names = ("reference", "state", "amount_fen", "code", "bank_reference", "settled_at")
    return {name: transfer[name] for name in names}


async def _settle_later(world: World, reference: str) -> None:
    transfer = world.store.get("bank", reference)
    if transfer is not None and transfer["state"] == "pending":
        _decide(world, transfer, transfer["outcome"])


def _settle(world: World, form: SettleForm) -> Record:
    transfer = world.store.get("bank", form.reference)
    if transfer is None:
        raise ControlError(404, "no such transfer")
    if transfer["state"] != "pending":
        raise ControlError(409, f"the transfer is {transfer['state']}")
    _decide(world, transfer, form.code if form.state == "rejected" else "")
    return _view(transfer)


def _decide(world: World, transfer: Record, code: str) -> None:
    transfer |= {
        "state": "rejected" if code else "paid",
        "code": code,
        "settled_at": world.clock.now().isoformat(),
    }
    world.store.put("bank", transfer["reference"], transfer)
    if not code:
        day = world.clock.now().astimezone(SHANGHAI).date().isoformat()
        world.store.put("bank-paid", transfer["reference"], transfer, day)
