"""Made-up orders, refunds and transfers for the gateway tests."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from app.integrations.wechat_pay import OrderRequest, RefundRequest, TransferRequest


def number(prefix: str = "T") -> str:
    return f"{prefix}{secrets.token_hex(12)}"


def openid() -> str:
    return f"o{secrets.token_hex(13)}"


def order(notify_url: str, **changes: Any) -> OrderRequest:
    given: dict[str, Any] = {
        "out_trade_no": number(),
        "description": "骑手意外互助保障 3 份",
        "amount_fen": 7500,
        "notify_url": notify_url,
        "expires_at": datetime.now(UTC) + timedelta(minutes=30),
    }
    return OrderRequest(**(given | changes))


def refund(of: OrderRequest, **changes: Any) -> RefundRequest:
    given: dict[str, Any] = {
        "out_trade_no": of.out_trade_no,
        "out_refund_no": number("R"),
        "refund_fen": of.amount_fen,
        "total_fen": of.amount_fen,
        "reason": "保障开始前退款",
        "notify_url": of.notify_url,
    }
    return RefundRequest(**(given | changes))


def transfer(notify_url: str, **changes: Any) -> TransferRequest:
    given: dict[str, Any] = {
        "out_bill_no": number("P"),
        "openid": openid(),
        "amount_fen": 150_000,
        "remark": "互助金",
        "notify_url": notify_url,
        "report": (("活动名称", "互助金给付"),),
    }
    return TransferRequest(**(given | changes))
