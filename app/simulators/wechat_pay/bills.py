"""The daily trade bill: one CSV line per payment and refund of a past day, then the sums."""

import gzip
import hashlib
import secrets
from datetime import date

from app.simulators.store import Record
from app.simulators.wechat_pay import orders
from app.simulators.wechat_pay.forms import PayError
from app.simulators.world import World

HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,"
    "付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,"
    "退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
SUMMARY = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)


def announce(world: World, bill_date: str, bill_type: str, base_url: str) -> dict[str, str]:
    """Where the bill of a past day lies, and its digest."""
    try:
        on = date.fromisoformat(bill_date)
    except ValueError:
        raise PayError(400, "PARAM_ERROR", "bill_date is not a date") from None
    if bill_type not in ("", "ALL"):
        raise PayError(400, "PARAM_ERROR", "only bill_type ALL is simulated")
    if on >= world.clock.now().astimezone(orders.SHANGHAI).date():
        raise PayError(400, "INVALID_REQUEST", "the day is not over")
    text = _text(world, on.isoformat())
    if text is None:
        raise PayError(400, "NO_STATEMENT_EXIST", "nothing happened on that day")
    token = secrets.token_hex(16)
    world.store.put("bill", token, {"text": text})
    return {
        "hash_type": "SHA1",
        # The protocol's digest of a file that is announced under signature.
        "hash_value": hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(),
        "download_url": f"{base_url}/v3/billdownload/file?token={token}",
    }


def download(world: World, token: str) -> bytes:
    """The zipped bill; a token is good for one download."""
    bill = world.store.get("bill", token)
    if bill is None:
        raise PayError(404, "RESOURCE_NOT_EXISTS", "no such bill")
    world.store.delete("bill", token)
    return gzip.compress(bill["text"].encode())


def _text(world: World, day: str) -> str | None:
    payments = [
        order
        for each in world.store.children("transaction", day)
        if (order := world.store.get("order", each["out_trade_no"]))
    ]
    refunds = [
        refund
        for each in world.store.children("refunded", day)
        if (refund := world.store.get("refund", each["out_refund_no"]))
    ]
    rows = [_payment(world, order) for order in payments]
    rows += [_refund(world, refund) for refund in refunds]
    if not rows:
        return None
    paid = sum(order["total"] for order in payments)
    back = sum(refund["refund"] for refund in refunds)
    sums = [str(len(rows)), _yuan(paid), _yuan(back), "0.00", "0.00000", _yuan(paid), _yuan(back)]
    return "\r\n".join([HEADER, *map(_line, rows), SUMMARY, _line(sums)]) + "\r\n"


def _line(values: list[str]) -> str:
    return ",".join(f"`{value.replace(',', ' ')}" for value in values)


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def _payment(world: World, order: Record) -> list[str]:
    total = _yuan(order["total"])
    return [
        *_head(world, order, order["success_time"]),
        *("SUCCESS", "OTHERS", "CNY", total, "0.00", "0", "0", "0.00", "0.00", "", ""),
        *(order["description"], order["attach"], "0.00000", "0.00%", total, "0.00", ""),
    ]


def _refund(world: World, refund: Record) -> list[str]:
    order = orders.existing(world, refund["out_trade_no"])
    back = _yuan(refund["refund"])
    return [
        *_head(world, order, refund["success_time"]),
        *("REFUND", "OTHERS", "CNY", "0.00", "0.00", refund["refund_id"]),
        *(refund["out_refund_no"], back, "0.00", "ORIGINAL", refund["status"]),
        *(order["description"], order["attach"], "0.00000", "0.00%", "0.00", back, ""),
    ]


def _head(world: World, order: Record, at: str) -> list[str]:
    config = world.config
    return [
        *(at[:19].replace("T", " "), config.appid, config.mchid, "0", ""),
        *(order["transaction_id"], order["out_trade_no"], order["openid"], order["trade_type"]),
    ]
