"""WeChat's open platform: login, phone number, mini-program code, subscribe message."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

import httpx
import msgspec

from app.integrations.errors import OutcomeUnknown, Refused, Unreachable
from app.integrations.http import call
from app.settings import Settings

SYSTEM = "wechat"
BUSY = -1
# The access token is wrong, no longer the latest, or has run out.
TOKEN_ERRORS = frozenset({40001, 40014, 42001})
# A token is renewed this long before WeChat says that it ends.
RENEW_BEFORE_SECONDS = 300.0
CODES = {
    40029: "bad_code",
    40163: "bad_code",
    40226: "high_risk_user",
    45011: "too_often",
    45009: "too_often",
    43101: "not_subscribed",
    40169: "bad_scene",
    41030: "bad_page",
    40003: "bad_openid",
    40013: "bad_credentials",
    40125: "bad_credentials",
    40001: "bad_credentials",
    47003: "bad_values",
}

Wire = TypeVar("Wire", bound=msgspec.Struct)

MiniProgramState = Literal["developer", "trial", "formal"]


@dataclass(frozen=True, slots=True)
class WeChatSession:
    """Who logged in; the session_key stays inside the adapter."""

    openid: str = field(repr=False)
    unionid: str | None = field(default=None, repr=False)


class WeChat(Protocol):
    """Calls raise `Unreachable` (also when WeChat says it is busy), `OutcomeUnknown` or
    `Refused` with one of the codes:

    bad_code (unknown, used or expired), high_risk_user, too_often, not_subscribed,
    foreign_watermark, bad_scene, bad_page, bad_openid, bad_values, bad_credentials,
    wechat_<errcode>.
    """

    async def code_to_session(self, js_code: str) -> WeChatSession:
        """Exchange the single-use code of `wx.login`."""
        ...

    async def phone_number(self, code: str) -> str:
        """Exchange the single-use code of the phone button; E.164, `+8613800000000`."""
        ...

    async def mini_program_code(self, scene: str, page: str) -> bytes:
        """A picture of the mini-program code; `scene` ≤ 32, `page` without leading slash."""
        ...

    async def send_subscribe_message(
        self,
        openid: str,
        template_id: str,
        values: Mapping[str, str],
        *,
        page: str = "",
        state: MiniProgramState = "formal",
        language: Literal["zh_CN", "en_US"] = "zh_CN",
    ) -> None:
        """Send one message, using up one consent; `Refused("not_subscribed")` without one."""
        ...


class _ErrorWire(msgspec.Struct):
    errcode: int = 0
    errmsg: str = ""


class _SessionWire(msgspec.Struct):
    openid: str
    unionid: str = ""


class _TokenWire(msgspec.Struct):
    access_token: str
    expires_in: int


class _WatermarkWire(msgspec.Struct):
    appid: str


class _PhoneInfoWire(msgspec.Struct):
    # WeChat has sent the country code as a number as well as a text.
    purePhoneNumber: str
    countryCode: str | int
    watermark: _WatermarkWire


class _PhoneWire(msgspec.Struct):
    phone_info: _PhoneInfoWire


def create_wechat(settings: Settings, http: httpx.AsyncClient) -> WeChat:
    """WeChat's platform at `wechat_base_url`, for the mini-program `wechat_appid`."""
    return Client(settings, http)


