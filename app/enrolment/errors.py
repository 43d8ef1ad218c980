"""What enrolling at a site refuses."""

from app.kernel.problems import Conflict, Problem, Unavailable
from app.kernel.text import Text


class ClientRefReused(Conflict):
    code = "client-ref-reused"
    title = Text("编号已用于其他登记", "client_ref reused")
    detail = Text(
        "同一个 client_ref 已用于内容不同的登记，请换一个新的编号。",
        "This client_ref was used with other content; make a new one.",
    )


class SponsorMissing(Conflict):
    code = "sponsor-missing"
    title = Text("没有出资方", "No sponsor")
    detail = Text(
        "该入会码没有出资方，请由会员本人支付。",
        "The enrolment code names no sponsor; let the member pay.",
    )


class MiniProgramCodeUnavailable(Unavailable):
    code = "mini-program-code-unavailable"
    title = Text("小程序码暂时无法生成", "No mini-program code just now")
    detail = Text(
        "微信暂时没有返回小程序码，请稍后重试，或使用二维码图片。",
        "WeChat returned no code; retry later, or use the QR image.",
    )


CONSTRAINTS: dict[str, type[Problem]] = {"uq_on_site_enrolment__client_ref": ClientRefReused}
