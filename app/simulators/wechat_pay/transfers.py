"""Transfers to a wallet: accepted, waiting for the rider's confirmation, ended one way."""

import secrets
from typing import Any

import msgspec

from app.simulators.store import Record
from app.simulators.wechat_pay import forms, notices, orders
from app.simulators.wechat_pay.forms import PayError
from app.simulators.wechat_pay.keys import PayKeys
from app.simulators.world import World

NAME_REQUIRED_FEN = 200_000
NAME_ALLOWED_FEN = 30
OVERDUE = "OVERDUE_CLOSE"
WRONG_NAME = "REAL_NAME_CHECK_FAIL"
CANCEL_SECONDS = 0.2


def request(world: World, keys: PayKeys, form: forms.TransferForm, serial: str) -> Record:
    """Answer a transfer request; the same one again gives the transfer as it now stands."""
    if form.appid != world.config.appid:
        raise PayError(400, "APPID_MCHID_NOT_MATCH", "appid and mchid do not belong together")
    if form.notify_url:
        forms.check_url(form.notify_url)
    name = _name(keys, form, serial)
    # A name is sealed differently each time, so it is compared as it reads.
    content = forms.fingerprint(form, "user_name") + name
    known = world.store.get("transfer", form.out_bill_no)
    if known is not None and known["fingerprint"] != content:
        raise PayError(400, "INVALID_REQUEST", "the number was used with other content")
    return view(known or _accept(world, form, name, content))


def _name(keys: PayKeys, form: forms.TransferForm, serial: str) -> str:
    if not form.user_name:
        if form.transfer_amount >= NAME_REQUIRED_FEN:
            raise PayError(400, "PARAM_ERROR", "user_name is required from 200000 fen")
        return ""
    if form.transfer_amount < NAME_ALLOWED_FEN:
        raise PayError(400, "PARAM_ERROR", "user_name is not allowed below 30 fen")
    name = keys.open_name(form.user_name, serial)
    if not name:
        raise PayError(400, "PARAM_ERROR", "user_name is not encrypted to our certificate")
    return name


def _accept(world: World, form: forms.TransferForm, name: str, content: str) -> Record:
    if form.transfer_amount > world.config.transfer_max_fen:
        raise PayError(400, "INVALID_REQUEST", "more than one transfer may carry")
    now = orders.local(world.clock.now())
    transfer: Record = {
        "out_bill_no": form.out_bill_no,
        "transfer_bill_no": orders.digits("1330", 34),
        "openid": form.openid,
        "transfer_amount": form.transfer_amount,
        "transfer_remark": form.transfer_remark,
        "notify_url": form.notify_url,
        "fingerprint": content,
        "state": "ACCEPTED",
        "fail_reason": "",
        "package_info": "",
        "create_time": now,
        "update_time": now,
        "wrong_name": _is_wrong(world, form.openid, name),
    }
    save(world, transfer)
    chosen = world.store.get("next", "transfer")
    world.store.delete("next", "transfer")
    wait = chosen["seconds"] if chosen else world.config.transfer_accept_seconds
    if wait > 0:
        world.timers.set("transfer-offer", form.out_bill_no, wait)
        return transfer
    return offer(world, transfer)


def _is_wrong(world: World, openid: str, name: str) -> bool:
    """Whether WeChat knows the payee by another name; unknown payees pass."""
    known = (world.store.get("openid", openid) or {}).get("name", "")
    return bool(name and known and name != known)


def offer(world: World, transfer: Record) -> Record:
    """Ask the rider to confirm, or fail for a wrong name."""
    if transfer["wrong_name"]:
        end(world, transfer, "FAIL", WRONG_NAME, notices.Behaviour())
        return transfer
    package = f"affffddafdfafddffda=={secrets.token_hex(16)}"
    transfer |= {
        "state": "WAIT_USER_CONFIRM",
        "package_info": package,
        "update_time": orders.local(world.clock.now()),
    }
    save(world, transfer)
    number = transfer["out_bill_no"]
    world.store.put("package", package, {"out_bill_no": number})
    world.timers.set("transfer-expire", number, world.config.transfer_confirm_seconds)
    return transfer


