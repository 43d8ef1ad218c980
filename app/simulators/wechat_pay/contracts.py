"""Payment agreements (委托代扣): asked for, confirmed on the phone, ended by either side, charged.

Names and paths follow the published v3 interface; its amounts, deadlines and the order in
which a merchant must announce a charge depend on the admission, and are not simulated.
"""

import secrets
from datetime import timedelta
from typing import Any, Literal

import msgspec

from app.simulators.store import Record
from app.simulators.wechat_pay import forms, notices, orders
from app.simulators.wechat_pay.contract_forms import ChargeForm, SignForm
from app.simulators.wechat_pay.forms import PayError
from app.simulators.world import ControlError, World

# Why money could not be taken; WeChat's own words.
Refusal = Literal["NOTENOUGH", "USER_ACCOUNT_ABNORMAL", "BANKERROR", "CONTRACT_TERMINATED"]


def request(world: World, form: SignForm) -> Record:
    """Begin an agreement; the same request again gives the same ticket while it lasts."""
    if form.appid != world.config.appid:
        raise PayError(400, "APPID_MCHID_NOT_MATCH", "appid and mchid do not belong together")
    if form.plan_id != world.config.agreement_plan_id:
        raise PayError(403, "NO_AUTH", "the merchant is not admitted to this template")
    forms.check_url(form.contract_notify_url)
    content = forms.fingerprint(form)
    known = _find(world, form.out_contract_code)
    if known is None:
        known = _ask(world, form, content)
    elif known["fingerprint"] != content:
        raise PayError(400, "INVALID_REQUEST", "the code was used with other content")
    elif known["contract_state"] != "":
        raise PayError(400, "CONTRACT_EXISTED", "the agreement is signed or over")
    return {
        "pre_entrustweb_id": known["ticket"],
        "redirect_appid": "wxbd687630cd02ce1d",
        "redirect_path": f"pages/index/index?pre_entrustweb_id={known['ticket']}",
    }


def _ask(world: World, form: SignForm, content: str) -> Record:
    until = world.clock.now() + timedelta(seconds=world.config.agreement_sign_seconds)
    contract: Record = {
        **msgspec.to_builtins(form),
        "fingerprint": content,
        "ticket": f"pre{secrets.token_hex(14)}",
        "until": until.isoformat(),
        "contract_id": "",
        "contract_state": "",
        "contract_signed_time": "",
        "contract_termination_mode": "",
        "contract_terminated_time": "",
    }
    _save(world, contract)
    number = {"out_contract_code": form.out_contract_code}
    world.store.put("contract-ticket", contract["ticket"], number)
    return contract


def existing(world: World, plan_id: str, out_contract_code: str) -> Record:
    """A signed or ended agreement; what nobody confirmed does not exist for queries."""
    contract = _find(world, out_contract_code)
    if contract is None or not contract["contract_state"] or plan_id != str(contract["plan_id"]):
        raise PayError(404, "CONTRACT_NOT_EXIST", "no such agreement")
    return contract


def end(world: World, contract: Record, how: notices.Behaviour, by: str) -> None:
    """Over, by the user (`USER_TERMINATE`) or the merchant, and the notice that says so."""
    if contract["contract_state"] == "TERMINATED":
        return
    contract |= {
        "contract_state": "TERMINATED",
        "contract_termination_mode": by,
        "contract_terminated_time": orders.local(world.clock.now()),
    }
    _save(world, contract)
    _tell(world, contract, "PAPAY.TERMINATE", how)


def seen(world: World, contract: Record) -> Record:
    """What a query answers and a notice says."""
    names = (
        *("contract_id", "plan_id", "out_contract_code", "contract_display_account"),
        *("contract_state", "contract_signed_time", "openid"),
    )
    answer: Record = {"mchid": world.config.mchid, "appid": world.config.appid}
    answer |= {name: contract[name] for name in names}
    if contract["contract_state"] == "TERMINATED":
        answer["contract_terminate_info"] = {
            "contract_termination_mode": contract["contract_termination_mode"],
            "contract_terminated_time": contract["contract_terminated_time"],
        }
    return answer


def charge(world: World, form: ChargeForm) -> Record:
    """Accept a charge, to be carried out in a moment; the same one again is the same one."""
    if form.appid != world.config.appid:
        raise PayError(400, "APPID_MCHID_NOT_MATCH", "appid and mchid do not belong together")
    forms.check_url(form.transaction_notify_url)
    content = forms.fingerprint(form) + "PAP"
    known = orders.find(world, form.out_trade_no)
    if known is not None and known["fingerprint"] != content:
        raise PayError(403, "OUT_TRADE_NO_USED", "the number was used with other content")
    if known is None:
        number = world.store.get("contract-id", form.contract_id)
        contract = _find(world, number["out_contract_code"]) if number else None
        if contract is None:
            raise PayError(404, "CONTRACT_NOT_EXIST", "no such agreement")
        if contract["contract_state"] != "ADD":
            raise PayError(400, "CONTRACT_TERMINATED", "the agreement is over")
        _take(world, form, contract, content)
    return {"out_trade_no": form.out_trade_no, "amount": msgspec.to_builtins(form.amount)}


