"""What billing refuses."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from app.kernel.clock import SHANGHAI, business_day
from app.kernel.problems import Conflict, NotFound, Problem, Unprocessable
from app.kernel.text import Text


class Window(Protocol):
    """From when until before when something can be done."""

    @property
    def opens_at(self) -> datetime: ...
    @property
    def closes_at(self) -> datetime: ...


class CoverLost(Exception):
    """Money has come for cover that it can no longer become; `because` is a reason code.

    Nothing was written: the caller suspends the money and sends it back.
    """

    def __init__(self, because: str) -> None:
        super().__init__(because)
        self.because = because


class OrderNotFound(NotFound):
    code = "order-not-found"
    title = Text("没有这个订单", "No such order")
    detail = Text("没有找到该订单。", "There is no such order, or it is not yours.")


class OrderAlreadyOpen(Conflict):
    code = "order-already-open"
    title = Text("已有未支付的订单", "An order is open")
    detail = Text(
        "该保障活动已有一个未支付的订单，请先支付或取消。",
        "Pay or cancel the open order of this plan first.",
    )

    def __init__(self, order_id: UUID | None = None) -> None:
        super().__init__(extensions={"order_id": str(order_id)} if order_id else None)


class PriceDiffers(Conflict):
    code = "price-differs"
    title = Text("价格不一致", "The price differs")
    detail = Text(
        "应付金额为 {price_fen} 分，请刷新后重新确认。",
        "The price is {price_fen} fen; show it and ask again.",
    )

    def __init__(self, price_fen: int) -> None:
        super().__init__(extensions={"price_fen": price_fen}, price_fen=price_fen)


class OrderNotOpen(Conflict):
    code = "order-not-open"
    title = Text("订单不在待支付状态", "The order is not open")
    detail = Text("订单当前状态为 {status}。", "The order is {status}.")


class NothingToPay(Conflict):
    code = "nothing-to-pay"
    title = Text("无需支付", "Nothing to pay")
    detail = Text("该订单由出资方支付，无需您付款。", "A sponsor pays this order.")


class WeChatLoginNeeded(Conflict):
    code = "wechat-login-needed"
    title = Text("请先用微信登录", "WeChat login needed")
    detail = Text(
        "小程序内支付需要微信登录；也可使用扫码支付。",
        "Paying inside the mini-program needs a WeChat login; a code to scan works too.",
    )


class PaymentRefused(Conflict):
    code = "payment-refused"
    title = Text("支付平台拒绝了请求", "The gateway refused")
    detail = Text("请稍后重试，或更换支付方式。", "Try again later, or pay in another way.")


class RefundNotOffered(Conflict):
    code = "refund-not-offered"
    title = Text("该订单不支持退费", "No refund for this order")
    detail = Text(
        "按保障活动规则，该订单不能由您申请退费。",
        "By the plan's rules you cannot ask for a refund of this order.",
    )


class ClaimOpen(Conflict):
    code = "claim-open"
    title = Text("有未办结的申领", "A claim is open")
    detail = Text(
        "该保障下有未办结的申领，办结或撤回后才能退保。",
        "A claim under this cover is open: it can be cancelled once the claim is closed.",
    )

    def __init__(self, claim_ids: Sequence[UUID]) -> None:
        super().__init__(extensions={"claim_ids": [str(claim_id) for claim_id in claim_ids]})


class RefundUnderWay(Conflict):
    code = "refund-under-way"
    title = Text("退费已发出", "The refund is on its way")
    detail = Text(
        "退费已经发出或已到账，不能恢复保障；请重新参保。",
        "The refund was sent or has arrived: buy new cover instead.",
    )


class RenewalNotOffered(Conflict):
    code = "renewal-not-offered"
    title = Text("该保障活动不支持续保", "No renewal")
    detail = Text(
        "按保障活动规则不能以此方式续保，可重新参保。",
        "By the plan's rules it is not renewed in this way; order new cover.",
    )


class RenewalNotOpen(Conflict):
    """Outside the days before and after the end in which the plan renews without a gap."""

    code = "renewal-not-open"
    title = Text("不在续保期内", "Not open for renewal")
    detail = Text(
        "续保期为 {opens_on} 至 {closes_on}（不含）。此后参保为新参保，重新计算等待期。",
        "It can be renewed from {opens_on} until before {closes_on}; later it is new cover,"
        " which waits anew.",
    )

    def __init__(self, window: Window) -> None:
        opens_at = window.opens_at.astimezone(SHANGHAI).isoformat()
        closes_at = window.closes_at.astimezone(SHANGHAI).isoformat()
        super().__init__(
            extensions={"opens_at": opens_at, "closes_at": closes_at},
            opens_on=business_day(window.opens_at).isoformat(),
            closes_on=business_day(window.closes_at).isoformat(),
        )


class AlreadyRenewed(Conflict):
    code = "already-renewed"
    title = Text("已经续保", "Renewed already")
    detail = Text("该保障凭证已续保。", "The policy was renewed already.")


class AgreementNotFound(NotFound):
    code = "renewal-agreement-not-found"
    title = Text("没有自动续保协议", "No renewal agreement")
    detail = Text("该保障没有自动续保协议。", "Nobody has asked for automatic renewal here.")


class AgreementExists(Conflict):
    code = "renewal-agreement-exists"
    title = Text("已开通自动续保", "It renews itself already")
    detail = Text(
        "该保障已开通自动续保；如需修改金额，请先关闭再开通。",
        "It renews itself already; to change the amount end that agreement first.",
    )


class UpgradeNotOffered(Conflict):
    code = "upgrade-not-offered"
    title = Text("该保障活动不支持提档升级", "No upgrade")
    detail = Text(
        "按保障活动规则，保障期内不能增加份数或提高档次。",
        "By the plan's rules nothing like this is added to running cover.",
    )


class GroupNotOffered(Conflict):
    code = "group-not-offered"
    title = Text("该保障活动没有团体参保规则", "No group terms")
    detail = Text("该保障活动由个人参加。", "The plan is joined by each person alone.")


class UpgradesApart(Unprocessable):
    code = "upgrades-apart"
    title = Text("增加份数与提高档次须分别办理", "Shares and option apart")
    detail = Text(
        "提高档次适用于全部份数，不能同时增加份数；请分两次办理。",
        "An option is raised for all shares; add shares in an order of its own.",
    )


class UpgradeNotOpen(Conflict):
    code = "upgrade-not-open"
    title = Text("保障不可增加份数", "Not open for an upgrade")
    detail = Text(
        "保障未生效、已结束或即将结束，不能提档升级。",
        "The policy is not in force, has ended, or ends before anything added could begin.",
    )


class UntrustedNotice(Problem):
    status = 401
    code = "untrusted-notice"
    title = Text("通知不可信", "Notice not trusted")
    detail = Text("签名或时间无效。", "The signature or its time is not valid.")


class UnknownTrade(NotFound):
    code = "unknown-trade"
    title = Text("没有这笔交易", "Unknown trade")
    detail = Text("没有找到对应的订单或退款。", "No order or refund has this number.")


class NoticeDiffers(Conflict):
    code = "notice-differs"
    title = Text("通知内容与订单不符", "The notice differs from the order")
    detail = Text(
        "商户、应用、金额、币种或交易号与订单不符，已告警。",
        "Merchant, app, amount, currency or transaction differ from the order's; staff were told.",
    )


CONSTRAINTS: dict[str, type[Problem]] = {
    "uq_policy__follows_id": AlreadyRenewed,
    "uq_contribution_order__one_open": OrderAlreadyOpen,
    "uq_payment_attempt__transaction_id": NoticeDiffers,
    "refund_within_payment": RefundNotOffered,
    "uq_payment_agreement__live": AgreementExists,
}
