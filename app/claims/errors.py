"""What claims refuse, with a reason code and what to do next."""

from collections.abc import Sequence
from datetime import datetime

from app.kernel.money import yuan
from app.kernel.problems import (
    Conflict,
    FieldError,
    Forbidden,
    NotFound,
    Problem,
    Unprocessable,
)
from app.kernel.text import Text
from app.plans.benefits import Condition, Words


class ClaimNotFound(NotFound):
    code = "claim-not-found"
    title = Text("没有这份申领", "No such claim")
    detail = Text("没有找到该申领。", "There is no such claim, or it is not yours.")


class SimulationNotFound(NotFound):
    code = "plan-simulation-not-found"
    title = Text("没有这次测算", "No such simulation")
    detail = Text("没有找到该测算。", "There is no such simulation, or it is not your office's.")


class DocumentNotFound(NotFound):
    code = "claim-document-not-found"
    title = Text("没有这份材料", "No such document")
    detail = Text("没有找到该材料。", "The claim has no such document.")


class IncidentInFuture(Unprocessable):
    code = "incident-in-future"
    title = Text("事故时间有误", "Incident in the future")
    detail = Text("事故时间晚于现在，请核对。", "The incident lies in the future; check its time.")


class NotCovered(Unprocessable):
    """The policy does not cover the incident; `reason_code` says why."""

    code = "incident-not-covered"
    title = Text("事故不在保障期内", "Incident not covered")
    detail = Text("{explanation_zh}", "{explanation_en}")

    def __init__(self, reason: str, explanation: Text, **fields: object) -> None:
        super().__init__(
            extensions={"reason_code": reason},
            explanation_zh=explanation.in_language("zh", **fields),
            explanation_en=explanation.in_language("en", **fields),
        )


NOT_COVERED: dict[str, Text] = {
    "not_started": Text(
        "事故发生时保障尚未生效。如有其他保障凭证，请用该凭证申领。",
        "Cover had not started. If you have another policy, claim under that one.",
    ),
    "in_grace": Text(
        "事故发生在原保障结束之后、续保付款之前，不在保障之内。",
        "It happened after the old cover had ended and before the renewal was paid: not covered.",
    ),
    "pending_identity": Text(
        "事故发生时尚未完成实名核验，保障未生效。可向站点经办人员咨询。",
        "Cover was waiting for the identity check. Ask a caseworker at your site.",
    ),
    "unpaid": Text("订单未支付，没有保障。", "The order was not paid, so there was no cover."),
    "ended": Text(
        "事故发生时保障已结束。如已续保，请用新的保障凭证申领。",
        "Cover had ended. If you renewed, claim under the new policy.",
    ),
    "cancelled": Text("该凭证已退保。", "The policy was cancelled."),
    "void": Text("该凭证无效，请咨询经办机构。", "The policy is void; ask your office."),
    "waiting": Text(
        "该保障责任在等待期内，{until}起生效。",
        "This benefit waits until {until}.",
    ),
    "past_deadline": Text(
        "已超过申领期限（事故后 {days} 天）。如有特殊原因，请联系经办机构。",
        "The deadline of {days} days after the incident has passed. Ask your office.",
    ),
    "no_policy": Text(
        "没有参加该保障活动，因此没有保障。", "You do not hold this plan, so there is no cover."
    ),
    "cause": Text(
        "该保障责任不包含此类原因，请选择其他保障责任。",
        "This benefit does not cover this cause; choose another.",
    ),
}


class DocumentNotAskedFor(Unprocessable):
    """The plan does not ask for this kind; `asked_for` lists those it does."""

    code = "document-not-asked-for"
    title = Text("不需要这类材料", "Not asked for")
    detail = Text("此申领不需要这类材料。", "This claim does not ask for this kind of document.")

    def __init__(self, asked_for: Sequence[str]) -> None:
        super().__init__(extensions={"asked_for": list(asked_for)})


class SameFile(Unprocessable):
    code = "same-file"
    title = Text("同一文件已上传", "The same file")
    detail = Text(
        "同一个文件已作为另一类材料上传，请上传对应的材料。",
        "This very file was sent for another kind; send the right document.",
    )


class TooManyFiles(Conflict):
    code = "too-many-files"
    title = Text("文件过多", "Too many files")
    detail = Text("每类材料最多 9 个文件。", "At most 9 files for each kind.")


class DocumentsClosed(Conflict):
    code = "documents-closed"
    title = Text("现在不能修改材料", "Documents closed")
    detail = Text(
        "申领已提交，审核期间不能修改材料。",
        "Documents cannot be changed while the claim is being reviewed.",
    )


class MissingDocuments(Conflict):
    """Not everything is there; `missing` names the kinds."""

    code = "missing-documents"
    title = Text("材料不全", "Documents are missing")
    detail = Text("请先上传：{names_zh}。", "Upload first: {names_en}.")

    def __init__(self, missing: Sequence[str], names: Sequence[Words]) -> None:
        super().__init__(
            extensions={"missing": list(missing)},
            names_zh="、".join(name.zh for name in names),
            names_en=", ".join(name.en for name in names),
        )


