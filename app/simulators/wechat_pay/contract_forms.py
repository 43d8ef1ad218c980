"""What a merchant sends about payment agreements."""

from typing import Annotated

import msgspec
from msgspec import Meta

from app.simulators.wechat_pay import forms

OutContractCode = Annotated[str, Meta(pattern=r"\A[0-9A-Za-z_\-|*]{6,32}\Z")]


class SignForm(msgspec.Struct):
    appid: str
    plan_id: int
    out_contract_code: OutContractCode
    contract_display_account: Annotated[str, Meta(min_length=1, max_length=32)]
    contract_notify_url: forms.NotifyUrl
    openid: forms.Openid


class EndForm(msgspec.Struct):
    contract_termination_remark: Annotated[str, Meta(min_length=1, max_length=256)]


class ChargeForm(msgspec.Struct):
    appid: str
    out_trade_no: forms.OutTradeNo
    description: Annotated[str, Meta(min_length=1, max_length=127)]
    transaction_notify_url: forms.NotifyUrl
    contract_id: str
    amount: forms.Amount
    attach: Annotated[str, Meta(max_length=128)] = ""