class Client:
    """`WeChat` over HTTP; holds the access token that most calls need."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._settings = settings
        self._http = http
        self._token: str | None = None
        self._token_until = 0.0
        self._renewing = asyncio.Lock()

    async def code_to_session(self, js_code: str) -> WeChatSession:
        parameters = {
            "appid": self._settings.wechat_appid,
            "secret": self._settings.wechat_secret.get_secret_value(),
            "js_code": js_code,
            "grant_type": "authorization_code",
        }
        response = await self._send("GET", "/sns/jscode2session", parameters)
        session = _read(response, _SessionWire)
        return WeChatSession(session.openid, session.unionid or None)

    async def phone_number(self, code: str) -> str:
        response = await self._with_token("/wxa/business/getuserphonenumber", {"code": code})
        info = _read(response, _PhoneWire).phone_info
        if info.watermark.appid != self._settings.wechat_appid:
            raise Refused(SYSTEM, "foreign_watermark")
        return f"+{info.countryCode}{info.purePhoneNumber}"

    async def mini_program_code(self, scene: str, page: str) -> bytes:
        body = {"scene": scene, "page": page, "check_path": False}
        response = await self._with_token("/wxa/getwxacodeunlimit", body)
        if not response.headers.get("content-type", "").startswith("image/"):
            raise OutcomeUnknown(SYSTEM, "answer not understood")
        return response.content

    async def send_subscribe_message(
        self,
        openid: str,
        template_id: str,
        values: Mapping[str, str],
        *,
        page: str = "",
        state: MiniProgramState = "formal",
        language: Literal["zh_CN", "en_US"] = "zh_CN",
    ) -> None:
        body = {
            "touser": openid,
            "template_id": template_id,
            "page": page,
            "data": {name: {"value": value} for name, value in values.items()},
            "miniprogram_state": state,
            "lang": language,
        }
        await self._with_token("/cgi-bin/message/subscribe/send", body)

    async def _with_token(self, path: str, body: Any) -> httpx.Response:
        """POST with the access token; one more try with a new token if that one is refused."""
        content = msgspec.json.encode(body)
        token = await self._access_token()
        try:
            return await self._send("POST", path, {"access_token": token}, content)
        except _TokenRefused:
            # A refused token means that nothing was done, so that this is no second effect.
            token = await self._access_token(refused=token)
        try:
            return await self._send("POST", path, {"access_token": token}, content)
        except _TokenRefused as error:
            raise Refused(SYSTEM, "bad_credentials", error.message) from error

    async def _access_token(self, refused: str | None = None) -> str:
        """The token of this process; many callers wait for one renewal.

        Asks for the *stable* token: the older kind is one per mini-program, and each
        process that fetched it would end the token of all others.
        """
        if self._token and self._token != refused and time.monotonic() < self._token_until:
            return self._token
        async with self._renewing:
            if self._token and self._token != refused and time.monotonic() < self._token_until:
                return self._token
            token = await self._fetch_token(force=False)
            if token.access_token == refused:
                # Nobody has renewed it yet. Forcing is rationed, so it comes second.
                token = await self._fetch_token(force=True)
            self._token = token.access_token
            lasting = max(token.expires_in - RENEW_BEFORE_SECONDS, token.expires_in / 2)
            self._token_until = time.monotonic() + lasting
            return self._token

    async def _fetch_token(self, *, force: bool) -> _TokenWire:
        body = {
            "grant_type": "client_credential",
            "appid": self._settings.wechat_appid,
            "secret": self._settings.wechat_secret.get_secret_value(),
            "force_refresh": force,
        }
        try:
            response = await self._send(
                "POST", "/cgi-bin/stable_token", {}, msgspec.json.encode(body)
            )
        except _TokenRefused as error:
            raise Refused(SYSTEM, "bad_credentials", error.message) from error
        return _read(response, _TokenWire)

    async def _send(
        self, method: str, path: str, parameters: Mapping[str, str], content: bytes | None = None
    ) -> httpx.Response:
        """One call; WeChat says no with status 200 and an errcode."""
        response = await call(
            self._http,
            SYSTEM,
            method,
            f"{self._settings.wechat_base_url.rstrip('/')}{path}",
            seconds=self._settings.outbound_timeout,
            content=content,
            params=parameters,
        )
        if response.status_code != 200:
            raise OutcomeUnknown(SYSTEM, f"status {response.status_code}")
        if response.content.startswith(b"{"):
            _check(_read(response, _ErrorWire))
        return response


class _TokenRefused(Refused):
    """Inside this module only."""


def _check(error: _ErrorWire) -> None:
    if error.errcode == 0:
        return
    if error.errcode == BUSY:
        raise Unreachable(SYSTEM, "busy (-1)")
    kind = _TokenRefused if error.errcode in TOKEN_ERRORS else Refused
    code = CODES.get(error.errcode, f"wechat_{error.errcode}")
    raise kind(SYSTEM, code, error.errmsg)


def _read(response: httpx.Response, shape: type[Wire]) -> Wire:
    try:
        return msgspec.json.decode(response.content, type=shape)
    except msgspec.DecodeError as error:
        raise OutcomeUnknown(SYSTEM, "answer not understood") from error