class DocumentsNotAccepted(Conflict):
    """Approval needs every document accepted; `open` names those that are not."""

    code = "documents-not-accepted"
    title = Text("材料尚未全部通过", "Documents not accepted")
    detail = Text("请先审核完所有材料。", "Accept or return every document first.")

    def __init__(self, still_open: Sequence[str]) -> None:
        super().__init__(extensions={"open": list(still_open)})


class ReceiptUsed(Conflict):
    code = "receipt-used"
    title = Text("该发票已用于申领", "Receipt used before")
    detail = Text(
        "同一张发票只能用于一份申领。请核对代码和号码；如另一份申领有误，请先撤回该申领，"
        "仍有疑问请联系经办机构。",
        "One receipt serves one claim. Check its code and number; if the other claim was a"
        " mistake, withdraw that one first, or ask your office.",
    )


class UnknownFact(Unprocessable):
    code = "unknown-fact"
    title = Text("所填信息有误", "Facts cannot be used")
    detail = Text(
        "有的信息该保障责任不需要，或填写有误，见各项说明。",
        "A fact is not used by this benefit, or is not what it can be; see each error.",
    )


class LeaseHeld(Conflict):
    """Somebody else is reviewing; `until` says how long at most."""

    code = "lease-held"
    title = Text("他人正在审核", "Being reviewed")
    detail = Text("另一位审核员正在处理此申领。", "Another reviewer has this claim.")

    def __init__(self, until: datetime) -> None:
        super().__init__(extensions={"until": until.isoformat()})


class LeaseNeeded(Conflict):
    code = "lease-needed"
    title = Text("请先领取", "Take it first")
    detail = Text(
        "请先领取此申领（10 分钟内有效）再审核。",
        "Take the claim first; a lease lasts 10 minutes.",
    )


class NotReviewable(Conflict):
    code = "not-reviewable"
    title = Text("当前状态不能审核", "Not to be reviewed now")
    detail = Text("当前状态为 {status}，不能审核。", "It is {status} and cannot be reviewed.")


class ConflictOfInterest(Forbidden):
    code = "conflict-of-interest"
    title = Text("须由他人办理", "Somebody else has to decide")
    detail = Text(
        "您提交了此申领或为其办理了入会，须由他人审核。",
        "You submitted this claim or enrolled its member; somebody else has to decide.",
    )


class SecondPersonNeeded(Conflict):
    code = "second-person-needed"
    title = Text("须由另一人复核", "A second person is needed")
    detail = Text("您已作出第一次决定，须由另一人复核。", "You took the first decision.")


class ConditionNotMet(Unprocessable):
    """The plan's condition fails for these facts; `reason_code` is one to deny with."""

    code = "condition-not-met"
    title = Text("不符合给付条件", "A condition is not met")
    detail = Text("不符合给付条件，不能同意。", "The plan's terms do not allow an approval.")

    def __init__(self, reason: str, failed: Sequence[Condition] = ()) -> None:
        super().__init__(
            errors=[
                FieldError("", each.code, Text(each.words.zh, each.words.en)) for each in failed
            ],
            extensions={"reason_code": reason},
        )


class AmountDue(Unprocessable):
    """Denied as worth nothing, while the plan pays `amount_fen` for the facts as known."""

    code = "amount-due"
    title = Text("按约定应予给付", "Something is payable")
    detail = Text(
        "按已知信息应付 {yuan} 元，不能以应付为零为由不予给付。请核对信息。",
        "For the facts as known {yuan} yuan are payable: it cannot be denied as coming to"
        " nothing. Check the facts.",
    )

    def __init__(self, amount_fen: int) -> None:
        super().__init__(extensions={"amount_fen": amount_fen}, yuan=yuan(amount_fen))


class UnknownReason(Unprocessable):
    """A claim is denied for a general reason or by a condition of its benefit."""

    code = "unknown-reason"
    title = Text("没有这个理由", "No such reason")
    detail = Text(
        "请使用通用理由，或该保障责任自身条件的编码：{known}。",
        "Use a general reason or the code of one of the benefit's conditions: {known}.",
    )

    def __init__(self, known: Sequence[str]) -> None:
        words = Text("没有这个理由", "There is no such reason.")
        super().__init__(
            errors=[FieldError("/reason_code", self.code, words)], known=", ".join(known)
        )


class AmountChanged(Conflict):
    code = "amount-changed"
    title = Text("金额已变化", "The amount changed")
    detail = Text(
        "限额使用情况已变化，请退回重新审核。",
        "Limits were used meanwhile; return it to be reviewed again.",
    )


class NoteNeeded(Unprocessable):
    code = "note-needed"
    title = Text("请填写说明", "A note is needed")
    detail = Text("请说明需要如何处理。", "Say what has to be done.")


CONSTRAINTS: dict[str, type[Problem]] = {
    "uq_claim_document__fingerprint": SameFile,
    "uq_claim_receipt__live": ReceiptUsed,
    "uq_decision__two_people": SecondPersonNeeded,
    "uq_decision__claim_id_round_step": NotReviewable,
}
