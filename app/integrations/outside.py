"""The outside systems of one process, connected once and handed to whoever calls out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, cast

import structlog
from fastapi import Depends, Request

from app.integrations.bank import Bank, create_bank
from app.integrations.errors import OutsideError
from app.integrations.http import create_http
from app.integrations.identity_vendor import IdentityVendor, create_identity_vendor
from app.integrations.sms import Sms, create_sms
from app.integrations.wechat import WeChat, create_wechat
from app.integrations.wechat_pay import WeChatPay, create_wechat_pay
from app.settings import Settings

log = structlog.get_logger("outside")

CERTIFICATES_EVERY = timedelta(hours=12)
# Anybody may send a notice that names a made-up serial number: this bounds what it costs.
CERTIFICATES_AT_MOST_EVERY = timedelta(minutes=5)


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
    """Open the HTTP connections of one process; they close with the context.

    Raises ValueError that names the setting which is missing or wrong.
    """
    async with create_http(settings) as http:
        yield Outside(
            wechat=create_wechat(settings, http),
            wechat_pay=create_wechat_pay(settings, http),
            identity_vendor=create_identity_vendor(settings, http),
            sms=create_sms(settings, http),
            bank=create_bank(settings, http),
        )


async def keep_certificates(outside: Outside) -> None:
    """Learn the gateway's next certificate: twice a day, and when a message names an unknown one.

    That message is refused all the same; the gateway sends it again. A failure keeps what is
    known; a merchant with a named public key has nothing to learn.
    """
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(CERTIFICATES_EVERY.total_seconds()):
                await outside.wechat_pay.unknown_serial()
        try:
            await outside.wechat_pay.refresh_platform_certificates()
        except OutsideError as error:
            log.warning("certificates not refreshed", error=type(error).__name__)
        await asyncio.sleep(CERTIFICATES_AT_MOST_EVERY.total_seconds())


async def _request_outside(request: Request) -> Outside:
    return cast(Outside, request.app.state.outside)


OutsideDep = Annotated[Outside, Depends(_request_outside)]
