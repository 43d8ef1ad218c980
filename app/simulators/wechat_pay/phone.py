"""What a person does with the phone in hand: pay, confirm a transfer, or let it run out."""

import secrets
from datetime import datetime
from typing import Any

import msgspec

from app.simulators.wechat_pay import notices, orders, transfers
from app.simulators.wechat_pay.keys import PayKeys
from app.simulators.world import ControlError, World


class PayForm(msgspec.Struct, forbid_unknown_fields=True):
    """A person pays: by what the mini-program was given, by prepay_id, or by a scanned code."""

    prepay_id: str = ""
    code_url: str = ""
    parameters: dict[str, str] | None = None
    openid: str = ""
    behaviour: notices.Word | notices.Behaviour = "normal"


def pay(world: World, keys: PayKeys, form: PayForm) -> dict[str, str]:
    """Take the money and queue the notice; `openid` is whose phone it is."""
    ticket = form.code_url or form.prepay_id
    if form.parameters is not None:
        ticket = _signed_ticket(world, keys, form.parameters)
    prepay = world.store.get("prepay", ticket)
    order = orders.find(world, prepay["out_trade_no"]) if prepay else None
    if prepay is None or order is None:
        raise ControlError(404, "no such prepay_id or code_url")
    if datetime.fromisoformat(prepay["until"]) <= world.clock.now():
        raise ControlError(409, "the prepay_id is older than two hours")
    if order["trade_state"] != "NOTPAY":
        raise ControlError(409, f"the order is {order['trade_state']}")
    payer = form.openid or order["wanted_openid"] or f"o{secrets.token_hex(13)}"
    if order["wanted_openid"] and payer != order["wanted_openid"]:
        raise ControlError(403, "the order belongs to another WeChat user")
    paid = order | {
        "trade_state": "SUCCESS",
        "transaction_id": orders.digits("4200", 28),
        "success_time": orders.local(world.clock.now()),
        "openid": payer,
    }
    orders.save(world, paid)
    number = {"out_trade_no": paid["out_trade_no"]}
    world.store.put("transaction", paid["transaction_id"], number, paid["success_time"][:10])
    notice_id = notices.queue(
        world,
        url=paid["notify_url"],
        event_type="TRANSACTION.SUCCESS",
        original_type="transaction",
        resource=orders.view(world, paid),
        parent=paid["out_trade_no"],
        how=notices.behaviour(form.behaviour),
    )
    return {
        "out_trade_no": paid["out_trade_no"],
        "transaction_id": paid["transaction_id"],
        "notice_id": notice_id,
    }


def _signed_ticket(world: World, keys: PayKeys, parameters: dict[str, Any]) -> str:
    """The prepay_id of `wx.requestPayment` parameters, whose paySign is checked."""
    given = {name: str(parameters.get(name, "")) for name in ("timeStamp", "nonceStr", "package")}
    text = "\n".join((world.config.appid, *given.values())) + "\n"
    if parameters.get("signType") != "RSA" or not keys.merchant_signed(
        text.encode(), str(parameters.get("paySign", ""))
    ):
        raise ControlError(400, "paySign does not match")
    return given["package"].removeprefix("prepay_id=")


class TransferChoice(msgspec.Struct, forbid_unknown_fields=True):
    """Which transfer, and how the notice of its end comes."""

    package_info: str = ""
    out_bill_no: str = ""
    openid: str = ""
    behaviour: notices.Word | notices.Behaviour = "normal"


def confirm(world: World, form: TransferChoice) -> dict[str, str]:
    """The rider takes the money; `openid`, if given, must be the payee's."""
    return _end(world, form, "SUCCESS", "")


def expire(world: World, form: TransferChoice) -> dict[str, str]:
    """The 24 hours are over now."""
    return _end(world, form, "FAIL", transfers.OVERDUE)


def _end(world: World, form: TransferChoice, state: str, reason: str) -> dict[str, str]:
    package = world.store.get("package", form.package_info) if form.package_info else None
    number = package["out_bill_no"] if package else form.out_bill_no
    transfer = world.store.get("transfer", number)
    if transfer is None:
        raise ControlError(404, "no such transfer")
    if form.openid and form.openid != transfer["openid"]:
        raise ControlError(403, "the transfer belongs to another WeChat user")
    if transfer["state"] != "WAIT_USER_CONFIRM":
        raise ControlError(409, f"the transfer is {transfer['state']}")
    transfers.end(world, transfer, state, reason, notices.behaviour(form.behaviour))
    return {"out_bill_no": number, "state": state}
