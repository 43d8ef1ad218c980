"""WeChat Pay's daily bill: a CSV whose every value hides behind a back-tick."""

import csv
import gzip
import hashlib
import io
import zlib
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from app.integrations.errors import OutcomeUnknown
from app.integrations.wechat_pay.shapes import BillRow, TradeBill
from app.integrations.wechat_pay.signing import SYSTEM

SHANGHAI = ZoneInfo("Asia/Shanghai")


def read_bill(on: date, zipped: bytes, sha1: str) -> TradeBill:
    """Unzip, compare with the signed digest and read; OutcomeUnknown if anything is off."""
    try:
        text = gzip.decompress(zipped)
        # The protocol's digest; what proves the file is that the digest came signed.
        if hashlib.sha1(text, usedforsecurity=False).hexdigest() != sha1.lower():
            raise ValueError("digest")
        return _parse(on, text.decode("utf-8-sig"))
    except (OSError, EOFError, zlib.error, ValueError, KeyError, InvalidOperation) as error:
        raise OutcomeUnknown(SYSTEM, "bill not understood") from error


def _parse(on: date, text: str) -> TradeBill:
    lines = [line for line in csv.reader(io.StringIO(text)) if line]
    # Detail header, details, summary header, one summary line.
    header, *details, summary_header, summary = lines
    rows = tuple(
        _row({name: _plain(value) for name, value in zip(header, line, strict=True)})
        for line in details
    )
    totals = {name: _plain(value) for name, value in zip(summary_header, summary, strict=True)}
    if int(totals["总交易单数"]) != len(rows):
        raise ValueError("rows missing")
    return TradeBill(on, rows, _fen(totals["订单总金额"]), _fen(totals["申请退款总金额"]))


def _row(cells: dict[str, str]) -> BillRow:
    return BillRow(
        at=datetime.strptime(cells["交易时间"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI),
        state=cells["交易状态"],
        transaction_id=cells["微信订单号"],
        out_trade_no=cells["商户订单号"],
        trade_type=cells["交易类型"],
        amount_fen=_fen(cells["订单金额"]),
        payer_openid=cells["用户标识"],
        refund_id=_optional(cells["微信退款单号"]),
        out_refund_no=_optional(cells["商户退款单号"]),
        refund_fen=_fen(cells["申请退款金额"]),
        refund_state=_optional(cells["退款状态"]),
        # The fee has five decimals in the file; the gateway charges whole fen.
        fee_fen=_fen(cells["手续费"]),
        attach=cells["商户数据包"],
    )


def _plain(value: str) -> str:
    return value.removeprefix("`").strip()


def _optional(value: str) -> str | None:
    return None if value in ("", "0") else value


def _fen(yuan: str) -> int:
    fen = Decimal(yuan) * 100
    if fen != fen.to_integral_value():
        raise ValueError("an amount that is not whole fen")
    return int(fen)
