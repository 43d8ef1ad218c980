"""What is refused once a claim was decided, is passed between people, or of its receipts."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from app.kernel.problems import Conflict, Forbidden, NotFound, Problem
from app.kernel.text import Text


class DecidedBefore(Conflict):
    code = "decided-before"
    title = Text("须由其他人办理申诉", "Other people decide an appeal")
    detail = Text(
        "您参与过此申领之前的决定，申诉须由其他人办理。",
        "You took part in the decision that is appealed against; other people decide it.",
    )


class NothingMore(Conflict):
    """What was paid stays paid; a later round can only add to it or leave it."""

    code = "nothing-more"
    title = Text("没有可以补付的金额", "Nothing more to pay")
    detail = Text(
        "核定金额不高于已给付金额，请维持原决定。",
        "It comes to no more than was paid before: uphold the decision instead.",
    )

    def __init__(self, paid_before_fen: int, amount_fen: int | None = None) -> None:
        super().__init__(extensions={"paid_before_fen": paid_before_fen, "amount_fen": amount_fen})


class NothingToUphold(Conflict):
    code = "nothing-to-uphold"
    title = Text("没有可维持的决定", "Nothing to uphold")
    detail = Text(
        "此申领之前没有决定，请同意或不予。",
        "Nothing was decided before: approve or deny.",
    )


class SignalsOpen(Conflict):
    """Something odd was noticed that nobody has judged; `signals` names it."""

    code = "signals-open"
    title = Text("有尚未核实的提示", "Signals are open")
    detail = Text(
        "请先逐一核实提示；如未看到，请重新领取此申领。",
        "Judge each signal first; take the claim again to see those that are new.",
    )

    def __init__(self, kinds: Sequence[str]) -> None:
        super().__init__(extensions={"signals": list(kinds)})


class SignalNotFound(NotFound):
    code = "signal-not-found"
    title = Text("没有这项提示", "No such signal")
    detail = Text("此申领没有这项提示。", "The claim has no such signal.")


class SignalJudged(Conflict):
    code = "signal-judged"
    title = Text("提示已核实", "Judged before")
    detail = Text(
        "此提示已有核实结论，不能更改。", "Somebody has judged the signal; their word stays."
    )


class JudgedByAnother(Forbidden):
    code = "judged-by-another"
    title = Text("须由他人核实", "Somebody else has to judge")
    detail = Text(
        "此提示与您有关，须由他人核实。", "The signal is about you; somebody else judges it."
    )


class AccountBeingChecked(Conflict):
    code = "account-being-checked"
    title = Text("收款账户核对中", "The account is being checked")
    detail = Text(
        "收款账户正在核对，请稍后再试，或登记其他账户；改用的账户有时也须先核对，"
        "急需用款请联系经办机构。",
        "The account to pay to is being checked: try later, or record another one, which may have"
        " to be looked at as well; ask your office if it is urgent.",
    )


class NotDecided(Conflict):
    code = "not-decided"
    title = Text("尚未作出决定", "Not decided")
    detail = Text(
        "决定已作出且给付已完成(或不予给付)后方可办理。",
        "That is possible once the claim is denied, or approved and paid.",
    )


class AppealedBefore(Conflict):
    code = "appealed-before"
    title = Text("已申诉过", "Appealed before")
    detail = Text("每份申领只能申诉一次。", "A claim can be appealed once.")


class AppealTooLate(Conflict):
    """The days for an appeal are over; `until` says when they ended."""

    code = "appeal-too-late"
    title = Text("申诉期限已过", "Too late for an appeal")
    detail = Text("申诉期限已于 {until} 结束。", "An appeal was possible until {until}.")

    def __init__(self, until: datetime) -> None:
        super().__init__(extensions={"until": until.isoformat()}, until=until.isoformat())


class DecidedAlready(Conflict):
    code = "decided-already"
    title = Text("已作出过决定", "Decided already")
    detail = Text(
        "此申领已作出过决定，不能再撤回。",
        "The claim was decided before and cannot be withdrawn any more.",
    )


class NothingToCome(Conflict):
    code = "nothing-to-come"
    title = Text("没有待付的款项", "No money is to come")
    detail = Text(
        "此申领已付清、不予给付或已撤回，没有款项待付。如不同意决定，请先申诉，再选择收款账户；"
        "已撤回的请重新申领。",
        "The claim is paid, denied or withdrawn, so that nothing is left to send. If you disagree"
        " with a decision, appeal first and choose then; after a withdrawal, open another claim.",
    )


class NoDecisionAwaited(Conflict):
    code = "no-decision-awaited"
    title = Text("此申领不待审核", "No decision is awaited")
    detail = Text(
        "困难标记只影响审核次序，此申领已有决定或已撤回。申诉或重新审核后，可再标记。",
        "Hardship only moves a claim ahead of a decision, and this one is decided or withdrawn."
        " Mark it once it is appealed against or reopened.",
    )


class ClockStands(Conflict):
    code = "clock-stands"
    title = Text("时限已暂停", "The clock stands already")
    detail = Text("审核时限已经暂停。", "The promise waits for something already.")


class HandoverOpen(Conflict):
    code = "handover-open"
    title = Text("已有待答复的移交", "A hand-over is open")
    detail = Text("此申领已提出移交，等待对方答复。", "It was offered to a colleague already.")


class HandoverNotFound(NotFound):
    code = "handover-not-found"
    title = Text("没有这项移交", "No such hand-over")
    detail = Text("没有找到该移交，或不是给您的。", "There is none, or it is not for you.")


class HandoverLapsed(Conflict):
    code = "handover-lapsed"
    title = Text("移交已失效", "The hand-over has lapsed")
    detail = Text("移交人已不再持有此申领。", "Who offered it does not hold the claim any more.")


class ColleagueNotFound(NotFound):
    code = "colleague-not-found"
    title = Text("没有这位同事", "No such colleague")
    detail = Text(
        "没有找到可审核此申领的该同事。",
        "There is no such colleague who may review this claim.",
    )


class NothingToCheck(Conflict):
    code = "nothing-to-check"
    title = Text("无需复查", "Nothing to check")
    detail = Text("此申领没有待复查事项。", "No after-check of this claim is due.")


class ReceiptNotFound(NotFound):
    code = "receipt-not-found"
    title = Text("没有该发票", "No such receipt")
    detail = Text("该申领没有这张发票。", "This claim has no such receipt.")


class ReceiptOnDocument(Conflict):
    code = "receipt-on-document"
    title = Text("材料上有该发票", "On a document")
    detail = Text(
        "这张发票是从所交材料上读出的，请先撤回该材料；金额或日期有误可重新填写。",
        "It was read from a document: take that back first. Type it again to correct its amount"
        " or day.",
    )


class ReceiptPaid(Conflict):
    code = "receipt-paid"
    title = Text("该申领已付过款", "Paid on already")
    detail = Text(
        "这份申领已凭所填发票付过款，发票不能再撤回。金额或日期有误可重新填写；"
        "号码有误请补填正确的发票，并告知经办机构。",
        "Money was paid on this claim's receipts, so none is taken back. Type it again to"
        " correct its amount or day; where a number is wrong, add the right receipt and tell"
        " your office.",
    )


class ReceiptNotCaptured(Conflict):
    """Receipts were accepted, and nobody noted number, day and amount of one: `documents` are
    those files, `capture` is how it is done."""

    code = "receipt-not-captured"
    title = Text("发票尚未录入", "Receipt not captured")
    detail = Text(
        "所交发票的代码、号码、日期和金额尚未录入，不能同意。请领取申领后通过 {capture} 录入"
        "（全电发票只有 20 位号码，无代码）；已进入复核的，请先退回。",
        "No receipt of this claim is captured: take the claim and type in code, number, day and"
        " amount with {capture} (a digital invoice has twenty digits and no code). Send a claim"
        " that awaits its second approval back first.",
    )

    def __init__(self, claim_id: UUID, documents: Sequence[UUID]) -> None:
        capture = f"POST /v1/staff/claims/{claim_id}/receipts"
        super().__init__(
            extensions={"documents": [str(each) for each in documents], "capture": capture},
            capture=capture,
        )


CONSTRAINTS: dict[str, type[Problem]] = {
    "ex_decision__other_people_on_appeal": DecidedBefore,
    "uq_claim_appeal__claim_id": AppealedBefore,
    "uq_claim_handover__open": HandoverOpen,
}
