"""Lines of the two daily bills, and how the files are written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.simulators.store import Record
from app.simulators.wechat_pay import orders
from app.simulators.world import World

TRADE_HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,"
    "付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,"
    "退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
TRADE_SUMMARY = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)
FUND_HEADER = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),"
    "账户结余(元),资金变更提交申请人,备注,业务凭证号"
)
FUND_SUMMARY = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a payment, a refund (`refund_id`), or a movement of the account (`business`)."""

    number: str
    at: str
    fen: int
    head: tuple[str, ...] = ()
    product: tuple[str, str] = ("", "")
    refund_id: str = ""
    status: str = "SUCCESS"
    fee_fen: int = 0
    business: str = ""
    gateway_number: str = ""

    def costing(self, fen: int) -> "Row":
        return replace(self, fen=-fen if self.fen < 0 else fen)

    def charged(self, fee_fen: int) -> "Row":
        return replace(self, fee_fen=fee_fen)


def trades(world: World, day: str) -> list[Row]:
    """Payments and refunds of a day."""
    return [*_payments(world, day), *_refunds(world, day)]


def _payments(world: World, day: str) -> list[Row]:
    rows = []
    for each in world.store.children("transaction", day):
        order = world.store.get("order", each["out_trade_no"])
        if order:
            rows.append(
                Row(
                    number=order["out_trade_no"],
                    at=order["success_time"],
                    fen=order["total"],
                    head=_head(world, order),
                    product=(order["description"], order["attach"]),
                )
            )
    return rows


def _refunds(world: World, day: str) -> list[Row]:
    rows = []
    for each in world.store.children("refunded", day):
        refund = world.store.get("refund", each["out_refund_no"])
        if refund:
            order = orders.existing(world, refund["out_trade_no"])
            rows.append(
                Row(
                    number=refund["out_refund_no"],
                    at=refund["success_time"],
                    fen=-refund["refund"],
                    head=_head(world, order),
                    product=(order["description"], order["attach"]),
                    refund_id=refund["refund_id"],
                    status=refund["status"],
                )
            )
    return rows


def _head(world: World, order: Record) -> tuple[str, ...]:
    config = world.config
    return (
        *(config.appid, config.mchid, "0", "", order["transaction_id"], order["out_trade_no"]),
        *(order["openid"], order["trade_type"]),
    )


def extra_trade(world: World, day: str, number: str, fen: int) -> Row:
    """A payment that nobody ordered."""
    config = world.config
    made = orders.digits("4200", 28)
    head = (config.appid, config.mchid, "0", "", made, number, "o-unknown-payer", "NATIVE")
    return Row(number, f"{day}T12:00:00+08:00", fen, head, ("?", ""))


def movements(world: World, day: str) -> list[Row]:
    """What moved on the account: trades, refunds and transfers to wallets."""
    rows = [replace(row, business="交易") for row in _payments(world, day)]
    rows += [replace(row, business="退款") for row in _refunds(world, day)]
    for each in world.store.children("transferred", day):
        transfer = world.store.get("transfer", each["out_bill_no"])
        if transfer:
            rows.append(
                Row(
                    number=transfer["out_bill_no"],
                    at=transfer["update_time"],
                    fen=-transfer["transfer_amount"],
                    business="商家转账",
                    gateway_number=transfer["transfer_bill_no"],
                )
            )
    return rows


def extra_movement(world: World, day: str, number: str, fen: int) -> Row:
    """A transfer that nobody asked for."""
    at = f"{day}T12:00:00+08:00"
    bill_no = orders.digits("1330", 34)
    return Row(number, at, -fen, business="商家转账", gateway_number=bill_no)


def trade_text(rows: Sequence[Row]) -> str:
    paid = sum(row.fen for row in rows if not row.refund_id)
    back = -sum(row.fen for row in rows if row.refund_id)
    fees = sum(row.fee_fen for row in rows)
    sums = [str(len(rows)), _yuan(paid), _yuan(back), "0.00", f"{_yuan(fees)}000"]
    lines = map(_line, map(_trade, rows))
    summary = _line([*sums, _yuan(paid), _yuan(back)])
    return "\r\n".join([TRADE_HEADER, *lines, TRADE_SUMMARY, summary]) + "\r\n"


def _trade(row: Row) -> list[str]:
    at, total = _clock(row.at), _yuan(abs(row.fen))
    fee = (f"{_yuan(row.fee_fen)}000", "0.00%")
    if not row.refund_id:
        return [
            *(at, *row.head, "SUCCESS", "OTHERS", "CNY", total, "0.00", "0", "0", "0.00"),
            *("0.00", "", "", *row.product, *fee, total, "0.00", ""),
        ]
    return [
        *(at, *row.head, "REFUND", "OTHERS", "CNY", "0.00", "0.00", row.refund_id, row.number),
        *(total, "0.00", "ORIGINAL", row.status, *row.product, *fee, "0.00", total, ""),
    ]


def fund_text(rows: Sequence[Row]) -> str:
    balance, lines = 10**9, []
    for row in rows:
        balance += row.fen
        lines.append(_line(_movement(row, balance)))
    came = [row.fen for row in rows if row.fen > 0]
    went = [-row.fen for row in rows if row.fen < 0]
    sums = [len(rows), len(came), _yuan(sum(came)), len(went), _yuan(sum(went))]
    summary = _line([str(each) for each in sums])
    return "\r\n".join([FUND_HEADER, *lines, FUND_SUMMARY, summary]) + "\r\n"


def _movement(row: Row, balance: int) -> list[str]:
    gateway_number = row.gateway_number or row.head[4]
    return [
        *(_clock(row.at), gateway_number, gateway_number, row.business, row.business),
        *("收入" if row.fen > 0 else "支出", _yuan(abs(row.fen)), _yuan(balance), "system", ""),
        row.number,
    ]


def _clock(at: str) -> str:
    return at[:19].replace("T", " ")


def _line(values: Sequence[str]) -> str:
    return ",".join(f"`{value.replace(',', ' ')}" for value in values)


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
