"""Every message that members get: few plain words, in both languages, and what fills them.

The words beside the code (decision 0005). A carrier holds the same texts under the names
`<code>_zh` and `<code>_en`; WeChat holds a form per template, whose fields are named here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from app.kernel.text import Text

Kind = Literal["words", "number", "amount", "day", "moment"]
Parameter = tuple[str, Kind]

PLAN: Parameter = ("plan", "words")
AMOUNT: Parameter = ("amount", "amount")
FIRST_DAY: Parameter = ("first_day", "day")
LAST_DAY: Parameter = ("last_day", "day")
NUMBER: Parameter = ("number", "number")
POLICIES, CLAIMS, ORDERS = "pages/policies", "pages/claims", "pages/orders"
RELIEF = "pages/relief"


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of message: its words, the kinds of its parameters, WeChat's fields and page.

    Parameters are kept raw, as JSON can hold them: `words` {zh, en}, `amount` fen, `day`
    YYYY-MM-DD, `moment` RFC 3339, `number` as it is read aloud.
    """

    title: Text
    body: Text
    parameters: Mapping[str, Kind]
    fields: Mapping[str, str] = field(default_factory=dict)
    page: str = ""


def _template(
    title: tuple[str, str],
    body: tuple[str, str],
    *parameters: Parameter,
    page: str,
    **fields: str,
) -> Template:
    return Template(Text(*title), Text(*body), dict(parameters), fields, page)


