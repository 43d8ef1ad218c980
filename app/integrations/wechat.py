"""WeChat's open platform: login, phone number, mini-program code, subscribe message."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

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
    foreign_watermark, bad_scene, bad_page, bad_openid, bad_credentials, wechat_<errcode>.
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
