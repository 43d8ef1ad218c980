"""What rosters and agreements refuse."""

from app.kernel.problems import Conflict, NotFound, Problem, Unprocessable
from app.kernel.text import Text


class RosterNotFound(NotFound):
    code = "roster-not-found"
    title = Text("没有这份名册", "No such roster")
    detail = Text("没有找到该序号的名册。", "You have pushed no roster with this sequence.")


class SequenceReused(Conflict):
    code = "roster-sequence-reused"
    title = Text("名册序号已用于其他内容", "Sequence used with another body")
    detail = Text(
        "序号 {sequence} 已用于内容不同的名册，请使用更大的序号。",
        "Sequence {sequence} was used with another body; take a higher one.",
    )


class OlderSnapshot(Conflict):
    code = "roster-older-snapshot"
    title = Text("名册序号过旧", "Older snapshot")
    detail = Text(
        "已收到序号为 {current} 的较新名册，旧名册不会覆盖它；请使用更大的序号。",
        "A newer roster, sequence {current}, was accepted, and an older one never overwrites it; "
        "take a higher sequence.",
    )


class NothingToConfirm(Conflict):
    code = "roster-not-held"
    title = Text("名册无需确认", "Nothing to confirm")
    detail = Text(
        "该名册状态为 {status}，不在等待确认。",
        "The roster is {status}, not waiting to be confirmed.",
    )


class AgreementNotFound(NotFound):
    code = "agreement-not-found"
    title = Text("没有这份协议", "No such agreement")
    detail = Text("没有找到该协议。", "There is no such agreement, or you may not see it.")


class AgreementOverlaps(Conflict):
    code = "agreement-overlaps"
    title = Text("协议期间重叠", "Agreements overlap")
    detail = Text(
        "该合作方在此期间已有同一保障计划的协议。",
        "The partner already has an agreement for this plan in these days.",
    )


class AgreementDays(Unprocessable):
    code = "agreement-days"
    title = Text("协议日期有误", "Agreement days")
    detail = Text(
        "协议不可早于今天开始或结束，结束日不可早于开始日，也不可延后已定的结束日。",
        "An agreement begins and ends today or later, ends after it begins, and an end that "
        "was set is not moved back.",
    )


class AgreementShares(Unprocessable):
    code = "agreement-shares"
    title = Text("份数超过计划上限", "More shares than the plan allows")
    detail = Text(
        "该保障计划每人最多 {maximum} 份。", "The plan allows {maximum} shares per person."
    )


CONSTRAINTS: dict[str, type[Problem]] = {
    "ex_agreement__one_per_plan": AgreementOverlaps,
    "uq_roster__sequence": SequenceReused,
}
