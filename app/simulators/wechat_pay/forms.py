"""What the gateway accepts: typed requests with the published limits, errors in its shape."""

from datetime import datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

LOOPBACK = {"127.0.0.1", "localhost", "::1"}

Openid = Annotated[str, Meta(pattern=r"\Ao[0-9A-Za-z_-]{5,127}\Z")]
OutTradeNo = Annotated[str, Meta(pattern=r"\A[0-9A-Za-z_\-|*]{6,32}\Z")]
OutRefundNo = Annotated[str, Meta(pattern=r"\A[0-9A-Za-z_\-|*@]{1,64}\Z")]
OutBillNo = Annotated[str, Meta(pattern=r"\A[0-9A-Za-z]{1,32}\Z")]
Fen = Annotated[int, Meta(ge=1, le=10**11)]
NotifyUrl = Annotated[str, Meta(max_length=255)]

Form = TypeVar("Form", bound=msgspec.Struct)


class PayError(Exception):
    """A refusal in the gateway's shape: `{"code": …, "message": …}`."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message


class Amount(msgspec.Struct):
    total: Fen
    currency: Annotated[str, Meta(pattern=r"\ACNY\Z")] = "CNY"


class Payer(msgspec.Struct):
    openid: Openid


class OrderForm(msgspec.Struct):
    appid: str
    mchid: str
    description: Annotated[str, Meta(min_length=1, max_length=127)]
    out_trade_no: OutTradeNo
    notify_url: NotifyUrl
    amount: Amount
    time_expire: str = ""
    attach: Annotated[str, Meta(max_length=128)] = ""
    payer: Payer | None = None


class CloseForm(msgspec.Struct):
    mchid: str


class RefundAmount(msgspec.Struct):
    refund: Fen
    total: Fen
    currency: Annotated[str, Meta(pattern=r"\ACNY\Z")]


class RefundForm(msgspec.Struct):
    out_refund_no: OutRefundNo
    amount: RefundAmount
    out_trade_no: str = ""
    transaction_id: str = ""
    reason: Annotated[str, Meta(max_length=80)] = ""
    notify_url: NotifyUrl = ""


class ReportInfo(msgspec.Struct):
    info_type: Annotated[str, Meta(min_length=1, max_length=15)]
    info_content: Annotated[str, Meta(min_length=1, max_length=32)]


class TransferForm(msgspec.Struct):
    appid: str
    out_bill_no: OutBillNo
    transfer_scene_id: Annotated[str, Meta(min_length=1, max_length=36)]
    openid: Openid
    transfer_amount: Fen
    transfer_remark: Annotated[str, Meta(min_length=1, max_length=32)]
    notify_url: NotifyUrl = ""
    user_name: str = ""
    user_recv_perception: str = ""
    transfer_scene_report_infos: list[ReportInfo] = []


def read(body: bytes, shape: type[Form]) -> Form:
    """A request body as a typed form; PARAM_ERROR names the field and what is wrong with it."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.DecodeError as error:
        raise PayError(400, "PARAM_ERROR", str(error)) from error


def check_url(url: str) -> None:
    """Notices go to https addresses without a query; on the loopback http will do."""
    parts = urlsplit(url)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not secure or not parts.hostname or parts.query or parts.fragment:
        raise PayError(400, "PARAM_ERROR", "notify_url must be https and carry no query")


def check_expiry(text: str, now: datetime) -> None:
    """A deadline, if there is one, lies ahead and has a zone."""
    if not text:
        return
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise PayError(400, "PARAM_ERROR", "time_expire is not RFC 3339")
    if at <= now:
        raise PayError(400, "PARAM_ERROR", "time_expire has passed")


def fingerprint(form: msgspec.Struct, *without: str) -> str:
    """What must stay equal when a request is sent again under the same number."""
    content: dict[str, Any] = msgspec.to_builtins(form)
    for name in without:
        content.pop(name, None)
    return msgspec.json.encode(content, order="deterministic").decode()
