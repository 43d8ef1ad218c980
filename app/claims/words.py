"""Coded reasons and statuses in plain words."""

from typing import Literal

from app.kernel.text import Text

ReturnReason = Literal[
    "unreadable", "wrong-document", "incomplete", "name-differs", "out-of-date", "see-note"
]
FactChangeReason = Literal["as-on-document", "calculation-corrected", "member-corrected"]
PauseReason = Literal["hospital-asked", "police-asked", "insurer-asked", "assessor-asked"]
SignalKind = Literal[
    "same-invoice",
    "same-invoice-number",
    "same-file",
    "near-image",
    "outside-cover",
    "early-incident",
    "dated-before",
    "same-event",
    "shared-account",
    "account-after-doubt",
    "own-enrolment",
]
ShownAs = Literal[
    "draft",
    "received",
    "your_turn",
    "being_checked",
    "agreed",
    "not_agreed",
    "paid",
    "withdrawn",
]

RETURN_REASONS: dict[str, Text] = {
    "unreadable": Text("看不清，请重新拍照上传", "Not readable: photograph it again."),
    "wrong-document": Text("不是所需的材料，请上传正确的材料", "Another document is needed here."),
    "incomplete": Text("缺页或不完整，请补齐后上传", "Pages are missing: send all of it."),
    "name-differs": Text("姓名与本人不一致，请核对", "It names somebody else: check it."),
    "out-of-date": Text("日期与事故不符，请核对", "Its date does not fit the incident: check it."),
    "see-note": Text("请按审核说明处理", "See the reviewer's note."),
}
DENIAL_REASONS: dict[str, Text] = {
    "not-covered": Text("事故不在保障范围内", "The incident is not covered."),
    "excluded": Text("属于免责情形", "The plan excludes this case."),
    "not-an-accident": Text("不属于意外事故", "It was not an accident."),
    "hospital-grade-too-low": Text(
        "医院等级不符合约定", "The hospital's grade is below the plan's."
    ),
    "nothing-payable": Text("按约定计算应付为零", "By the plan's terms nothing is payable."),
    "not-genuine": Text("材料不属实", "The documents are not genuine."),
    "claimed-before": Text("该事故已申领过", "The incident was claimed before."),
    "paid-once": Text("该保障责任已给付并终止", "The benefit was paid before and has ended."),
    "condition-not-met": Text("不符合约定的给付条件", "A condition of the plan is not met."),
    "used-up": Text("本保障期的限额已用完", "The limit of the term is used up."),
}
FACT_CHANGE_REASONS: dict[str, Text] = {
    "as-on-document": Text("以材料记载为准", "As it stands on the document."),
    "calculation-corrected": Text("更正计算", "A calculation was corrected."),
    "member-corrected": Text("按本人更正", "As the member corrected it."),
}
# What a person is asked to look into.
SIGNAL_WORDS: dict[SignalKind, Text] = {
    "same-invoice": Text("发票号码与另一份申领相同", "The invoice is on another claim as well."),
    "same-invoice-number": Text(
        "发票号码与另一份申领相同，其中一份未填代码",
        "An invoice of this number is on another claim as well; one of them has no code.",
    ),
    "same-file": Text("文件与另一份申领相同", "The file was sent with another claim as well."),
    "near-image": Text(
        "图片与另一份申领的图片几乎相同", "The picture looks like one of another claim."
    ),
    "outside-cover": Text("事故不在现行保障之内", "The cover does not reach the incident."),
    "early-incident": Text(
        "事故发生在保障开始后不久", "The incident came soon after the start of cover."
    ),
    "dated-before": Text("材料日期早于事故日期", "A paper is dated before the incident."),
    "same-event": Text(
        "同一人同一日的事故有另一份申领",
        "The person has another claim about an incident of the same day.",
    ),
    "shared-account": Text(
        "银行账户同时登记在他人名下", "The bank account is another person's as well."
    ),
    "account-after-doubt": Text(
        "原收款账户经核实有问题，改用其他收款方式须另行核实",
        "Another way to be paid, after an account was found to be somebody else's as well.",
    ),
    "own-enrolment": Text(
        "领取此申领的人曾为该会员办理参保",
        "Whoever took the claim once enrolled its member.",
    ),
}
# Why a promise stood still.
STOP_REASONS: dict[str, Text] = {
    "waiting-for-member": Text("等待您补充材料", "Waiting for your documents"),
    "account-needed": Text("等待您登记收款方式", "Waiting for somewhere to pay to"),
    "payee-died": Text("等待继承人办理", "Waiting for the survivors and their papers"),
    "account-checked": Text("正在核对收款账户", "The account to pay to is being checked"),
    "hospital-asked": Text("等待医院答复", "Waiting for the hospital's answer"),
    "police-asked": Text("等待公安机关答复", "Waiting for the police's answer"),
    "insurer-asked": Text("等待保险机构答复", "Waiting for an insurer's answer"),
    "assessor-asked": Text("等待鉴定机构答复", "Waiting for an assessor's answer"),
}
REOPENING_REASONS: dict[str, Text] = {
    "new-evidence": Text("有新的证据", "There is new evidence."),
    "mistake": Text("更正错误", "A mistake is corrected."),
}
OTHER_REASONS: dict[str, Text] = {
    **STOP_REASONS,
    **REOPENING_REASONS,
    "appeal": Text("本人申诉，由上级机构办理", "On appeal, decided by the organisation above"),
    "upheld": Text("维持原决定", "The decision stands."),
    "payout-failed": Text("给付未成功，将重新办理", "The payout failed and is sent again."),
    "by-rule": Text("按规则自动核定", "Decided by rule"),
}
# What the member reads instead of the internal status.
SHOWN_AS: dict[str, ShownAs] = {
    "draft": "draft",
    "submitted": "received",
    "under_review": "being_checked",
    "waiting_for_member": "your_turn",
    "awaiting_second_approval": "being_checked",
    "approved": "agreed",
    "denied": "not_agreed",
    "paying": "agreed",
    "paid": "paid",
    "withdrawn": "withdrawn",
    "appealed": "being_checked",
    "reopened": "being_checked",
}
SHOWN_WORDS: dict[ShownAs, Text] = {
    "draft": Text("草稿", "Draft"),
    "received": Text("已收到", "Received"),
    "your_turn": Text("需要您处理", "Your turn"),
    "being_checked": Text("审核中", "Being checked"),
    "agreed": Text("已同意", "Agreed"),
    "not_agreed": Text("未同意", "Not agreed"),
    "paid": Text("已到账", "Paid"),
    "withdrawn": Text("已撤回", "Withdrawn"),
}
RETURNED_WORDS = Text("材料被退回，请重新提交", "A document came back: send it again.")
LATE_WORDS: dict[str, Text] = {
    "review": Text(
        "超过承诺的审核日期，已转上级机构督办",
        "The promised day of decision has passed; the organisation above has taken it up.",
    ),
    "payout": Text(
        "超过承诺的给付日期，已转上级机构督办",
        "The promised day of payment has passed; the organisation above has taken it up.",
    ),
}
STATUS_WORDS: dict[str, Text] = {
    "draft": Text("草稿", "Draft"),
    "submitted": Text("已提交，等待审核", "Submitted, waiting for review"),
    "under_review": Text("审核中", "Under review"),
    "waiting_for_member": Text("请补充材料", "Waiting for your documents"),
    "awaiting_second_approval": Text("复核中", "With a second approver"),
    "approved": Text("已同意", "Approved"),
    "denied": Text("不予给付", "Denied"),
    "paying": Text("给付中", "Being paid"),
    "paid": Text("已到账", "Paid"),
    "withdrawn": Text("已撤回", "Withdrawn"),
    "appealed": Text("申诉中", "Appealed"),
    "reopened": Text("重新审核", "Reopened"),
}
NEXT_STEPS: dict[str, Text] = {
    "draft": Text("请补齐材料后提交", "Add what is missing, then submit."),
    "submitted": Text("无需操作，请等待审核", "Nothing to do: the review comes next."),
    "under_review": Text("无需操作，请等待审核结果", "Nothing to do: the review is under way."),
    "waiting_for_member": Text(
        "请替换退回的材料后重新提交", "Replace what was returned, then submit."
    ),
    "awaiting_second_approval": Text(
        "无需操作，请等待复核", "Nothing to do: a second person looks."
    ),
    "approved": Text(
        "请登记收款账户或在微信小程序登录，以便给付",
        "Record a bank account or log in through WeChat, so that it can be paid.",
    ),
    "paying": Text(
        "请在微信中确认收款，或等待银行到账", "Confirm in WeChat, or wait for the bank."
    ),
    "appealed": Text(
        "无需操作；审核开始前可补充材料", "Nothing to do; you may still add documents."
    ),
    "reopened": Text("无需操作，请等待审核结果", "Nothing to do: it is looked at again."),
}
# While an appeal is possible.
MAY_APPEAL = Text("如不同意，可在期限内申诉一次", "If you disagree, you may appeal once, in time.")
# What became of a report of a death.
REPORT_WORDS: dict[str, Text] = {
    "reported": Text("已收到，等待经办机构核实", "Received; an office looks at it"),
    "confirmed": Text("已确认", "Confirmed"),
    "declined": Text("未予确认，请到经办机构办理", "Not confirmed; ask at an office"),
    "withdrawn": Text("已撤销", "Withdrawn"),
}
