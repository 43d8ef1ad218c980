"""What registering, proving an identity and consenting refuse."""

from collections.abc import Sequence
from datetime import datetime

from app.kernel.problems import Conflict, Gone, NotFound, Problem, TooManyRequests, Unprocessable
from app.kernel.text import Text


class IdentityRequired(Conflict):
    code = "identity-required"
    title = Text("请先完成实名核验", "Identity check needed")
    detail = Text(
        "请先完成入会登记和实名核验，再办理此事项。",
        "Finish the registration and pass an identity check first.",
    )


class RegistrationExists(Conflict):
    code = "registration-exists"
    title = Text("已有未完成的登记", "A registration is open")
    detail = Text(
        "您有一份未完成的登记，请继续填写，或先放弃它。",
        "You have a registration that is not finished: continue it, or abandon it first.",
    )


class AlreadyRegistered(Conflict):
    code = "already-registered"
    title = Text("已完成登记", "Already registered")
    detail = Text("此账号已完成实名登记。", "This account has completed its registration.")


class RegistrationIncomplete(Conflict):
    code = "registration-incomplete"
    title = Text("登记内容不完整", "Registration incomplete")
    detail = Text("请先补全登记内容。", "Fill in what is still missing first.")

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(extensions={"missing": list(missing)})


class RegistrationChecking(Conflict):
    code = "registration-checking"
    title = Text("正在核验身份", "Identity check running")
    detail = Text(
        "身份核验进行中，结束后才能修改登记内容。",
        "The registration can be changed once the running identity check has ended.",
    )


class ConsentOutdated(Conflict):
    code = "consent-outdated"
    title = Text("同意书已更新", "The text has a new version")
    detail = Text("同意书已有新版本，请重新阅读后同意。", "Show the present version and ask again.")

    def __init__(self, present: dict[str, int]) -> None:
        super().__init__(extensions={"present_versions": present})


class ConsentNeeded(Conflict):
    code = "consent-needed"
    title = Text("需要单独同意", "A separate consent is needed")
    detail = Text(
        "人脸核验需要您单独同意；也可请经办人员当面查看证件，效力相同。",
        "A face check needs its own consent; a caseworker may look at the card instead.",
    )

    def __init__(self, purpose: str) -> None:
        super().__init__(extensions={"purpose": purpose, "other_route": "attestation"})


class FaceCheckUnsupported(Conflict):
    code = "face-check-unsupported"
    title = Text("该证件不支持线上核验", "No online check for this document")
    detail = Text(
        "该类证件请由经办人员当面查看。", "A caseworker has to look at this type of document."
    )


class IdentityCheckRunning(Conflict):
    code = "identity-check-running"
    title = Text("核验进行中", "A check is running")
    detail = Text(
        "已有一次核验在进行，请等待结果。", "One identity check is already running; wait for it."
    )


class IdentityCheckAnswered(Conflict):
    code = "identity-check-answered"
    title = Text("核验结果已收到", "Already answered")
    detail = Text("该次核验的结果已经收到。", "The result of this check was received before.")


class IdentityTriesUsedUp(TooManyRequests):
    code = "identity-tries-used-up"
    title = Text("今日核验次数已用完", "No tries left today")
    detail = Text(
        "今日核验次数已用完，请明天再试，或请经办人员当面查看证件。",
        "Try again tomorrow, or show the card to a caseworker.",
    )


class UntrustedCallback(Problem):
    status = 401
    code = "untrusted-callback"
    title = Text("回调不可信", "Callback not trusted")
    detail = Text("签名或时间无效。", "The signature or its time is not valid.")


class AttestationDiffers(Unprocessable):
    code = "attestation-differs"
    title = Text("与登记内容不一致", "Differs from the registration")
    detail = Text(
        "录入的证件与登记内容不一致，请核对证件。",
        "What was entered differs from the registration; compare it with the card.",
    )


class NameDiffers(Conflict):
    code = "name-differs"
    title = Text("姓名与已核验的不同", "Another name was verified")
    detail = Text(
        "该证件已用另一姓名核验，请到机构窗口更正。",
        "This document was verified under another name; have it corrected at an office.",
    )


class DocumentTaken(Conflict):
    code = "try-again"
    title = Text("请重试", "Try again")
    detail = Text("同时有相同的操作，请重试。", "The same was done at the same moment; try again.")


class DocumentOfAnother(Conflict):
    code = "document-of-another"
    title = Text("该证件已属于另一位会员", "The document is another member's")
    detail = Text(
        "该证件已核验为另一位会员所有，不能更正到此会员名下，请报主管处理。",
        "This document proves another member; a supervisor has to look at both.",
    )


class CodeUnknown(NotFound):
    code = "enrolment-code-unknown"
    title = Text("入会码无效", "Unknown enrolment code")
    detail = Text("入会码无效，请重新扫码。", "Scan the code again.")


class MemberBlocked(Conflict):
    """A death was confirmed: nothing but claims and retention uses the data any more."""

    code = "member-blocked"
    title = Text("会员信息已封存", "Member blocked")
    detail = Text(
        "该会员已登记身故，信息已封存，仅可用于理赔和依法保存。如登记有误，请由主管撤销。",
        "The member's death is on record: the data is blocked for all but claims and retention."
        " If that is a mistake, a supervisor withdraws the report.",
    )

    def __init__(self, since: datetime) -> None:
        super().__init__(extensions={"reason": "death", "since": since.isoformat()})


class CodeGone(Gone):
    code = "enrolment-code-gone"
    title = Text("入会码已失效", "Enrolment code no longer valid")
    detail = Text(
        "入会码已过期或已停用，请向站点索取新码。", "It expired or was revoked; ask for a new one."
    )

    def __init__(self, reason: str, since: datetime) -> None:
        super().__init__(extensions={"reason": reason, "since": since.isoformat()})


CONSTRAINTS: dict[str, type[Problem]] = {
    "uq_person__verified_document": DocumentTaken,
    "uq_person__claimed_document": DocumentTaken,
    "uq_member__person_id": DocumentTaken,
    "uq_registration__live_account": RegistrationExists,
    "uq_identity_check__live_registration": IdentityCheckRunning,
    "uq_consent__live_account": DocumentTaken,
    "uq_consent__live_registration": DocumentTaken,
}

# Reasons of identity checks that did not pass, in plain words.
CHECK_REASONS: dict[str, Text] = {
    "mismatch": Text("人脸与证件照片不一致", "The face does not match the document."),
    "liveness_failed": Text(
        "未能确认是本人操作，请在光线充足处重试",
        "The camera could not confirm a living person; try again in good light.",
    ),
    "invalid_number": Text("姓名与证件号码不符", "Name and number do not belong together."),
    "unsupported_document": Text(
        "该证件不支持线上核验，请经办人员当面查看",
        "This document cannot be checked online; show it to a caseworker.",
    ),
    "timed_out": Text("核验超时，请重试", "The check was not finished in time; try again."),
    "abandoned": Text("登记已放弃", "The registration was abandoned."),
    "member_blocked": Text(
        "该身份信息已封存，请到工会窗口办理", "This identity is blocked; ask at a union office."
    ),
    "consent_withdrawn": Text("已撤回同意", "The consent was withdrawn."),
    "attested": Text(
        "经办人员已当面查看证件", "A caseworker looked at the card, so no face was needed."
    ),
}
