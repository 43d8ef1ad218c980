"""What plans refuse."""

from app.kernel.problems import Conflict, NotFound, Problem, Unprocessable
from app.kernel.text import Text


class PlanNotFound(NotFound):
    code = "plan-not-found"
    title = Text("没有这个保障活动", "No such plan")
    detail = Text("没有找到该保障活动，请核对编码。", "Check the plan's code.")


class PlanNotOnSale(Conflict):
    code = "plan-not-on-sale"
    title = Text("该保障活动暂不开放参加", "Plan not open for joining")
    detail = Text(
        "该保障活动目前没有可参加的版本。", "No version of this plan is on sale at present."
    )


class OptionNotFound(Unprocessable):
    code = "contribution-option-not-found"
    title = Text("没有这个参保档次", "No such contribution option")
    detail = Text("该保障活动没有此档次。", "The plan has no such contribution option.")


class BenefitNotFound(Unprocessable):
    code = "benefit-not-found"
    title = Text("没有这项保障责任", "No such benefit")
    detail = Text("该保障活动没有此项保障责任。", "The plan has no such benefit.")


class FactsMissing(Unprocessable):
    code = "claim-facts-missing"
    title = Text("核算所需信息不全", "Facts are missing")
    detail = Text("请补充所列信息后再核算。", "Give the facts named and calculate again.")


CONSTRAINTS: dict[str, type[Problem]] = {"ex_plan_version__one_on_sale": PlanNotOnSale}
