"""What policies refuse."""

from app.kernel.problems import Conflict, NotFound, Problem, Unprocessable
from app.kernel.text import Text


class NotEligible(Unprocessable):
    code = "not-eligible"
    title = Text("不符合参保条件", "Not eligible")
    detail = Text(
        "不符合该保障活动的参保条件，原因见各项说明。", "Each rule that is not met is named."
    )


class SharesOverLimit(Conflict):
    code = "shares-over-limit"
    title = Text("超过可参保份数", "Over the limit of shares")
    detail = Text(
        "该时段内此保障活动的份数已达上限（含未支付的订单和各渠道赠送的份数）。",
        "The plan's maximum is reached for this period, over all channels, open orders included.",
    )


class PolicyNotFound(NotFound):
    code = "policy-not-found"
    title = Text("没有这份保障凭证", "No such policy")
    detail = Text("没有找到该保障凭证。", "There is no such policy, or it is not yours.")


class PolicyHasStarted(Conflict):
    code = "cover-has-started"
    title = Text("保障已经生效", "Cover has started")
    detail = Text(
        "保障已生效，不能按生效前规则办理。", "Cover has started; this is possible before it only."
    )


class NoCertificate(Conflict):
    code = "no-certificate"
    title = Text("凭证暂不可用", "No certificate yet")
    detail = Text("保障凭证生效后才能下载。", "A certificate exists once the policy is in force.")


class PolicyNotRunning(Conflict):
    code = "policy-not-running"
    title = Text("保障已不在有效状态", "The policy is not running")
    detail = Text("保障当前状态为 {status}。", "The policy is {status}.")


class CoverHasEnded(Conflict):
    code = "cover-has-ended"
    title = Text("保障已结束", "Cover has ended")
    detail = Text("保障已结束，或今日24时结束。", "Cover has ended, or ends with this day anyway.")


class RenewedAlready(Conflict):
    code = "renewed-already"
    title = Text("保障已续保", "Renewed already")
    detail = Text(
        "该保障已续保，请先办理续保凭证的退保。", "It was renewed; cancel the renewal first."
    )


class CancellationNotOffered(Conflict):
    code = "cancellation-not-offered"
    title = Text("该保障活动不支持退保", "The plan offers no cancellation")
    detail = Text(
        "按保障活动规则，现在不能退保。", "By the plan's rules it cannot be cancelled now."
    )


class PolicyNotCancelled(Conflict):
    code = "policy-not-cancelled"
    title = Text("保障未退保", "The policy is not cancelled")
    detail = Text(
        "只有已退保的保障可以恢复，当前状态为 {status}。",
        "Only cancelled cover is reinstated; this is {status}.",
    )


class MoratoriumOver(Conflict):
    code = "moratorium-over"
    title = Text("暂停到期已结束或已撤销", "The moratorium is over")
    detail = Text(
        "暂停到期已结束或已撤销，不能更改，可另行宣布。",
        "It is over or withdrawn and cannot be changed; declare another.",
    )


CONSTRAINTS: dict[str, type[Problem]] = {"ex_share_slot__one_holder": SharesOverLimit}
