"""What plans refuse."""

from collections.abc import Sequence

from app.kernel.problems import (
    Conflict,
    FieldError,
    Forbidden,
    NotFound,
    Problem,
    Unprocessable,
)
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


class InvalidPlan(Unprocessable):
    """`errors` has every fault of the document with its place."""

    code = "plan-document-invalid"
    title = Text("保障活动文档有误", "The plan document has faults")
    detail = Text("请按所列各处修改文档。", "Correct the document at each place named.")


class PriceFactsMissing(Unprocessable):
    """The price depends on something that nobody stated; `errors` name it."""

    code = "price-facts-missing"
    title = Text("计算互助费所需信息不全", "The price needs more facts")
    detail = Text("请补充所列信息后再报价。", "State what is named and ask again.")

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(
            errors=[FieldError(f"/{name}", "fact-missing", FACT_MISSING) for name in missing]
        )


FACT_MISSING = Text("缺少此项信息", "This fact is missing.")


class FactsMissing(Unprocessable):
    code = "claim-facts-missing"
    title = Text("核算所需信息不全", "Facts are missing")
    detail = Text("请补充所列信息后再核算。", "Give the facts named and calculate again.")


class PlanVersionNotFound(NotFound):
    code = "plan-version-not-found"
    title = Text("没有这个版本", "No such version")
    detail = Text("没有找到该版本。", "There is no such version, or you may not see it.")


class PlanVersionPublished(Conflict):
    """Only a draft can be changed, dropped or published."""

    code = "plan-version-published"
    title = Text("该版本已发布", "Published before")
    detail = Text(
        "该版本状态为 {status}，不能再修改、删除或发布。请起草新版本。",
        "The version is {status}: it cannot be changed, dropped or published. Draft the next.",
    )


class PlanVersionNotOnSale(Conflict):
    code = "plan-version-not-on-sale"
    title = Text("该版本不在销售", "Not on sale")
    detail = Text(
        "该版本状态为 {status}，只能为已发布的版本设定停售日。",
        "It is {status}: only a published version has a last day of sale.",
    )


class VersionsOverlap(Conflict):
    """Another version is sold on some of the same days; `version` says which."""

    code = "plan-versions-overlap"
    title = Text("销售日期重叠", "Overlapping dates")
    detail = Text(
        "同一活动的另一版本在这些日期已在销售，请先停售或调整日期。",
        "Another version of the plan is sold on some of these days: close it, or change the dates.",
    )


class MunicipalOfficeNeeded(Forbidden):
    code = "municipal-office-needed"
    title = Text("须由市级机构发布", "For the municipal office")
    detail = Text(
        "保障活动由市级机构的管理员发布、停售与下架。",
        "Plans are published, closed and retired by the municipal office's administrators.",
    )


class TableNotFound(NotFound):
    code = "plan-table-not-found"
    title = Text("没有这张表", "No such table")
    detail = Text("没有这张标准表。", "There is no standard table of this code.")


CONSTRAINTS: dict[str, type[Problem]] = {"ex_plan_version__one_on_sale": VersionsOverlap}
