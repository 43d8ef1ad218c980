"""Orders at the gateway: opened, asked about, closed by the merchant, and how they look."""

import secrets
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app.simulators.store import Record
from app.simulators.wechat_pay import forms
from app.simulators.wechat_pay.forms import PayError
from app.simulators.world import World

SHANGHAI = ZoneInfo("Asia/Shanghai")
DESCRIPTIONS = {
    "SUCCESS": "支付成功",
    "REFUND": "转入退款",
    "NOTPAY": "订单未支付",
    "CLOSED": "订单已关闭",
    "ACCEPT": "已接收，等待扣款",
    "PAYERROR": "支付失败",
}


def local(at: datetime) -> str:
    return at.astimezone(SHANGHAI).isoformat(timespec="seconds")


def digits(prefix: str, length: int) -> str:
    """A number of the gateway's own, as long as its numbers are."""
    return prefix + str(secrets.randbelow(10 ** (length - len(prefix)))).zfill(length - len(prefix))


def open_order(world: World, form: forms.OrderForm, trade_type: str) -> dict[str, str]:
    """Answer a prepay request; the same one again gives the same answer."""
    config, now = world.config, world.clock.now()
    if form.mchid != config.mchid or form.appid != config.appid:
        raise PayError(400, "APPID_MCHID_NOT_MATCH", "appid and mchid do not belong together")
    if (form.payer is None) == (trade_type == "JSAPI"):
        raise PayError(400, "PARAM_ERROR", "payer belongs to JSAPI orders and to no others")
    forms.check_url(form.notify_url)
    known = find(world, form.out_trade_no)
    content = forms.fingerprint(form) + trade_type
    if known is None:
        forms.check_expiry(form.time_expire, now)
        known = _new_order(world, form, trade_type, content)
    elif known["fingerprint"] != content:
        raise PayError(403, "OUT_TRADE_NO_USED", "the number was used with other content")
    elif known["trade_state"] in ("SUCCESS", "REFUND"):
        raise PayError(400, "ORDERPAID", "the order is paid")
    elif known["trade_state"] == "CLOSED":
        raise PayError(400, "ORDER_CLOSED", "the order is closed")
    return _ticket(world, known)


def _new_order(world: World, form: forms.OrderForm, trade_type: str, content: str) -> Record:
    order: Record = {
        "out_trade_no": form.out_trade_no,
        "trade_type": trade_type,
        "description": form.description,
        "attach": form.attach,
        "total": form.amount.total,
        "notify_url": form.notify_url,
        "time_expire": form.time_expire,
        "wanted_openid": form.payer.openid if form.payer else "",
        "fingerprint": content,
        "trade_state": "NOTPAY",
        "transaction_id": "",
        "success_time": "",
        "openid": "",
        "refunded": 0,
    }
    save(world, order)
    return order


def _ticket(world: World, order: Record) -> dict[str, str]:
    """The prepay_id or code_url of an open order, renewed when it is two hours old."""
    now = world.clock.now()
    ticket, until = order.get("ticket"), order.get("ticket_until", "")
    if ticket is None or datetime.fromisoformat(until) <= now:
        token = secrets.token_hex(10)
        if order["trade_type"] == "JSAPI":
            ticket = f"wx{now.astimezone(SHANGHAI):%d%H%M%S}{token}{secrets.token_hex(3)}"
        else:
            ticket = f"weixin://wxpay/bizpayurl?pr={token}"
        until = (now + timedelta(seconds=world.config.prepay_seconds)).isoformat()
        save(world, order | {"ticket": ticket, "ticket_until": until})
        world.store.put("prepay", ticket, {"out_trade_no": order["out_trade_no"], "until": until})
    return {"prepay_id" if order["trade_type"] == "JSAPI" else "code_url": ticket}


def find(world: World, out_trade_no: str) -> Record | None:
    """An order as it stands now: past its time_expire an unpaid one is closed."""
    order = world.store.get("order", out_trade_no)
    if order is None or order["trade_state"] != "NOTPAY" or not order["time_expire"]:
        return order
    if datetime.fromisoformat(order["time_expire"]) <= world.clock.now():
        order["trade_state"] = "CLOSED"
        save(world, order)
    return order


def existing(world: World, out_trade_no: str) -> Record:
    order = find(world, out_trade_no)
    if order is None:
        raise PayError(404, "ORDER_NOT_EXIST", "no such order")
    return order


def save(world: World, order: Record) -> None:
    world.store.put("order", order["out_trade_no"], order)


def close(world: World, out_trade_no: str) -> None:
    order = existing(world, out_trade_no)
    if order["trade_state"] in ("SUCCESS", "REFUND"):
        raise PayError(400, "ORDERPAID", "the order is paid")
    if order["trade_state"] == "ACCEPT":
        raise PayError(400, "USERPAYING", "the charge is being carried out")
    if order["trade_state"] == "PAYERROR":
        return
    save(world, order | {"trade_state": "CLOSED"})


def view(world: World, order: Record) -> Record:
    """What a query answers and a notice says."""
    seen: Record = {
        "appid": world.config.appid,
        "mchid": world.config.mchid,
        "out_trade_no": order["out_trade_no"],
        "trade_state": order["trade_state"],
        "trade_state_desc": order.get("trade_state_desc") or DESCRIPTIONS[order["trade_state"]],
        "attach": order["attach"],
    }
    if not order["transaction_id"]:
        return seen
    return seen | {
        "transaction_id": order["transaction_id"],
        "trade_type": order["trade_type"],
        "bank_type": "OTHERS",
        "success_time": order["success_time"],
        "payer": {"openid": order["openid"]},
        "amount": {
            "total": order["total"],
            "payer_total": order["total"],
            "currency": "CNY",
            "payer_currency": "CNY",
        },
    }
