"""WeChat Pay's daily bills: CSV files whose every value hides behind a back-tick."""

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import TypeVar
from zoneinfo import ZoneInfo

from app.integrations.errors import OutcomeUnknown
from app.integrations.wechat_pay.bill_shapes import BillRow, FundBill, FundRow, TradeBill
from app.integrations.wechat_pay.signing import SYSTEM

SHANGHAI = ZoneInfo("Asia/Shanghai")
Bill = TypeVar("Bill", TradeBill, FundBill)


def read_bill(on: date, zipped: bytes, sha1: str) -> TradeBill:
    """Unzip, compare with the signed digest and read; OutcomeUnknown if anything is off."""
    return _read(zipped, sha1, partial(_parse, on))


def read_fund_bill(on: date, zipped: bytes, sha1: str) -> FundBill:
    """The same for the bill of the account's movements."""
    return _read(zipped, sha1, partial(_parse_funds, on))


def _read(zipped: bytes, sha1: str, parse: Callable[[str], Bill]) -> Bill:
    try:
        text = gzip.decompress(zipped)
        # The protocol's digest; what proves the file is that the digest came signed.
        if hashlib.sha1(text, usedforsecurity=False).hexdigest() != sha1.lower():
            raise ValueError("digest")
        return parse(text.decode("utf-8-sig"))
    except (OSError, EOFError, zlib.error, ValueError, KeyError, InvalidOperation) as error:
        raise OutcomeUnknown(SYSTEM, "bill not understood") from error


def _parse_funds(on: date, text: str) -> FundBill:
    header, *details, summary_header, summary = [
        line for line in csv.reader(io.StringIO(text)) if line
    ]
    rows = tuple(
        _movement({name: _plain(value) for name, value in zip(header, line, strict=True)})
        for line in details
    )
    totals = {name: _plain(value) for name, value in zip(summary_header, summary, strict=True)}
    came = sum(row.amount_fen for row in rows if row.amount_fen > 0)
    went = -sum(row.amount_fen for row in rows if row.amount_fen < 0)
    told = (totals["资金流水总笔数"], _fen(totals["收入金额"]), _fen(totals["支出金额"]))
    if told != (str(len(rows)), came, went):
        raise ValueError("rows missing")
    return FundBill(on, rows)


def _movement(cells: dict[str, str]) -> FundRow:
    sign = {"收入": 1, "支出": -1}[cells["收支类型"]]
    return FundRow(
        at=datetime.strptime(cells["记账时间"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI),
        business=cells["业务类型"],
        number=cells["业务凭证号"],
        gateway_number=cells["微信支付业务单号"],
        amount_fen=sign * _fen(cells["收支金额(元)"]),
    )


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
