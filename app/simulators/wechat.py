"""WeChat's open platform: tokens, login and phone codes, mini-program codes, messages."""

import io
import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import segno
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.simulators.store import Record
from app.simulators.world import World

SCENE = re.compile(r"\A[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]{1,32}\Z")
PAGE = re.compile(r"\A[0-9A-Za-z_\-]+(/[0-9A-Za-z_\-]+)*\Z")
THING = 20


class WeChatError(Exception):
    """A refusal in WeChat's shape: status 200, `{"errcode": …, "errmsg": …}`."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(errmsg)
        self.errcode = errcode
        self.errmsg = errmsg


class TokenForm(msgspec.Struct):
    grant_type: str
    appid: str
    secret: str
    force_refresh: bool = False


class PhoneForm(msgspec.Struct):
    code: str


class CodeForm(msgspec.Struct):
    scene: str
    page: str = ""
    check_path: bool = True
    env_version: str = "release"


class Value(msgspec.Struct):
    value: str


class MessageForm(msgspec.Struct):
    touser: str
    template_id: str
    data: dict[str, Value]
    page: str = ""
    miniprogram_state: str = "formal"
    lang: str = "zh_CN"


def routes(world: World) -> list[Route]:
    """What the service calls."""
    return [
        _door("GET", "/sns/jscode2session", partial(_session, world)),
        _door("POST", "/cgi-bin/stable_token", partial(_token, world)),
        _door("POST", "/wxa/business/getuserphonenumber", partial(_phone, world)),
        _door("POST", "/wxa/getwxacodeunlimit", partial(_picture, world)),
        _door("POST", "/cgi-bin/message/subscribe/send", partial(_message, world)),
    ]


def _door(method: str, path: str, act: Callable[[Request, bytes], Any]) -> Route:
    async def endpoint(request: Request) -> Response:
        body = await request.body()
        fault = request.scope.get("fault")
        try:
            if fault is not None and fault.mode == "code":
                raise WeChatError(int(fault.code), fault.message)
            answer = act(request, body)
        except WeChatError as error:
            answer = {"errcode": error.errcode, "errmsg": error.errmsg}
        except msgspec.DecodeError:
            answer = {"errcode": 47001, "errmsg": "data format error"}
        return answer if isinstance(answer, Response) else JSONResponse(answer)

    return Route(path, endpoint, methods=[method])


def _session(world: World, request: Request, _: bytes) -> Any:
    asked, config = request.query_params, world.config
    if asked.get("appid") != config.appid:
        raise WeChatError(40013, "invalid appid")
    if asked.get("secret") != config.wechat_secret:
        raise WeChatError(40125, "invalid appsecret")
    code = _use_code(world, "js-code", asked.get("js_code", ""))
    if code["outcome"]:
        raise WeChatError(code["outcome"], "asked for through the control door")
    return {
        "openid": code["openid"],
        "unionid": code["unionid"],
        "session_key": secrets.token_hex(12),
    }


def _use_code(world: World, kind: str, code: str) -> Record:
    known = world.store.get(kind, code)
    world.store.delete(kind, code)
    if known is None or datetime.fromisoformat(known["until"]) <= world.clock.now():
        raise WeChatError(40029, "invalid code")
    return known


def _token(world: World, _: Request, body: bytes) -> Any:
    """The stable token: the same one for everybody until it ends or is forced to change."""
    form = msgspec.json.decode(body, type=TokenForm)
    if form.appid != world.config.appid:
        raise WeChatError(40013, "invalid appid")
    if form.secret != world.config.wechat_secret:
        raise WeChatError(40001, "invalid credential")
    now = world.clock.now()
    known = world.store.get("token", "current")
    if known is None or form.force_refresh or datetime.fromisoformat(known["until"]) <= now:
        until = now + timedelta(seconds=world.config.access_token_seconds)
        known = {"token": secrets.token_urlsafe(48), "until": until.isoformat()}
        world.store.put("token", "current", known)
    left = datetime.fromisoformat(known["until"]) - now
    return {"access_token": known["token"], "expires_in": int(left.total_seconds())}


def _check_token(world: World, request: Request) -> None:
    known = world.store.get("token", "current")
    if known is None or request.query_params.get("access_token") != known["token"]:
        raise WeChatError(40001, "invalid credential, access_token is invalid or not latest")
    if datetime.fromisoformat(known["until"]) <= world.clock.now():
        raise WeChatError(42001, "access_token expired")


def _phone(world: World, request: Request, body: bytes) -> Any:
    _check_token(world, request)
    form = msgspec.json.decode(body, type=PhoneForm)
    code = _use_code(world, "phone-code", form.code)
    phone: str = code["phone"]
    return {
        "errcode": 0,
        "errmsg": "ok",
        "phone_info": {
            "phoneNumber": phone.removeprefix("+86"),
            "purePhoneNumber": phone.removeprefix("+86"),
            "countryCode": "86",
            "watermark": {
                "timestamp": int(world.clock.now().timestamp()),
                "appid": code["watermark_appid"] or world.config.appid,
            },
        },
    }


def _picture(world: World, request: Request, body: bytes) -> Any:
    """Not WeChat's round code but a QR code that says scene and page."""
    _check_token(world, request)
    form = msgspec.json.decode(body, type=CodeForm)
    if not SCENE.match(form.scene):
        raise WeChatError(40169, "invalid length for scene, or the data is not json string")
    if form.page and not PAGE.match(form.page):
        raise WeChatError(41030, "invalid page")
    picture = io.BytesIO()
    segno.make(f"{form.page}?scene={form.scene}", error="m").save(picture, kind="png", scale=6)
    return Response(picture.getvalue(), media_type="image/png")


def _message(world: World, request: Request, body: bytes) -> Any:
    _check_token(world, request)
    form = msgspec.json.decode(body, type=MessageForm)
    if world.store.get("openid", form.touser) is None:
        raise WeChatError(40003, "invalid openid")
    for name, value in form.data.items():
        if not value.value or (name.startswith("thing") and len(value.value) > THING):
            raise WeChatError(47003, f"argument invalid! data.{name}.value")
    consent = f"{form.touser} {form.template_id}"
    known = world.store.get("consent", consent) or {"left": 0}
    if known["left"] < 1:
        raise WeChatError(43101, "user refuse to accept the msg")
    world.store.put("consent", consent, {"left": known["left"] - 1})
    sent = msgspec.to_builtins(form)
    world.store.put("message", secrets.token_hex(8), sent, form.touser)
    return {"errcode": 0, "errmsg": "ok", "msgid": secrets.randbelow(10**15)}
