"""What reports of deaths and survivors' claims refuse."""

from collections.abc import Sequence

from app.kernel.problems import Conflict, NotFound, Problem, Unprocessable
from app.kernel.text import Text


class DeathReportNotFound(NotFound):
    code = "death-report-not-found"
    title = Text("没有这份身故登记", "No such report")
    detail = Text("没有找到该身故登记。", "There is no such report, or it is not yours.")


class DeathNotReported(Conflict):
    code = "death-not-reported"
    title = Text("请先登记身故", "Report the death first")
    detail = Text(
        "身故互助金须先由经办机构登记或确认会员身故，再由受益人或继承人申领。",
        "A death benefit is claimed by beneficiaries or heirs, once an office has recorded or"
        " confirmed the member's death.",
    )


class DeathReportedBefore(Conflict):
    code = "death-reported-before"
    title = Text("已登记身故", "Reported before")
    detail = Text("该会员的身故已登记。", "The member's death is on record already.")


class PersonNotFoundByReport(Conflict):
    code = "report-matches-nobody"
    title = Text("未找到该会员", "Nobody is known by it")
    detail = Text(
        "按登记的姓名和证件没有找到会员，请核对后不予确认。",
        "No member has this name and document; compare them, and decline the report.",
    )


class ReportAnswered(Conflict):
    code = "death-report-answered"
    title = Text("该登记已办结", "Answered before")
    detail = Text("该身故登记已有结果（{status}）。", "The report is {status} already.")


class ClaimsRestOnReport(Conflict):
    """`claims` are their numbers."""

    code = "claims-rest-on-report"
    title = Text("有申领依据该登记", "Claims rest on the report")
    detail = Text(
        "依据该登记的申领已作决定，不能撤销登记：{numbers}。",
        "Claims that rest on it are decided, so it cannot be withdrawn: {numbers}.",
    )

    def __init__(self, numbers: Sequence[str]) -> None:
        super().__init__(extensions={"claims": list(numbers)}, numbers=", ".join(numbers))


class DiedBeforeIncident(Unprocessable):
    code = "died-before-incident"
    title = Text("日期不符", "The dates do not agree")
    detail = Text(
        "登记的身故日期（{died_on}）早于事故日期，请核对。",
        "The recorded day of death ({died_on}) is before the incident; check both.",
    )


class NotForSurvivors(Conflict):
    code = "not-for-survivors"
    title = Text("不是继承人申领", "Not a survivors' claim")
    detail = Text(
        "会员在世，由本人申领和收款。",
        "The member lives, claims and is paid: there are no claimants.",
    )


class ClaimantsClosed(Conflict):
    code = "claimants-closed"
    title = Text("现在不能修改申领人", "Claimants cannot be changed now")
    detail = Text(
        "申领正在审核或已开始给付，不能修改申领人。",
        "The claim is being reviewed, or money is on its way.",
    )


class ClaimantsDiffer(Unprocessable):
    code = "claimants-differ"
    title = Text("申领人不符", "The claimants do not agree")
    detail = Text(
        "申领人须为保障凭证指定的受益人；未指定的，为全体法定继承人，份额合计 100%。见各项说明。",
        "Claimants are the policy's named beneficiaries, or else the legal heirs with percents"
        " adding up to 100; see each error.",
    )


class ClaimantsMissing(Conflict):
    code = "claimants-missing"
    title = Text("申领人未登记齐全", "Claimants are missing")
    detail = Text(
        "请到经办机构登记全部申领人及其份额。",
        "All claimants and their shares have to be entered, at an office.",
    )


class KinshipNotProven(Conflict):
    """`claimants` are the ids of those whose kinship no paper shows yet."""

    code = "kinship-not-proven"
    title = Text("亲属关系尚未核实", "Kinship is not proven")
    detail = Text(
        "请先逐一核对申领人的亲属关系证明。",
        "Name the paper that shows each claimant's kinship first.",
    )

    def __init__(self, claimant_ids: Sequence[str]) -> None:
        super().__init__(extensions={"claimants": list(claimant_ids)})


class ClaimantNotFound(NotFound):
    code = "claimant-not-found"
    title = Text("没有这位申领人", "No such claimant")
    detail = Text("该申领没有这位申领人。", "The claim has no such claimant.")


class NotAKinshipProof(Unprocessable):
    code = "not-a-kinship-proof"
    title = Text("不是亲属关系证明", "Not a proof of kinship")
    detail = Text(
        "请指定一份未被退回的亲属关系证明。", "Name a proof of kinship that was not returned."
    )


class OtherIncident(Unprocessable):
    code = "other-incident"
    title = Text("不是同一事故", "Not the same incident")
    detail = Text(
        "只能并入同一会员、同一原因的另一申领的事故。",
        "Only the incident of another claim of the same person, of the same cause.",
    )


CONSTRAINTS: dict[str, type[Problem]] = {
    "uq_death_report__confirmed": DeathReportedBefore,
    "uq_claim_claimant__live": ClaimantsDiffer,
}
