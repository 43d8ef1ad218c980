"""Messages about money on its way to somebody."""

from collections.abc import Mapping

from app.notifications.template import AMOUNT, CLAIMS, NUMBER, ORDERS, PLAN, Template, template

MONEY_TEMPLATES: Mapping[str, Template] = {
    "order_refunded": template(
        ("退款已到账", "Your refund has been paid"),
        (
            "您的{plan}退款{amount}元已按原路退回（订单{number}）。",
            "CNY {amount} for your {plan} went back the way it was paid (order {number}).",
        ),
        PLAN,
        AMOUNT,
        NUMBER,
        page=ORDERS,
        thing1="plan",
        amount2="amount",
        character_string3="number",
    ),
    "refund_waiting": template(
        ("退款需要收款账户", "We need an account for your refund"),
        (
            "您有{amount}元退款，请在小程序内填写收款账户（订单{number}）。",
            "We owe you CNY {amount}. Please give an account in the app (order {number}).",
        ),
        AMOUNT,
        NUMBER,
        page=ORDERS,
        amount1="amount",
        character_string2="number",
    ),
    "payout_waiting": template(
        ("请确认收款", "Please confirm your payment"),
        (
            "有{amount}元等您在小程序内确认收款，请在{until}前确认，逾期将退回。",
            "CNY {amount} waits for you to confirm in the app by {until}, or it goes back.",
        ),
        AMOUNT,
        ("until", "moment"),
        page=CLAIMS,
        amount1="amount",
        time2="until",
    ),
    "payout_failed": template(
        ("款项未能支付", "Your money did not arrive"),
        (
            "有{amount}元未能支付，请在小程序内重新收款，或登记本人银行卡。",
            "CNY {amount} could not be paid: ask again in the app, or record a bank account.",
        ),
        AMOUNT,
        page=CLAIMS,
        amount1="amount",
    ),
    "account_changed": template(
        ("收款账户有变更", "A new account for your money"),
        (
            "您登记了新的收款账户，{usable_from}起生效。如非本人操作，请立即联系工会。",
            "A new account takes your money from {usable_from}. Not yours? Tell the union.",
        ),
        ("usable_from", "moment"),
        page=CLAIMS,
        time1="usable_from",
    ),
}
