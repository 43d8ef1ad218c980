"""The outside systems of one process, connected once and handed to whoever calls out."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from app.integrations.bank import Bank
from app.integrations.identity_vendor import IdentityVendor
from app.integrations.sms import Sms
from app.integrations.wechat import WeChat
from app.integrations.wechat_pay import WeChatPay


@dataclass(frozen=True, slots=True)
class Outside:
    """Each member is called outside transactions only (architecture.md)."""

    wechat: WeChat
    wechat_pay: WeChatPay
    identity_vendor: IdentityVendor
    sms: Sms
    bank: Bank


def _request_outside(request: Request) -> Outside:
    return cast(Outside, request.app.state.outside)


OutsideDep = Annotated[Outside, Depends(_request_outside)]
