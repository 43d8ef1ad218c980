"""Messages about cover: issued, ending, renewed, or not."""

from collections.abc import Mapping

from app.notifications.template import (
    AMOUNT,
    FIRST_DAY,
    LAST_DAY,
    NUMBER,
    ORDERS,
    PLAN,
    POLICIES,
    Template,
    template,
)

COVER_TEMPLATES: Mapping[str, Template] = {
    "policy_issued": template(
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
    "policy_renewed": template(
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
    "policy_upgraded": template(
        ("保障份数已增加", "You have more shares"),
        (
            "您的{plan}（保单{number}）自{first_day}起为{shares}份，保障期至{last_day}。"
            "新增份数如有等待期，另行计算，详见小程序。",
            "Your {plan} (policy {number}) has {shares} shares from {first_day} until {last_day}."
            " What waits for the new shares is counted apart; see the app.",
        ),
        PLAN,
        NUMBER,
        ("shares", "number"),
        FIRST_DAY,
        LAST_DAY,
        page=POLICIES,
        thing1="plan",
        character_string2="number",
        character_string3="shares",
        time4="first_day",
        time5="last_day",
    ),
    "option_raised": template(
        ("保障档次已提高", "Your option is raised"),
        (
            "您的{plan}（保单{number}）自{first_day}起为{option}，保障期至{last_day}。"
            "新档次如有等待期，期间按原档次保障，详见小程序。",
            "Your {plan} (policy {number}) is on {option} from {first_day} until {last_day}."
            " While a waiting period runs, the former option pays; see the app.",
        ),
        PLAN,
        NUMBER,
        ("option", "words"),
        FIRST_DAY,
        LAST_DAY,
        page=POLICIES,
        thing1="plan",
        character_string2="number",
        thing3="option",
        time4="first_day",
        time5="last_day",
    ),
    "policy_lapsed": template(
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
    "renewal_reminder": template(
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
    "renewal_grace": template(
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
    "renewal_automatic": template(
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
    "charge_refused": template(
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
    "charge_above_agreed": template(
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
    "renewal_by_hand": template(
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
    "agreement_ended": template(
        ("自动续保已关闭", "Automatic renewal is off"),
        (
            "您的{plan}不再自动续保，到期前我们会提醒您。",
            "Your {plan} no longer renews itself. We will remind you before it ends.",
        ),
        PLAN,
        page=POLICIES,
        thing1="plan",
    ),
}
