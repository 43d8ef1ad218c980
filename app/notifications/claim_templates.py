"""Messages about claims."""

from collections.abc import Mapping

from app.notifications.template import AMOUNT, CLAIMS, NUMBER, Template, template

CLAIM_TEMPLATES: Mapping[str, Template] = {
    "claim_returned": template(
        ("理赔材料需补充", "Your claim needs something"),
        (
            "您的理赔{number}有材料需要重新提交，请在小程序内查看原因和做法。",
            "A document of your claim {number} has to be sent again; see the app for what to do.",
        ),
        NUMBER,
        page=CLAIMS,
        character_string1="number",
    ),
    "claim_approved": template(
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
    "claim_denied": template(
        ("理赔结果", "About your claim"),
        (
            "您的理赔{number}未能通过，原因和申诉办法请在小程序内查看。",
            "Your claim {number} was not approved. The app says why, and how to appeal.",
        ),
        NUMBER,
        page=CLAIMS,
        character_string1="number",
    ),
    "claim_upheld": template(
        ("复核结果", "About your claim, looked at again"),
        (
            "您的理赔{number}经重新审核，维持原决定，理由请在小程序内查看。",
            "Your claim {number} was looked at again; the decision stands. The app says why.",
        ),
        NUMBER,
        page=CLAIMS,
        character_string1="number",
    ),
    "claim_late": template(
        ("理赔超过承诺日期", "Your claim is late"),
        (
            "您的理赔{number}超过了我们承诺的日期，已转上级机构督办。",
            "Your claim {number} is past the day we promised; the organisation above has it now.",
        ),
        NUMBER,
        page=CLAIMS,
        character_string1="number",
    ),
    "claim_paid": template(
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
    "death_report_withdrawn": template(
        ("账号已恢复", "Your account is open again"),
        (
            "误登记的身故信息已撤销，您的账号已恢复。自动续保须重新签约。",
            "A report of your death was a mistake and is withdrawn. Automatic renewal needs your"
            " word again.",
        ),
        page=CLAIMS,
    ),
}
