"""What closing a month and settling a difference refuse."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from app.kernel.problems import Conflict, Forbidden, NotFound, Problem, Unprocessable
from app.kernel.text import Text

SHOWN = 100


class OpenDifferences(Conflict):
    code = "open-differences"
    title = Text("尚有未处理的对账差额", "Differences are open")
    detail = Text(
        "该月及之前有 {count} 笔对账差额未处理，处理后才能结账。",
        "{count} differences up to this month are not settled yet.",
    )

    def __init__(self, items: Sequence[UUID]) -> None:
        named = [str(item) for item in items[:SHOWN]]
        super().__init__(extensions={"items": named}, count=len(items))


class DaysNotReconciled(Conflict):
    code = "days-not-reconciled"
    title = Text("尚有未对账的日期", "Days are not reconciled")
    detail = Text(
        "该月有 {count} 个对账日尚未与支付平台或银行核对。",
        "{count} days of the month have not been compared with gateway or bank.",
    )

    def __init__(self, days: Sequence[tuple[str, date]]) -> None:
        named = [{"source": source, "day": day.isoformat()} for source, day in days[:SHOWN]]
        super().__init__(extensions={"days": named}, count=len(days))


class RunUnknown(NotFound):
    code = "reconciliation-not-found"
    title = Text("没有这次对账", "No such reconciliation")
    detail = Text("没有找到该次对账。", "There is no such reconciliation.")


class ItemUnknown(NotFound):
    code = "reconciliation-item-not-found"
    title = Text("没有这笔差额", "No such difference")
    detail = Text("没有找到该笔差额。", "There is no such difference.")


class ItemSettled(Conflict):
    code = "difference-settled"
    title = Text("该差额已处理", "Settled already")
    detail = Text("该笔差额已经处理完毕。", "The difference has been settled.")


class WayNotFitting(Unprocessable):
    """`ways` are those that fit."""

    code = "way-not-fitting"
    title = Text("该差额不能这样处理", "Not a way to settle this")
    detail = Text(
        "此种处理方式不适用于该差额的原因或金额。",
        "This way does not fit the cause or the amount of the difference.",
    )

    def __init__(self, ways: Sequence[str]) -> None:
        super().__init__(extensions={"ways": list(ways)})


class AnotherPersonNeeded(Forbidden):
    code = "another-person-needed"
    title = Text("须由另一人确认", "Another person is needed")
    detail = Text("核销须两人，提出的人不能自己确认。", "A write-off takes two people.")


class DayNotOver(Unprocessable):
    code = "day-not-over"
    title = Text("当日尚未结束", "The day is not over")
    detail = Text("只能核对已经结束的日期。", "A day can be compared once it is over.")


class TransferUnknown(NotFound):
    code = "fund-transfer-not-found"
    title = Text("没有这笔划拨", "No such transfer")
    detail = Text(
        "没有找到该笔划拨，或不在您的管理范围内。",
        "There is none, or you do not manage both funds.",
    )


class TransferDecided(Conflict):
    code = "fund-transfer-decided"
    title = Text("该笔划拨已有结论", "Decided already")
    detail = Text(
        "该笔划拨已入账或已驳回；如需更正，请冲正其记账或重新提出。",
        "It was posted or declined: reverse its booking, or propose another one.",
    )


class FundsBound(Unprocessable):
    code = "funds-bound-to-relief"
    title = Text("救助基金不能划出", "Relief stays relief")
    detail = Text(
        "只能从机构资金科目划出；救助基金的资金只能经评议发放。",
        "Only an organisation's own fund gives to others; a relief fund's money is granted by its"
        " board.",
    )


class SameFund(Unprocessable):
    code = "same-fund"
    title = Text("划出与划入科目相同", "The same fund twice")
    detail = Text("请选择另一个划入科目。", "Choose another fund to give to.")


CONSTRAINTS: dict[str, type[Problem]] = {"uq_reconciliation_item__open": ItemSettled}
