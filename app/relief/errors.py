"""What relief refuses."""

from collections.abc import Sequence
from typing import Any

from app.kernel.problems import Conflict, Forbidden, NotFound, Problem, Unprocessable
from app.kernel.text import Text
from app.relief.grounds import DOCUMENTS


class InvalidFormula(Unprocessable):
    """`errors` has every fault of the document with its place."""

    code = "relief-formula-invalid"
    title = Text("救助办法文档有误", "The formula has faults")
    detail = Text("请按所列各处修改文档。", "Correct the document at each place named.")


class FundNotFound(NotFound):
    code = "relief-fund-not-found"
    title = Text("没有这个救助基金", "No such relief fund")
    detail = Text("没有找到该救助基金。", "There is no such fund, or you may not see it.")


class FundCodeTaken(Conflict):
    code = "relief-fund-code-taken"
    title = Text("基金编码已被使用", "Code in use")
    detail = Text("请换一个基金编码。", "Another fund has this code.")


class FundClosed(Conflict):
    code = "relief-fund-closed"
    title = Text("该基金已停止受理", "The fund is closed")
    detail = Text("该救助基金目前不受理申请。", "The fund takes no applications at present.")


class FundExhausted(Conflict):
    """A grant above the balance; `balance_fen` is what is left."""

    code = "relief-fund-exhausted"
    title = Text("基金余额不足", "The fund does not hold enough")
    detail = Text(
        "基金余额不足以支付此笔救助金。", "The balance of the fund is below what would be granted."
    )

    def __init__(self, balance_fen: int | None = None) -> None:
        super().__init__(extensions={} if balance_fen is None else {"balance_fen": balance_fen})


class FormulaNotFound(NotFound):
    code = "relief-formula-not-found"
    title = Text("没有这个版本的救助办法", "No such formula")
    detail = Text("没有找到该版本。", "The fund has no formula of this number.")


class NoFormula(Conflict):
    code = "relief-fund-without-formula"
    title = Text("该基金尚无救助办法", "The fund has no formula in force")
    detail = Text("请先发布救助办法。", "Publish a formula first.")


class GroundNotCovered(Unprocessable):
    code = "relief-ground-not-covered"
    title = Text("该基金不受理此事由", "Not a ground of this fund")
    detail = Text("请选择该基金列明的救助事由。", "Choose one of the fund's grounds.")

    def __init__(self, grounds: Sequence[str]) -> None:
        super().__init__(extensions={"grounds": list(grounds)})


class HouseholdNotFound(NotFound):
    code = "household-not-found"
    title = Text("没有这份家庭档案", "No such household")
    detail = Text("没有找到该家庭档案。", "There is no such file, or you may not see it.")


class InAnotherHousehold(Conflict):
    """One household, one file."""

    code = "in-another-household"
    title = Text("已在其他家庭档案中", "In another household's file")
    detail = Text(
        "一人只能在一份家庭档案中，请先从原档案移出。",
        "Somebody can be in one household's file only; take them out of the other first.",
    )


class HouseholdExited(Conflict):
    code = "household-exited"
    title = Text("该家庭已退出帮扶", "The household has left")
    detail = Text("请先重新建档。", "Open its file again first.")


class CaseNotFound(NotFound):
    code = "relief-case-not-found"
    title = Text("没有这个救助申请", "No such relief case")
    detail = Text("没有找到该救助申请。", "There is no such case, or you may not see it.")


class CaseUnderWay(Conflict):
    code = "relief-case-under-way"
    title = Text("已有办理中的救助", "A case is under way")
    detail = Text(
        "同一人同一基金本年度已有办理中的救助。",
        "This person already has a case with this fund this year.",
    )


class ConsentNeeded(Conflict):
    code = "relief-consent-needed"
    title = Text("需要您的单独同意", "Your consent is needed")
    detail = Text(
        "申请救助需要您单独同意处理健康与医疗资料。",
        "Applying needs your separate consent to the use of health and medical papers.",
    )


class StatementsNeeded(Unprocessable):
    code = "relief-statements-needed"
    title = Text("请确认声明", "Statements needed")
    detail = Text("请逐项确认所列声明。", "Confirm each statement listed.")

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(extensions={"missing": list(missing)})


class PapersMissing(Conflict):
    """`missing` names the kinds."""

    code = "relief-documents-missing"
    title = Text("材料不全", "Documents are missing")
    detail = Text("请先上传：{names_zh}。", "Upload first: {names_en}.")

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(
            extensions={"missing": list(missing)},
            names_zh="、".join(DOCUMENTS[kind].zh for kind in missing),
            names_en=", ".join(DOCUMENTS[kind].en for kind in missing),
        )