TEMPLATES: Mapping[str, Template] = {
    "policy_issued": _template(
        ("保障已生效", "Your cover is in place"),
        (
            "您的{plan}（保单{number}）保障期为{first_day}至{last_day}。",
            "Your {plan} (policy {number}) covers you from {first_day} to {last_day}.",
        ),
        PLAN,
        NUMBER,
        FIRST_DAY,
        LAST_DAY,
        page=POLICIES,
        thing1="plan",
        character_string2="number",
        time3="first_day",
        time4="last_day",
    ),
    "policy_renewed": _template(
        ("续保成功", "Your cover is renewed"),
        (
            "您的{plan}已续保（保单{number}），保障期为{first_day}至{last_day}。",
            "Your {plan} is renewed (policy {number}), from {first_day} to {last_day}.",
        ),
        PLAN,
        NUMBER,
        FIRST_DAY,
        LAST_DAY,
        page=POLICIES,
        thing1="plan",
        character_string2="number",
        time3="first_day",
        time4="last_day",
    ),
    "policy_lapsed": _template(
        ("保障已结束", "Your cover has ended"),
        (
            "您的{plan}已于{last_day}到期且未续保，现在不再有保障。可随时重新参加。",
            "Your {plan} ended on {last_day} and was not renewed. You can join again at any time.",
        ),
        PLAN,
        LAST_DAY,
        page=POLICIES,
        thing1="plan",
        time2="last_day",
    ),
    "renewal_reminder": _template(
        ("保障即将到期", "Your cover is about to end"),
        (
            "您的{plan}保障到{last_day}为止，请在小程序内续保，保障不中断。",
            "Your {plan} covers you until {last_day}. Renew in the app to stay covered.",
        ),
        PLAN,
        LAST_DAY,
        page=POLICIES,
        thing1="plan",
        time2="last_day",
    ),
    "renewal_grace": _template(
        ("宽限期内可续保", "You can still renew"),
        (
            "您的{plan}已于{last_day}到期，{until}（含）前仍可续保，不重新等待。",
            "Your {plan} ended on {last_day}. Renew by {until} and you need not wait again.",
        ),
        PLAN,
        LAST_DAY,
        ("until", "day"),
        page=POLICIES,
        thing1="plan",
        time2="last_day",
        time3="until",
    ),
    "renewal_automatic": _template(
        ("即将自动续保", "Your cover will renew itself"),
        (
            "您的{plan}保障到{last_day}为止，将于{charge_on}自动扣款续保，最多{amount}元。"
            "不想续保可在小程序内关闭。",
            "Your {plan} covers you until {last_day}. On {charge_on} it renews itself for at most"
            " CNY {amount}. You can switch this off in the app.",
        ),
        PLAN,
        LAST_DAY,
        ("charge_on", "day"),
        AMOUNT,
        page=POLICIES,
        thing1="plan",
        time2="last_day",
        time3="charge_on",
        amount4="amount",
    ),
    "charge_refused": _template(
        ("自动续保未成功", "Automatic renewal did not work"),
        (
            "您的{plan}自动续保扣款未成功。保障到{last_day}为止，请在小程序内自行续保。",
            "The payment to renew your {plan} failed. You are covered until {last_day};"
            " please renew in the app.",
        ),
        PLAN,
        LAST_DAY,
        page=ORDERS,
        thing1="plan",
        time2="last_day",
    ),
    "charge_above_agreed": _template(
        ("续保价格有变化", "The price has changed"),
        (
            "您的{plan}续保需{amount}元，高于您同意的{agreed}元，未自动扣款。"
            "保障到{last_day}为止，请在小程序内自行续保。",
            "Renewing your {plan} costs CNY {amount}, more than the CNY {agreed} you agreed to,"
            " so nothing was charged. You are covered until {last_day}; please renew in the app.",
        ),
        PLAN,
        AMOUNT,
        ("agreed", "amount"),
        LAST_DAY,
        page=POLICIES,
        thing1="plan",
        amount2="amount",
        time3="last_day",
    ),
    "renewal_by_hand": _template(
        ("请自行续保", "Please renew yourself"),
        (
            "您的{plan}这次不能自动续保。保障到{last_day}为止，请在小程序内查看并续保。",
            "Your {plan} cannot renew itself this time. You are covered until {last_day};"
            " please look in the app.",
        ),
        PLAN,
        LAST_DAY,
        page=POLICIES,
        thing1="plan",
        time2="last_day",
    ),
    "agreement_ended": _template(
        ("自动续保已关闭", "Automatic renewal is off"),
        (
            "您的{plan}不再自动续保，到期前我们会提醒您。",
            "Your {plan} no longer renews itself. We will remind you before it ends.",
        ),
        PLAN,
        page=POLICIES,
        thing1="plan",
    ),
    "order_refunded": _template(
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
    "refund_waiting": _template(
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
    "claim_returned": _template(
        ("理赔材料需补充", "Your claim needs something"),
        (
            "您的理赔{number}有材料需要重新提交，请在小程序内查看原因和做法。",
            "A document of your claim {number} has to be sent again; see the app for what to do.",
        ),
        NUMBER,
        page=CLAIMS,
        character_string1="number",
    ),
    "claim_approved": _template(
        ("理赔已通过", "Your claim is approved"),
        (
            "您的理赔{number}已通过，金额{amount}元，将在{due_day}前支付。",
            "Your claim {number} is approved: CNY {amount}, to be paid by {due_day}.",
        ),
        NUMBER,
        AMOUNT,
        ("due_day", "day"),
        page=CLAIMS,
        character_string1="number",
        amount2="amount",
        time3="due_day",
    ),
    "claim_denied": _template(
        ("理赔结果", "About your claim"),
        (
            "您的理赔{number}未能通过，原因和申诉办法请在小程序内查看。",
            "Your claim {number} was not approved. The app says why, and how to appeal.",
        ),
        NUMBER,
        page=CLAIMS,
        character_string1="number",
    ),
    "claim_upheld": _template(
        ("复核结果", "About your claim, looked at again"),
        (
            "您的理赔{number}经重新审核，维持原决定，理由请在小程序内查看。",
            "Your claim {number} was looked at again; the decision stands. The app says why.",
        ),
        NUMBER,
        page=CLAIMS,
        character_string1="number",
    ),
    "claim_late": _template(
        ("理赔超过承诺日期", "Your claim is late"),
        (
            "您的理赔{number}超过了我们承诺的日期，已转上级机构督办。",
            "Your claim {number} is past the day we promised; the organisation above has it now.",
        ),
        NUMBER,
        page=CLAIMS,
        character_string1="number",
    ),
    "claim_paid": _template(
        ("理赔款已支付", "Your claim has been paid"),
        (
            "您的理赔{number}已支付{amount}元。",
            "CNY {amount} for your claim {number} has been paid.",
        ),
        NUMBER,
        AMOUNT,
        page=CLAIMS,
        character_string1="number",
        amount2="amount",
    ),
    "relief_proposed": _template(
        ("您可能可以申请救助", "You may be entitled to relief"),
        (
            "{fund}可能可以帮助您（救助{number}），请在小程序内查看，是否申请由您决定。",
            "{fund} may be able to help you ({number}). See it in the app; applying is up to you.",
        ),
        ("fund", "words"),
        NUMBER,
        page=RELIEF,
        thing1="fund",
        character_string2="number",
    ),
    "relief_granted": _template(
        ("救助已批准", "Relief is granted"),
        (
            "您的救助{number}已批准，金额{amount}元。",
            "Your relief {number} is granted: CNY {amount}.",
        ),
        NUMBER,
        AMOUNT,
        page=RELIEF,
        character_string1="number",
        amount2="amount",
    ),
    "relief_declined": _template(
        ("救助评议结果", "Your relief application"),
        (
            "您的救助{number}经评议未获批准，原因请在小程序内查看。",
            "Your relief {number} was not granted. The app says why.",
        ),
        NUMBER,
        page=RELIEF,
        character_string1="number",
    ),
    "relief_account": _template(
        ("救助金需要收款账户", "We need an account for your relief"),
        (
            "您的救助{number}已批准，请在小程序内填写本人银行账户后支付。",
            "Your relief {number} is granted. Give your bank account in the app to be paid.",
        ),
        NUMBER,
        page=RELIEF,
        character_string1="number",
    ),
    "relief_revoked": _template(
        ("救助已撤销", "Your relief was taken back"),
        (
            "您的救助{number}已撤销，不再支付，原因请在小程序内查看。",
            "Your relief {number} was taken back and is not paid. The app says why.",
        ),
        NUMBER,
        page=RELIEF,
        character_string1="number",
    ),
    "relief_paid": _template(
        ("救助金已支付", "Your relief has been paid"),
        (
            "您的救助{number}已支付{amount}元。",
            "CNY {amount} of your relief {number} has been paid.",
        ),
        NUMBER,
        AMOUNT,
        page=RELIEF,
        character_string1="number",
        amount2="amount",
    ),
    "payout_waiting": _template(
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
    "payout_failed": _template(
        ("款项未能支付", "Your money did not arrive"),
        (
            "有{amount}元未能支付，请在小程序内重新收款，或登记本人银行卡。",
            "CNY {amount} could not be paid: ask again in the app, or record a bank account.",
        ),
        AMOUNT,
        page=CLAIMS,
        amount1="amount",
    ),
    "death_report_withdrawn": _template(
        ("账号已恢复", "Your account is open again"),
        (
            "误登记的身故信息已撤销，您的账号已恢复。自动续保须重新签约。",
            "A report of your death was a mistake and is withdrawn. Automatic renewal needs your"
            " word again.",
        ),
        page=CLAIMS,
    ),
    "account_changed": _template(
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
