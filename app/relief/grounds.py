"""Why relief is asked for, what papers prove it, and the facts that every formula may use."""

from collections.abc import Mapping
from typing import Literal

from app.kernel.text import Text

Ground = Literal[
    "illness",
    "accident",
    "disaster",
    "spouse_illness",
    "child_illness",
    "parent_illness",
    "hardship",
]
# No ground, and no fact, asks where somebody's household is registered.
GROUNDS: Mapping[str, Text] = {
    "illness": Text("本人患病", "Own illness"),
    "accident": Text("本人意外伤害", "Own accident"),
    "disaster": Text("自然灾害或火灾等", "Disaster"),
    "spouse_illness": Text("配偶患病", "Illness of the spouse"),
    "child_illness": Text("子女患病", "Illness of a child"),
    "parent_illness": Text("父母患病", "Illness of a parent"),
    "hardship": Text("其他突发困难", "Other sudden hardship"),
}
ReliefDocumentKind = Literal[
    "identity",
    "medical_record",
    "receipt",
    "household_members",
    "income_proof",
    "loss_proof",
    "hardship_statement",
]
DOCUMENTS: Mapping[str, Text] = {
    "identity": Text("身份证明", "Identity"),
    "medical_record": Text("诊断证明或病历", "Medical record"),
    "receipt": Text("费用票据", "Receipts"),
    "household_members": Text("家庭成员证明", "Proof of who belongs to the household"),
    "income_proof": Text("收入证明", "Proof of income"),
    "loss_proof": Text("损失证明", "Proof of the loss"),
    "hardship_statement": Text("困难情况说明", "Statement of the hardship"),
}
SITUATIONS: Mapping[str, Text] = {
    "ordinary": Text("一般家庭", "Ordinary"),
    "low_income": Text("低保家庭", "On minimum income support"),
    "near_low_income": Text("低保边缘家庭", "Just above minimum income support"),
    "extreme_hardship": Text("特困供养", "In extreme hardship"),
    "single_parent": Text("单亲家庭", "One parent alone"),
    "disability": Text("有残疾成员", "With a disabled member"),
    "no_earner": Text("无人就业", "Without an earner"),
}
# Why a case or a household's file moved, as the history says it to whoever it is about.
REASONS: Mapping[str, Text] = {
    "formula": Text("按救助办法", "By the fund's formula"),
    "hardship": Text("按特殊困难程序", "For hardship below the threshold"),
    "condolence": Text("慰问", "A condolence"),
    "not-in-need": Text("家庭情况未达到需要救助的程度", "The household is not in need of it"),
    "formula-not-met": Text("不符合救助办法的条件", "The conditions of the formula are not met"),
    "stated-falsely": Text("所填内容与事实不符", "What was stated is not true"),
    "helped-elsewhere": Text("已由其他途径得到救助", "Help came from elsewhere"),
    "papers-unclear": Text("材料不全或不清楚", "Documents are unclear or do not suffice"),
    "facts-unclear": Text("所填内容需要说明", "What was stated needs an explanation"),
    "situation-to-be-visited": Text("需要入户了解情况", "Somebody will visit the household first"),
    "granted-in-error": Text("批准有误", "It was granted in error"),
    "cannot-be-paid": Text("无法支付", "It cannot be paid"),
    "deceased": Text("本人已去世", "The person has died"),
    "own-wish": Text("本人意愿", "By own wish"),
    "nothing-left": Text("重新计算后已不符合救助条件", "Nothing is left that relief is given for"),
    "payout-failed": Text("未能付出，请核对收款账户", "It could not be paid; check the account"),
    "reviewed": Text("年度复核", "The yearly review"),
    "hardship-ended": Text("困难已解除", "The hardship has ended"),
    "left-the-union": Text("已退会", "Left the union"),
    "moved-away": Text("已迁离", "Moved away"),
}
