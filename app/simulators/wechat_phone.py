"""What a WeChat user does: log in, press the phone button, allow messages, read them."""

import hashlib
import re
import secrets
from datetime import timedelta
from functools import partial
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from starlette.routing import Route

from app.simulators.store import Record
from app.simulators.world import ControlError, World, control

MOBILE = re.compile(r"\A\+861\d{10}\Z")
OUTCOMES = {"": 0, "busy": -1, "high_risk": 40226, "too_often": 45011}


class CodesForm(msgspec.Struct, forbid_unknown_fields=True):
    """Whose codes; a phone always has the same openid. `name` is the wallet's real name."""

    phone: str
    name: str = ""
    outcome: Literal["", "busy", "high_risk", "too_often"] = ""
    watermark_appid: str = ""


class ConsentForm(msgspec.Struct, forbid_unknown_fields=True):
    """The user allows `count` more messages of one template."""

    openid: str
    template_id: str
    count: Annotated[int, Meta(ge=1, le=100)] = 1


class MessagesForm(msgspec.Struct, forbid_unknown_fields=True):
    openid: str


def control_routes(world: World) -> list[Route]:
    return [
        control("/wechat/codes", CodesForm, partial(_codes, world)),
        control("/wechat/consents", ConsentForm, partial(_consent, world)),
        control("/wechat/messages/list", MessagesForm, partial(_messages, world)),
    ]


def _codes(world: World, form: CodesForm) -> dict[str, str]:
    """A js_code and a phone code, each good once and for five minutes."""
    if not MOBILE.match(form.phone):
        raise ControlError(400, "phone must be a mainland mobile number, +861…")
    user = _user(world, form)
    until = world.clock.now() + timedelta(seconds=world.config.code_seconds)
    js_code, phone_code = f"js{secrets.token_hex(15)}", f"ph{secrets.token_hex(15)}"
    common = {"until": until.isoformat()}
    login = common | {"openid": user["openid"], "unionid": user["unionid"]}
    world.store.put("js-code", js_code, login | {"outcome": OUTCOMES[form.outcome]})
    number = common | {"phone": form.phone, "watermark_appid": form.watermark_appid}
    world.store.put("phone-code", phone_code, number)
    ids = {"openid": user["openid"], "unionid": user["unionid"]}
    return ids | {"js_code": js_code, "phone_code": phone_code}


def _user(world: World, form: CodesForm) -> Record:
    seed = f"{world.config.appid} {world.config.wechat_secret} {form.phone}".encode()
    digest = hashlib.sha256(seed).hexdigest()
    user = {"openid": f"o{digest[:27]}", "unionid": f"u{digest[27:54]}", "name": form.name}
    known = world.store.get("openid", user["openid"])
    if known is not None and not form.name:
        return known
    world.store.put("openid", user["openid"], user)
    return user


def _consent(world: World, form: ConsentForm) -> dict[str, int]:
    key = f"{form.openid} {form.template_id}"
    left = (world.store.get("consent", key) or {"left": 0})["left"] + form.count
    world.store.put("consent", key, {"left": left})
    return {"left": left}


def _messages(world: World, form: MessagesForm) -> dict[str, list[Record]]:
    return {"messages": world.store.children("message", form.openid)}
