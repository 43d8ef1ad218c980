"""Refunds: taken at once, finished a moment later, told by a notice."""

from typing import Any, Literal

import msgspec

from app.simulators.store import Record
from app.simulators.wechat_pay import forms, notices, orders
from app.simulators.wechat_pay.forms import PayError
from app.simulators.world import World

MAX_REFUNDS = 50


def request(world: World, form: forms.RefundForm) -> Record:
    """Answer a refund request; the same one again gives the refund as it now stands."""
    if form.notify_url:
        forms.check_url(form.notify_url)
    known = world.store.get("refund", form.out_refund_no)
    if known is not None:
        if known["fingerprint"] != forms.fingerprint(form):
            raise PayError(400, "INVALID_REQUEST", "the number was used with other content")
        return view(known)
    order = _order(world, form)
    if order["trade_state"] not in ("SUCCESS", "REFUND"):
        raise PayError(400, "INVALID_REQUEST", "the order is not paid")
    if form.amount.total != order["total"]:
        raise PayError(400, "INVALID_REQUEST", "total differs from the order's amount")
    if order["refunded"] + form.amount.refund > order["total"]:
        raise PayError(400, "INVALID_REQUEST", "more than was paid")
    if len(world.store.children("refund", order["out_trade_no"])) >= MAX_REFUNDS:
        raise PayError(400, "INVALID_REQUEST", "too many refunds of one order")
    return view(_take(world, form, order))


def _order(world: World, form: forms.RefundForm) -> Record:
    if form.out_trade_no:
        order = orders.find(world, form.out_trade_no)
    else:
        known = world.store.get("transaction", form.transaction_id)
        order = orders.find(world, known["out_trade_no"]) if known else None
    if order is None:
        raise PayError(404, "RESOURCE_NOT_EXISTS", "no such order")
    return order


def _take(world: World, form: forms.RefundForm, order: Record) -> Record:
    outcome = world.store.get("next", "refund") or {"state": "SUCCESS", "seconds": None}
    world.store.delete("next", "refund")
    refund: Record = {
        "out_refund_no": form.out_refund_no,
        "refund_id": orders.digits("5030", 29),
        "out_trade_no": order["out_trade_no"],
        "transaction_id": order["transaction_id"],
        "refund": form.amount.refund,
        "total": order["total"],
        "notify_url": form.notify_url,
        "fingerprint": forms.fingerprint(form),
        "create_time": orders.local(world.clock.now()),
        "success_time": "",
        "status": "PROCESSING",
        "outcome": outcome["state"],
        "behaviour": outcome.get("behaviour"),
    }
    world.store.put("refund", form.out_refund_no, refund, order["out_trade_no"])
    orders.save(
        world,
        order | {"trade_state": "REFUND", "refunded": order["refunded"] + form.amount.refund},
    )
    seconds = outcome["seconds"]
    wait = world.config.refund_seconds if seconds is None else seconds
    world.timers.set("refund", form.out_refund_no, wait)
    return refund


async def finish(world: World, out_refund_no: str) -> None:
    """The bank has answered: success, or ABNORMAL/CLOSED if that was asked for."""
    refund = world.store.get("refund", out_refund_no)
    if refund is None or refund["status"] != "PROCESSING":
        return
    now = orders.local(world.clock.now())
    refund["status"] = refund["outcome"]
    if refund["status"] == "SUCCESS":
        refund["success_time"] = now
        world.store.put("refunded", out_refund_no, {"out_refund_no": out_refund_no}, now[:10])
    world.store.put("refund", out_refund_no, refund)
    if refund["notify_url"]:
        how = msgspec.convert(refund["behaviour"] or {}, notices.Behaviour)
        notices.queue(
            world,
            url=refund["notify_url"],
            event_type=f"REFUND.{refund['status']}",
            original_type="refund",
            resource=_notice(world, refund),
            parent=refund["out_trade_no"],
            how=how,
        )


def query(world: World, out_refund_no: str) -> Record:
    refund = world.store.get("refund", out_refund_no)
    if refund is None:
        raise PayError(404, "RESOURCE_NOT_EXISTS", "no such refund")
    return view(refund)


def _amount(refund: Record) -> Record:
    return {
        "total": refund["total"],
        "refund": refund["refund"],
        "payer_total": refund["total"],
        "payer_refund": refund["refund"],
    }


def view(refund: Record) -> Record:
    """What a request and a query answer."""
    seen: Record = {
        "refund_id": refund["refund_id"],
        "out_refund_no": refund["out_refund_no"],
        "transaction_id": refund["transaction_id"],
        "out_trade_no": refund["out_trade_no"],
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": refund["create_time"],
        "status": refund["status"],
        "amount": _amount(refund)
        | {
            "settlement_total": refund["total"],
            "settlement_refund": refund["refund"],
            "discount_refund": 0,
            "currency": "CNY",
        },
    }
    return seen | ({"success_time": refund["success_time"]} if refund["success_time"] else {})


def _notice(world: World, refund: Record) -> Record:
    said: Record = {
        "mchid": world.config.mchid,
        "transaction_id": refund["transaction_id"],
        "out_trade_no": refund["out_trade_no"],
        "refund_id": refund["refund_id"],
        "out_refund_no": refund["out_refund_no"],
        "refund_status": refund["status"],
        "user_received_account": "支付用户零钱",
        "amount": _amount(refund),
    }
    return said | ({"success_time": refund["success_time"]} if refund["success_time"] else {})


class NextRefundForm(msgspec.Struct, forbid_unknown_fields=True):
    """What becomes of the next refund that is asked for, and how its notice comes."""

    state: Literal["SUCCESS", "ABNORMAL", "CLOSED"] = "SUCCESS"
    seconds: float | None = None
    behaviour: notices.Word | notices.Behaviour = "normal"


def choose_next(world: World, form: NextRefundForm) -> dict[str, Any]:
    chosen = {
        "state": form.state,
        "seconds": form.seconds,
        "behaviour": msgspec.to_builtins(notices.behaviour(form.behaviour)),
    }
    world.store.put("next", "refund", chosen)
    return chosen