class PaperNotAskedFor(Unprocessable):
    code = "relief-document-not-asked-for"
    title = Text("不需要这种材料", "Document not asked for")
    detail = Text("此申请不需要这种材料。", "The case does not need this kind.")

    def __init__(self, asked_for: Sequence[str]) -> None:
        super().__init__(extensions={"asked_for": list(asked_for)})


class PaperNotFound(NotFound):
    code = "relief-document-not-found"
    title = Text("没有这份材料", "No such document")
    detail = Text("没有找到该材料。", "The case has no such document.")


class FactsClosed(Conflict):
    code = "relief-facts-closed"
    title = Text("现在不能修改信息", "Facts are closed")
    detail = Text("评议后不能修改信息。", "Facts cannot be changed once the board has the case.")


class NothingByFormula(Conflict):
    """`failed` are the conditions that do not hold."""

    code = "relief-nothing-by-formula"
    title = Text("按办法不予救助", "Nothing by the formula")
    detail = Text(
        "按救助办法计算为零；确有困难的可按特殊困难程序评议。",
        "The formula comes to nothing; real hardship can be put to the board as such.",
    )

    def __init__(self, failed: Sequence[str]) -> None:
        super().__init__(extensions={"failed": list(failed)})


class HardshipNotAllowed(Conflict):
    code = "relief-hardship-not-allowed"
    title = Text("不适用特殊困难程序", "Not the way of hardship")
    detail = Text(
        "该基金没有特殊困难程序，或按办法已可救助。",
        "The fund has no such way, or its formula already pays.",
    )


class HardshipAboveMaximum(Unprocessable):
    code = "relief-hardship-above-maximum"
    title = Text("超过特殊困难救助上限", "Above the fund's maximum")
    detail = Text("特殊困难救助最高 {most_yuan} 元。", "At most {most_yuan} yuan.")

    def __init__(self, most_fen: int, most_yuan: str) -> None:
        super().__init__(extensions={"most_fen": most_fen}, most_yuan=most_yuan)


class QuorumMissed(Conflict):
    code = "relief-quorum-missed"
    title = Text("到会人数不足", "Too few sat")
    detail = Text("到会至少 {quorum} 人。", "The fund needs {quorum} people.")

    def __init__(self, quorum: int) -> None:
        super().__init__(extensions={"quorum": quorum}, quorum=quorum)


class VotesContradict(Unprocessable):
    code = "relief-votes-contradict"
    title = Text("表决与结论不符", "The votes say otherwise")
    detail = Text(
        "同意救助须过半数到会人员赞成。",
        "A grant needs the votes of more than half of those who sat.",
    )


class BoardMemberUnknown(NotFound):
    code = "relief-board-member-unknown"
    title = Text("没有这位评议人员", "No such member of the board")
    detail = Text(
        "评议人员须为本基金机构的在岗人员。", "Who sits is active staff of the fund's organisation."
    )


class Interested(Forbidden):
    """`staff_ids` have an interest: they enrolled the member, or are kin."""

    code = "relief-conflict-of-interest"
    title = Text("须回避", "Somebody has an interest")
    detail = Text(
        "为其办理入会的人员和亲属须回避。",
        "Who enrolled the member, or is kin, cannot decide about the case.",
    )

    def __init__(self, staff_ids: Sequence[Any]) -> None:
        super().__init__(extensions={"staff_ids": [str(each) for each in staff_ids]})


class NoCondolence(Conflict):
    code = "relief-no-condolence"
    title = Text("该基金没有慰问金", "No condolence grants")
    detail = Text("该基金的办法没有慰问金。", "The fund's formula has no condolence grant.")


class CondolenceGiven(Conflict):
    code = "relief-condolence-given"
    title = Text("本年度已慰问", "Given this year already")
    detail = Text(
        "该家庭本年度的慰问金已发放。", "The household had its condolence grant this year."
    )


class OtherPersonsPolicy(Unprocessable):
    code = "visit-policy-of-another"
    title = Text("保障凭证不属于此人", "Not this person's policy")
    detail = Text("申领须使用被慰问人本人的保障。", "The claim has to be under a policy of theirs.")


class VisitDiffers(Conflict):
    code = "visit-differs"
    title = Text("同一编号的慰问内容不同", "Another visit has this reference")
    detail = Text(
        "此 client_ref 已用于内容不同的慰问记录。",
        "This client_ref was used for a visit with other content.",
    )


CONSTRAINTS: dict[str, type[Problem]] = {
    "uq_relief_fund__code": FundCodeTaken,
    "ck_relief_fund__balance": FundExhausted,
    "uq_household_member__live_person": InAnotherHousehold,
    "uq_relief_case__proposal": CaseUnderWay,
    "uq_relief_case__live": CaseUnderWay,
    "uq_relief_visit__client_ref": VisitDiffers,
}