def _take(world: World, form: ChargeForm, contract: Record, content: str) -> None:
    chosen = world.store.get("next", "charge") or {}
    world.store.delete("next", "charge")
    orders.save(
        world,
        {
            "out_trade_no": form.out_trade_no,
            "trade_type": "PAP",
            "description": form.description,
            "attach": form.attach,
            "total": form.amount.total,
            "notify_url": form.transaction_notify_url,
            "time_expire": "",
            "wanted_openid": contract["openid"],
            "fingerprint": content,
            "trade_state": "ACCEPT",
            "transaction_id": "",
            "success_time": "",
            "openid": contract["openid"],
            "refunded": 0,
            "outcome": chosen.get("refusal", ""),
            "behaviour": chosen.get("behaviour"),
        },
    )
    seconds = chosen.get("seconds")
    wait = world.config.charge_seconds if seconds is None else seconds
    world.timers.set("charge", form.out_trade_no, wait)


async def finish(world: World, out_trade_no: str) -> None:
    """The money is taken, or it is not there; either way a notice says so."""
    order = world.store.get("order", out_trade_no)
    if order is None or order["trade_state"] != "ACCEPT":
        return
    now = orders.local(world.clock.now())
    if order["outcome"]:
        order |= {"trade_state": "PAYERROR", "trade_state_desc": order["outcome"]}
    else:
        order |= {
            "trade_state": "SUCCESS",
            "transaction_id": orders.digits("4200", 28),
            "success_time": now,
        }
        number = {"out_trade_no": out_trade_no}
        world.store.put("transaction", order["transaction_id"], number, now[:10])
    orders.save(world, order)
    failed = order["trade_state"] == "PAYERROR"
    notices.queue(
        world,
        url=order["notify_url"],
        event_type="TRANSACTION.PAY_FAIL" if failed else "TRANSACTION.SUCCESS",
        original_type="transaction",
        resource=orders.view(world, order),
        parent=out_trade_no,
        how=msgspec.convert(order["behaviour"] or {}, notices.Behaviour),
    )


def _find(world: World, out_contract_code: str) -> Record | None:
    return world.store.get("contract", out_contract_code)


def _save(world: World, contract: Record) -> None:
    world.store.put("contract", contract["out_contract_code"], contract)


def _tell(world: World, contract: Record, event_type: str, how: notices.Behaviour) -> None:
    notices.queue(
        world,
        url=contract["contract_notify_url"],
        event_type=event_type,
        original_type="contract",
        resource=seen(world, contract),
        parent=contract["out_contract_code"],
        how=how,
    )


class ContractChoice(msgspec.Struct, forbid_unknown_fields=True):
    """Which agreement, whose phone, and how the notice comes."""

    pre_entrustweb_id: str = ""
    out_contract_code: str = ""
    openid: str = ""
    behaviour: notices.Word | notices.Behaviour = "normal"


def sign(world: World, form: ContractChoice) -> dict[str, Any]:
    """The user confirms the agreement."""
    contract = _chosen(world, form)
    if contract["contract_state"]:
        raise ControlError(409, f"the agreement is {contract['contract_state']}")
    if contract["until"] <= world.clock.now().isoformat():
        raise ControlError(409, "the ticket is too old")
    contract |= {
        "contract_id": orders.digits("2026", 28),
        "contract_state": "ADD",
        "contract_signed_time": orders.local(world.clock.now()),
    }
    number = {"out_contract_code": contract["out_contract_code"]}
    world.store.put("contract-id", contract["contract_id"], number)
    _save(world, contract)
    _tell(world, contract, "PAPAY.SIGN", notices.behaviour(form.behaviour))
    return {**number, "contract_state": "ADD"}


def end_by_user(world: World, form: ContractChoice) -> dict[str, Any]:
    """The user ends the agreement in WeChat's own settings."""
    contract = _chosen(world, form)
    if contract["contract_state"] != "ADD":
        raise ControlError(409, "the agreement is not in force")
    end(world, contract, notices.behaviour(form.behaviour), "USER_TERMINATE")
    return {"out_contract_code": contract["out_contract_code"], "contract_state": "TERMINATED"}


def _chosen(world: World, form: ContractChoice) -> Record:
    ticket = world.store.get("contract-ticket", form.pre_entrustweb_id)
    number = ticket["out_contract_code"] if ticket else form.out_contract_code
    contract = _find(world, number)
    if contract is None:
        raise ControlError(404, "no such agreement")
    if form.openid and form.openid != contract["openid"]:
        raise ControlError(403, "the agreement belongs to another WeChat user")
    return contract


class NextChargeForm(msgspec.Struct, forbid_unknown_fields=True):
    """What becomes of the next charge, after how long, and how its notice comes."""

    refusal: Refusal | Literal[""] = ""
    seconds: float | None = None
    behaviour: notices.Word | notices.Behaviour = "normal"


def choose_next(world: World, form: NextChargeForm) -> dict[str, Any]:
    chosen = {
        "refusal": form.refusal,
        "seconds": form.seconds,
        "behaviour": msgspec.to_builtins(notices.behaviour(form.behaviour)),
    }
    world.store.put("next", "charge", chosen)
    return chosen


class ChargeChoice(msgspec.Struct, forbid_unknown_fields=True):
    """Which charge."""

    out_trade_no: str


def finish_now(world: World, form: ChargeChoice) -> dict[str, Any]:
    """A charge that takes its time is carried out within a moment."""
    order = world.store.get("order", form.out_trade_no)
    if order is None or order["trade_state"] != "ACCEPT":
        raise ControlError(409, "no such charge is under way")
    world.timers.set("charge", form.out_trade_no, 0.0)
    return {"out_trade_no": form.out_trade_no}
