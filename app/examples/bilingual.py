"""Examples of what is said in both languages, by member and by `View.member`."""

from collections.abc import Mapping
from typing import Any


def _both(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh, "en": en}


PLAN = _both("骑手意外伤害互助保障", "Rider accident mutual aid")
MEDICAL = _both("意外医疗互助金", "Medical benefit after an accident")
RECORD = _both("病历", "Medical record")
SELF_PAY = _both("个人自付金额", "What was paid oneself")
FUND = _both("职工互助救助基金", "Relief fund")
SCHEME = _both("基本医疗保险", "Basic medical insurance")

BILINGUAL: Mapping[str, Any] = {
    "plan_name": PLAN,
    "benefit_name": MEDICAL,
    "fund": FUND,
    "ground_words": _both("重大疾病", "Serious illness"),
    "price_words": _both("每份 25.00 元", "25.00 yuan a share"),
    "shown_as_text": _both("已支付", "Paid"),
    "status_text": _both("已支付", "Paid"),
    "schemes[]": SCHEME,
    "before_start": _both("全额退还互助费", "The whole contribution goes back"),
    "after_start": _both("不退还互助费", "Nothing goes back"),
    "demonstration[]": _both("金额为演示数据", "The amounts are demonstration data"),
    "issuer": _both("某市总工会", "A municipal union"),
    "late_price": _both("按剩余月数缴费", "By the months that are left"),
    "summary": _both(
        "意外身故、伤残、医疗和住院津贴", "Death, disability, treatment, hospital days"
    ),
    "trigger": _both("因意外伤害接受治疗", "Treatment after an accident"),
    "words": SELF_PAY,
    "BenefitCoverView.name": MEDICAL,
    "BenefitCoverView.code": "MED",
    "BenefitView.name": MEDICAL,
    "BenefitWordsView.pays": _both("自付部分的 80%", "80% of what was paid oneself"),
    "ChangedFactView.text": _both(
        "个人自付金额由 4,000.00 元改为 3,500.00 元",
        "What was paid oneself: 3,500.00 yuan instead of 4,000.00",
    ),
    "ChangedFactView.reason": _both("发票金额不符", "The receipt says otherwise"),
    "ClaimEstimateView.reason": None,
    "DeathReportView.status_text": _both("已确认", "Confirmed"),
    "DescribedOptionView.name": _both("甲档", "Option A"),
    "DescribedOptionView.deposit": None,
    "DifferenceView.words": _both(
        "意外医疗的限额由 1 万元改为 2 万元", "The limit of MED is doubled"
    ),
    "DocumentNeededView.name": RECORD,
    "FailedConditionView.words": _both(
        "医院须为二级以上", "A hospital of the second grade or more"
    ),
    "FaultView.message": _both("互助金缺少上限", "The benefit has no limit"),
    "FormulaLine.name": _both("困难救助办法", "Hardship relief"),
    "FormulaView.name": _both("困难救助办法", "Hardship relief"),
    "FundView.name": FUND,
    "OptionView.name": _both("甲档", "Option A"),
    "PaperView.name": _both("身份证件", "Identity document"),
    "PlanCoverView.explanation": _both("在保障期内", "Within the days of cover"),
    "PlanPage.name": PLAN,
    "PlanSummary.name": PLAN,
    "PlanVersionLine.name": PLAN,
    "PlanVersionView.name": PLAN,
    "PriceShareView.amount": _both("每份 25.00 元", "25.00 yuan a share"),
    "RaiseView.price": _both("按剩余天数补差价", "The difference for the days that are left"),
    "RequiredDocumentView.name": RECORD,
    "RuleView.message": _both("请补选“身体健康”声明。", "State that you are healthy."),
    "SaidView.zh": "医保报销后自付的部分",
    "SaidView.en": "What is left after public insurance",
    "SignalLine.text": _both("两张发票号码相同", "The same receipt in two claims"),
    "SignalView.text": _both("两张发票号码相同", "The same receipt in two claims"),
    "StatedView.words": _both("本人身体健康，能正常工作。", "I am healthy and able to work."),
    "StatementView.words": _both("所填内容属实。", "What is stated is true."),
    "StopView.reason": _both("等待会员补交材料", "The member is asked for a document"),
    "TableSummary.words": _both("人身保险伤残评定标准", "Disability grades"),
    "TableView.words": _both("人身保险伤残评定标准", "Disability grades"),
    "TimelineEntry.text": _both("申领已提交", "The claim was submitted"),
    "UpgradeView.shares": _both("可加购份数", "Shares can be added"),
    "WaitingView.name": _both("住院津贴", "Hospital days"),
}
