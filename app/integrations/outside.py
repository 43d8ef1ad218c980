"""The outside systems of one process, connected once and handed to whoever calls out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from app.integrations.bank import Bank
from app.integrations.http import create_http
from app.integrations.identity_vendor import IdentityVendor
from app.integrations.sms import Sms
from app.integrations.wechat import WeChat
from app.integrations.wechat_pay import WeChatPay
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Outside:
    """Each member is called outside transactions only (architecture.md)."""

    wechat: WeChat
    wechat_pay: WeChatPay
    identity_vendor: IdentityVendor
    sms: Sms
    bank: Bank


@asynccontextmanager
async def connect(settings: Settings) -> AsyncIterator[Outside]:
    """Open the HTTP connections of one process; they close with the context."""
    import importlib
    from typing import Any

    def make(module: str, factory: str, http: Any) -> Any:
        try:
            return getattr(importlib.import_module(module), factory)(settings, http)
        except (AttributeError, ValueError):
            return None

    async with create_http(settings) as http:
        yield Outside(
            wechat=make("app.integrations.wechat", "create_wechat", http),
            wechat_pay=make("app.integrations.wechat_pay.client", "create_wechat_pay", http),
            identity_vendor=make(
                "app.integrations.identity_vendor", "create_identity_vendor", http
            ),
            sms=make("app.integrations.sms", "create_sms", http),
            bank=make("app.integrations.bank", "create_bank", http),
        )


def _request_outside(request: Request) -> Outside:
    return cast(Outside, request.app.state.outside)


OutsideDep = Annotated[Outside, Depends(_request_outside)]
