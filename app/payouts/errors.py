"""What payouts refuse."""

from datetime import datetime

from app.kernel.problems import Conflict, NotFound, Problem, Unprocessable
from app.kernel.text import Text


class AccountNameDiffers(Unprocessable):
    code = "account-name-differs"
    title = Text("户名与本人不符", "Not the member's own account")
    detail = Text(
        "收款账户户名须与实名核验的姓名一致。",
        "The holder's name has to be the name that the identity check proved.",
    )


class AccountRecordedAlready(Conflict):
    code = "account-recorded-already"
    title = Text("该账户已登记", "Account recorded already")
    detail = Text("您已登记过这个收款账户。", "You have recorded this account before.")


class AccountNotFound(NotFound):
    code = "payout-account-not-found"
    title = Text("没有这个收款账户", "No such account")
    detail = Text("没有找到该收款账户。", "There is no such account, or it is not yours.")


class AccountCoolingOff(Conflict):
    """A changed account takes money only after a day, so that a thief is noticed."""

    code = "account-cooling-off"
    title = Text("新账户尚未生效", "Account cooling off")
    detail = Text(
        "更换的收款账户将于 {usable_from} 生效，请届时再试。",
        "A changed account takes money from {usable_from}.",
    )

    def __init__(self, usable_from: datetime) -> None:
        self.usable_from = usable_from
        super().__init__(
            extensions={"usable_from": usable_from.isoformat()}, usable_from=usable_from.isoformat()
        )


class NoDestination(Conflict):
    code = "no-payout-destination"
    title = Text("还没有收款方式", "Nowhere to pay to")
    detail = Text(
        "请先登记本人银行账户，或在微信小程序登录后再试。",
        "Record a bank account of your own, or log in through WeChat first.",
    )


class PayeeBlocked(NoDestination):
    """Money is never chosen to go to somebody whose death was reported."""

    code = "payee-blocked"
    title = Text("收款人信息已封存", "The payee is blocked")
    detail = Text("收款人已登记身故，不能向其付款。", "The payee's death was reported.")


class PayoutLive(Conflict):
    code = "payout-live"
    title = Text("给付正在进行", "A payout is under way")
    detail = Text("该申领已有一笔给付在进行。", "The claim already has a payout under way.")


class PayoutNotFound(NotFound):
    code = "payout-not-found"
    title = Text("还没有给付", "No payout")
    detail = Text("该申领还没有给付记录。", "The claim has no payout yet.")


class UntrustedNotice(Problem):
    status = 401
    code = "untrusted-notice"
    title = Text("通知不可信", "Notice not trusted")
    detail = Text("签名或时间无效。", "The signature or its time is not valid.")


class ForeignNotice(NotFound):
    code = "foreign-notice"
    title = Text("没有这笔给付", "Not one of our payouts")
    detail = Text("没有找到通知所指的给付。", "No payout has the number that the notice names.")


class NoticeDiffers(Conflict):
    code = "notice-differs"
    title = Text("通知与给付不一致", "The notice differs")
    detail = Text("通知的金额与给付不一致。", "Its amount is not the payout's.")


CONSTRAINTS: dict[str, type[Problem]] = {
    "uq_payout__live_share": PayoutLive,
    "uq_payout__share_under_way": PayoutLive,
    "uq_payout__live_refund": PayoutLive,
    "uq_payout__live_relief_case": PayoutLive,
    "uq_payout_account__person_id_account_index": AccountRecordedAlready,
}
