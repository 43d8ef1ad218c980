"""The named inputs of expressions: what they are, where they come from, in what range."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Literal

from app.kernel.text import Text

Kind = Literal["money", "number", "truth", "word", "day", "list"]
Source = Literal["claim", "event", "policy", "person", "order", "history"]
Value = int | Fraction | bool | str | date
Item = Mapping[str, Value]
Inputs = Mapping[str, Value | tuple[Item, ...]]

MAX_FEN = 10**12
MAX_ITEMS = 200


@dataclass(frozen=True, slots=True)
class Input:
    """One input. Numbers are whole; money is fen; `least` and `most` are inclusive.

    `words` are the only words it may be, with their names; without them any word may
    stand. `fields` are those of a list's items.
    """

    name: str
    kind: Kind
    text: Text
    source: Source = "claim"
    least: int = 0
    most: int = MAX_FEN
    words: Mapping[str, Text] = field(default_factory=dict)
    fields: Mapping[str, "Input"] = field(default_factory=dict)


def _by_name(*inputs: Input) -> dict[str, Input]:
    return {each.name: each for each in inputs}


def _money(name: str, zh: str, en: str) -> Input:
    return Input(name, "money", Text(zh, en))


def _number(name: str, zh: str, en: str, least: int, most: int, source: Source = "claim") -> Input:
    return Input(name, "number", Text(zh, en), source, least, most)


CAUSES = {"accident": Text("意外", "Accident"), "illness": Text("疾病", "Illness")}
SEXES = {"male": Text("男", "Male"), "female": Text("女", "Female")}
OCCUPATIONS = {
    "delivery_rider": Text("外卖骑手", "Delivery rider"),
    "courier": Text("快递员", "Courier"),
    "ride_hailing_driver": Text("网约车司机", "Ride-hailing driver"),
    "truck_driver": Text("货车司机", "Truck driver"),
    "other_gig": Text("其他新就业形态劳动者", "Other gig worker"),
    "employee": Text("单位职工", "Employee"),
}
SEVERITIES = {"mild": Text("轻度", "Mild"), "severe": Text("重度", "Severe")}

_STAY = _by_name(
    _number("days", "住院天数", "Days in hospital", 0, 3_650),
    _money("self_pay_fen", "本次住院医保范围内自付", "Self-paid part of the stay"),
    _money("own_expense_fen", "本次住院自费", "Own-expense items of the stay"),
    _money("total_cost_fen", "本次住院总费用", "Total cost of the stay"),
    _number("hospital_grade", "医院等级", "Hospital grade", 1, 3),
    Input("admitted_on", "day", Text("入院日期", "Admitted on")),
    Input("discharged_on", "day", Text("出院日期", "Discharged on")),
)
_ITEM = _by_name(
    Input("item", "word", Text("项目", "Item")),
    _number("quantity", "数量", "Quantity", 0, 100_000),
    _money("cost_fen", "费用", "Cost"),
)

# Facts of a claim that any plan may use without declaring them.
STANDARD_FACTS: Mapping[str, Input] = _by_name(
    _money("self_pay_fen", "医保范围内个人自付", "Self-paid part inside the insurance rules"),
    _money("statutory_share_fen", "医保统筹个人负担", "Statutory self-share"),
    _money("own_expense_fen", "医保范围外自费", "Own-expense items"),
    _money("total_cost_fen", "医疗总费用", "Total medical cost"),
    _money("loss_fen", "实际损失", "Proven loss"),
    _money("other_payments_fen", "其他渠道已赔付(含新职伤)", "Paid by other schemes"),
    _number("disability_grade", "伤残等级", "Disability grade", 1, 10),
    _number("hospital_grade", "医院等级", "Hospital grade", 1, 3),
    _number("family_members", "家庭人口", "Members of the household", 1, 50),
    Input("severity", "word", Text("严重程度", "Severity"), words=SEVERITIES),
    Input("disease", "word", Text("病种", "Disease")),
    Input("operation", "word", Text("手术", "Operation")),
    Input("first_diagnosis", "truth", Text("首次确诊", "First diagnosis")),
    Input("inpatient", "truth", Text("住院治疗", "Treated as an inpatient")),
    Input("surgery", "truth", Text("手术治疗", "Treated by surgery")),
    Input("diagnosed_on", "day", Text("确诊日期", "Diagnosed on")),
    Input("accident_on", "day", Text("事故日期", "Day of the accident")),
    Input("treated_on", "day", Text("治疗日期", "Day of treatment")),
    Input("died_on", "day", Text("身故日期", "Day of death")),
    Input("stays", "list", Text("住院", "Hospital stays"), fields=_STAY),
    Input("items", "list", Text("项目明细", "Items"), fields=_ITEM),
)

# What the service knows without asking, when a claim is assessed.
CLAIM_CONTEXT: Mapping[str, Input] = _by_name(
    Input("cause", "word", Text("原因", "Cause"), "event", words=CAUSES),
    Input("event_on", "day", Text("事故或确诊日", "Day of the event"), "event"),
    _number("shares", "已过等待期的份数", "Shares past their waiting days", 0, 100, "policy"),
    _number(
        "day_of_cover",
        "生效后天数(首日为0)",
        "Days since effect (first day 0)",
        0,
        40_000,
        "policy",
    ),
    _number("terms_held", "连续参保期数", "Consecutive terms", 1, 200, "policy"),
    Input("option", "word", Text("参保档次", "Contribution option"), "policy"),
    Input(
        "layers",
        "list",
        Text("份额层", "Layers of shares"),
        "policy",
        fields=_by_name(
            _number("shares", "份数", "Shares", 1, 100, "policy"),
            _number("day_of_cover", "生效后天数", "Days since effect", 0, 40_000, "policy"),
        ),
    ),
    _number("age", "年龄", "Age", 0, 150, "person"),
    Input("sex", "word", Text("性别", "Sex"), "person", words=SEXES),
)

_BUYER = (
    _number("shares", "份数", "Shares", 0, 100, "order"),
    _number("age", "首个保障日年龄", "Age on the first covered day", 0, 150, "person"),
    Input("sex", "word", Text("性别", "Sex"), "person", words=SEXES),
    Input("occupation", "word", Text("职业", "Occupation"), "order", words=OCCUPATIONS),
    Input("unit_member", "truth", Text("所属单位已建会", "Joins through a unit"), "order"),
    Input("unit_kind", "word", Text("单位类型", "Kind of unit"), "order"),
    Input("card_holder", "truth", Text("持工会会员卡", "Holds the union card"), "order"),
    _number("term_days", "保障天数", "Days of the term", 0, 4_000, "order"),
    _number("term_months", "保障月数", "Months of the term", 0, 120, "order"),
    _number("remaining_days", "剩余天数", "Days left of the term", 0, 4_000, "order"),
    _number("remaining_months", "剩余整月数", "Full months left of the term", 0, 120, "order"),
)
# A price, and what a part of it comes to.
PRICE_CONTEXT: Mapping[str, Input] = _by_name(*_BUYER)
# Adding shares to running cover.
UPGRADE_CONTEXT: Mapping[str, Input] = _by_name(
    *_BUYER,
    _number("added_shares", "增加份数", "Shares added", 0, 100, "order"),
)
# Money back.
REFUND_CONTEXT: Mapping[str, Input] = _by_name(
    Input("paid_fen", "money", Text("已付互助费", "Contribution paid"), "order"),
    Input("claimed_fen", "money", Text("已给付互助金", "Benefits paid so far"), "history"),
    _number("shares", "份数", "Shares", 0, 100, "policy"),
    _number("term_days", "保障天数", "Days of the term", 0, 4_000, "policy"),
    _number("used_days", "已保障天数", "Days covered so far", 0, 4_000, "policy"),
    _number("remaining_days", "剩余天数", "Days left", 0, 4_000, "policy"),
    _number("remaining_months", "剩余整月数", "Full months left", 0, 120, "policy"),
)
