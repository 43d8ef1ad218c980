"""Messages about relief."""

from collections.abc import Mapping

from app.notifications.template import AMOUNT, NUMBER, RELIEF, Template, template

RELIEF_TEMPLATES: Mapping[str, Template] = {
    "relief_proposed": template(
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
    "relief_granted": template(
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
    "relief_declined": template(
        ("救助评议结果", "Your relief application"),
        (
            "您的救助{number}经评议未获批准，原因请在小程序内查看。",
            "Your relief {number} was not granted. The app says why.",
        ),
        NUMBER,
        page=RELIEF,
        character_string1="number",
    ),
    "relief_returned": template(
        ("救助申请需要补充", "Your relief application needs more"),
        (
            "评议会需要了解更多情况才能评议您的救助{number}，请在小程序内查看原因并补充材料。",
            "The board needs to know more about your relief {number}: the app says what to add.",
        ),
        NUMBER,
        page=RELIEF,
        character_string1="number",
    ),
    "relief_account": template(
        ("救助金需要收款账户", "We need an account for your relief"),
        (
            "您的救助{number}已批准，请在小程序内填写本人银行账户后支付。",
            "Your relief {number} is granted. Give your bank account in the app to be paid.",
        ),
        NUMBER,
        page=RELIEF,
        character_string1="number",
    ),
    "relief_revoked": template(
        ("救助已撤销", "Your relief was taken back"),
        (
            "您的救助{number}已撤销，不再支付，原因请在小程序内查看。",
            "Your relief {number} was taken back and is not paid. The app says why.",
        ),
        NUMBER,
        page=RELIEF,
        character_string1="number",
    ),
    "relief_paid": template(
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
}