def end(world: World, transfer: Record, state: str, reason: str, how: notices.Behaviour) -> None:
    """SUCCESS, FAIL or CANCELLED, and the notice that says so."""
    transfer |= {
        "state": state,
        "fail_reason": reason,
        "package_info": "",
        "update_time": orders.local(world.clock.now()),
    }
    save(world, transfer)
    if state == "SUCCESS":
        number = {"out_bill_no": transfer["out_bill_no"]}
        day = transfer["update_time"][:10]
        world.store.put("transferred", transfer["out_bill_no"], number, day)
    if transfer["notify_url"]:
        notices.queue(
            world,
            url=transfer["notify_url"],
            event_type="MCHTRANSFER.BILL.FINISHED",
            original_type="mch_payment",
            resource=seen(world, transfer),
            parent=transfer["out_bill_no"],
            how=how,
        )


async def offer_later(world: World, out_bill_no: str) -> None:
    transfer = world.store.get("transfer", out_bill_no)
    if transfer is not None and transfer["state"] == "ACCEPTED":
        offer(world, transfer)


async def expire_later(world: World, out_bill_no: str) -> None:
    transfer = world.store.get("transfer", out_bill_no)
    if transfer is not None and transfer["state"] == "WAIT_USER_CONFIRM":
        end(world, transfer, "FAIL", OVERDUE, notices.Behaviour())


async def cancel_later(world: World, out_bill_no: str) -> None:
    transfer = world.store.get("transfer", out_bill_no)
    if transfer is not None and transfer["state"] == "CANCELING":
        end(world, transfer, "CANCELLED", "", notices.Behaviour())


def cancel(world: World, out_bill_no: str) -> Record:
    """The merchant takes a transfer back that nobody has confirmed."""
    transfer = existing(world, out_bill_no)
    if transfer["state"] in ("ACCEPTED", "WAIT_USER_CONFIRM"):
        transfer |= {"state": "CANCELING", "update_time": orders.local(world.clock.now())}
        save(world, transfer)
        world.timers.set("transfer-cancel", out_bill_no, CANCEL_SECONDS)
    elif transfer["state"] not in ("CANCELING", "CANCELLED"):
        raise PayError(400, "INVALID_REQUEST", f"the transfer is {transfer['state']}")
    return {
        name: transfer[name] for name in ("out_bill_no", "transfer_bill_no", "state", "update_time")
    }


def existing(world: World, out_bill_no: str) -> Record:
    transfer = world.store.get("transfer", out_bill_no)
    if transfer is None:
        raise PayError(404, "NOT_FOUND", "no such transfer")
    return transfer


def save(world: World, transfer: Record) -> None:
    world.store.put("transfer", transfer["out_bill_no"], transfer)


def view(transfer: Record) -> Record:
    """What a request answers: alone it has the package_info that opens the phone's page."""
    answer = {
        name: transfer[name] for name in ("out_bill_no", "transfer_bill_no", "create_time", "state")
    }
    package = transfer["package_info"]
    return answer | ({"package_info": package} if package else {})


def seen(world: World, transfer: Record) -> Record:
    """What a query answers and a notice says."""
    names = (
        *("out_bill_no", "transfer_bill_no", "state", "transfer_amount", "transfer_remark"),
        *("openid", "create_time", "update_time"),
    )
    answer: Record = {"mch_id": world.config.mchid, "appid": world.config.appid}
    answer |= {name: transfer[name] for name in names}
    reason = transfer["fail_reason"]
    return answer | ({"fail_reason": reason} if reason else {})


class NextTransferForm(msgspec.Struct, forbid_unknown_fields=True):
    """How long the next transfer stays ACCEPTED before it waits for the rider."""

    seconds: float


def choose_next(world: World, form: NextTransferForm) -> dict[str, Any]:
    world.store.put("next", "transfer", {"seconds": form.seconds})
    return {"seconds": form.seconds}
