"""Explanations: every operator's words in both languages, every leaf's source, no floats."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.plans.assessment import assess
from app.plans.description import describe
from app.plans.explanation import explain, explain_price
from app.plans.history import Past, Use
from app.plans.inputs import PRICE_CONTEXT
from app.plans.pricing import priced
from app.plans.terms import PlanTerms
from tests.plans.engine import CATALOGUE, WORDS, benefit, here, plan, use
from tests.plans.strategies import COUNTERS, TABLES, documents, expressions, facts

TEN = {"yuan": 10}
RIDER = CATALOGUE["RIDER-ACC"]
SOURCES = {"claim", "event", "policy", "person", "order", "history", "plan"}
INPUTS: dict[str, Any] = {
    "self_pay_fen": 150_000,
    "total_cost_fen": 2_000_000,
    "loss_fen": 8_000,
    "disability_grade": 5,
    "hospital_grade": 3,
    "severity": "severe",
    "disease": "tumour",
    "inpatient": True,
    "surgery": False,
    "accident_on": date(2026, 3, 1),
    "treated_on": date(2026, 3, 11),
    "stays": ({"days": 10, "self_pay_fen": 50_000}, {"days": 2, "self_pay_fen": 30_000}),
    "items": ({"item": "tooth", "quantity": 2, "cost_fen": 700},),
    "shares": 2,
    "day_of_cover": 45,
    "age": 30,
    "sex": "male",
}


def nodes(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield tree
    for step in tree["steps"]:
        yield from nodes(step)


def document(pays: object, **more: Any) -> PlanTerms:
    return plan(benefit("PAY", pays, **{"counters": COUNTERS, **more}), tables=TABLES)


def tree(
    pays: object, inputs: dict[str, Any] | None = None, uses: tuple[Use, ...] = (), **more: Any
) -> dict[str, Any]:
    terms = document(pays, **more)
    known = INPUTS if inputs is None else inputs
    found = assess(terms, "PAY", known, Past(uses, here()), frozenset({"PLAN-B"}))
    return explain(terms, found)


def paid(written: object, **more: Any) -> dict[str, Any]:
    """The node of what the benefit pays."""
    node: dict[str, Any]
    [node] = [each for each in tree(written, **more)["steps"] if each["code"] == "pays"]
    return node


def words(node: dict[str, Any]) -> tuple[str, str]:
    return node["zh"], node["en"]


def money(written: object) -> object:
    """A number's words, seen below a payment."""
    return {"times": [{"yuan": 1}, written]}


@pytest.mark.parametrize(
    ("written", "zh", "en"),
    [
        ({"yuan": 40000}, "40,000.00 元", "40,000.00 yuan"),
        (
            {"sum": ["self_pay_fen", "loss_fen"]},
            "1,500.00 元 + 80.00 元 = 1,580.00 元",
            "1,500.00 yuan + 80.00 yuan = 1,580.00 yuan",
        ),
        (
            {"minus": ["self_pay_fen", {"yuan": 100}]},
            "1,500.00 元 − 100.00 元 = 1,400.00 元",
            "1,500.00 yuan − 100.00 yuan = 1,400.00 yuan",
        ),
        (
            {"minus": ["loss_fen", {"yuan": 100}]},
            "80.00 元 − 100.00 元，不足减，计 0.00 元",
            "80.00 yuan − 100.00 yuan: nothing is left, 0.00 yuan",
        ),
        (
            {"minus": ["loss_fen", {"yuan": 80}]},
            "80.00 元 − 80.00 元 = 0.00 元",
            "80.00 yuan − 80.00 yuan = 0.00 yuan",
        ),
        (
            {"times": [{"yuan": 40000}, "shares"]},
            "40,000.00 元 × 2份 = 80,000.00 元",
            "40,000.00 yuan × 2 shares = 80,000.00 yuan",
        ),
        (
            {"percent": {"of": "self_pay_fen", "rate": "0.35"}},
            "1,500.00 元 × 35% = 525.00 元",
            "1,500.00 yuan × 35% = 525.00 yuan",
        ),
        (
            {"percent": {"of": "loss_fen", "rate": "1"}},
            "实际损失：80.00 元",
            "Proven loss: 80.00 yuan",
        ),
        (
            {"at_most": {"of": "self_pay_fen", "limit": {"yuan": 1000}}},
            "医保范围内个人自付 1,500.00 元，超过上限，按 1,000.00 元计",
            "Self-paid part inside the insurance rules 1,500.00 yuan,"
            " above the maximum: 1,000.00 yuan",
        ),
        (
            {"at_most": {"of": "loss_fen", "limit": {"yuan": 1000}}},
            "实际损失 80.00 元，未超过上限 1,000.00 元",
            "Proven loss 80.00 yuan, within the maximum of 1,000.00 yuan",
        ),
        (
            {"at_least": {"of": "loss_fen", "floor": {"yuan": 100}}},
            "实际损失 80.00 元，低于最低标准，按 100.00 元计",
            "Proven loss 80.00 yuan, below the minimum: 100.00 yuan",
        ),
        (
            {"at_least": {"of": "loss_fen", "floor": {"yuan": 50}}},
            "实际损失 80.00 元，不低于最低 50.00 元",
            "Proven loss 80.00 yuan, not below the minimum of 50.00 yuan",
        ),
        (
            {"pro_rata": {"of": {"yuan": 365}, "part": "day_of_cover", "whole": 365}},
            "365.00 元 × 45天 ÷ 365天 = 45.00 元",
            "365.00 yuan × 45 days ÷ 365 days = 45.00 yuan",
        ),
        (
            {"pro_rata": {"of": {"yuan": 365}, "part": "day_of_cover", "whole": 30}},
            "365.00 元，全额计",
            "365.00 yuan, in full",
        ),
        (
            {"pro_rata": {"of": {"yuan": 365}, "part": "day_of_cover", "whole": 0}},
            "365.00 元，折算基数为0，计 0.00 元",
            "365.00 yuan, a part of nothing: 0.00 yuan",
        ),
        (
            {
                "band": {
                    "of": "day_of_cover",
                    "bands": [
                        {"to": 30, "gives": {"yuan": 0}},
                        {"above": 30, "to": 90, "gives": {"yuan": 500}},
                        {"above": 90, "gives": {"yuan": 1000}},
                    ],
                }
            },
            "生效后天数(首日为0)45天，在“超过30天至90天”一档，计 500.00 元",
            "Days since effect (first day 0) 45 days,"
            " in the band “above 30 up to 90 days”: 500.00 yuan",
        ),
        (
            {"band": {"of": "age", "bands": [{"from": 60, "gives": {"yuan": 500}}]}},
            "年龄30岁，不在任何一档，计 0.00 元",
            "Age 30 years, in no band: 0.00 yuan",
        ),
        (
            {"look_up": {"table": "SUMS", "of": "disability_grade"}},
            "伤残等级5级，“SUMS”中没有，计 0.00 元",
            "Disability grade 5, not in “SUMS”: 0.00 yuan",
        ),
        (
            {"choose": {"by": "severity", "cases": {"severe": {"yuan": 500}}}},
            "严重程度：重度，计 500.00 元",
            "Severity: Severe: 500.00 yuan",
        ),
        (
            {"choose": {"by": "sex", "cases": {"female": {"yuan": 5}}, "otherwise": {"yuan": 3}}},
            "性别：男，属其他情形，计 3.00 元",
            "Sex: Male, any other: 3.00 yuan",
        ),
        (
            {
                "when": {
                    "if": {"reaches": ["hospital_grade", 2]},
                    "then": {"yuan": 9},
                    "otherwise": 0,
                }
            },
            "医院等级3级，不低于2级，计 9.00 元",
            "Hospital grade 3 is at least 2: 9.00 yuan",
        ),
        (
            {"when": {"if": "surgery", "then": {"yuan": 9}, "otherwise": 0}},
            "手术治疗：否，计 0.00 元",
            "Treated by surgery: no: 0.00 yuan",
        ),
        (
            {
                "when": {
                    "if": {"all": ["surgery", "inpatient"]},
                    "then": {"yuan": 9},
                    "otherwise": 0,
                }
            },
            "不符合所列情形，计 0.00 元",
            "This does not hold: 0.00 yuan",
        ),
        (
            {"each": {"of": "stays", "gives": {"times": [{"yuan": 40}, "stays.days"]}}},
            "住院共2次，合计 480.00 元",
            "Hospital stays, 2 in all, added up: 480.00 yuan",
        ),
        (
            {"paid_before": {"within": "term", "benefits": ["PAY"]}},
            "本保障期此前已给付（字） 60.00 元",
            "Paid before in this term (words): 60.00 yuan",
        ),
        ({"before": "costs"}, "费用，本次之前 12.00 元", "Costs, before this claim: 12.00 yuan"),
        (
            {"total": "costs"},
            "费用：此前 12.00 元 + 本次 20.00 元 = 32.00 元",
            "Costs: 12.00 yuan before + 20.00 yuan now = 32.00 yuan",
        ),
        (
            {"slices": {"of": "self_pay_fen", "slices": [{"to": {"yuan": 1000}, "rate": "0.5"}]}},
            "医保范围内个人自付 1,500.00 元，分段计算，合计 500.00 元",
            "Self-paid part inside the insurance rules 1,500.00 yuan,"
            " each slice at its own rate: 500.00 yuan",
        ),
    ],
)
def test_amounts_in_words(written: object, zh: str, en: str) -> None:
    node = paid(written, uses=(use(6_000, counters={"costs": 1_200, "visits": 3}),))
    assert words(node) == (f"应计金额：{zh}", f"Amount: {en}")


@pytest.mark.parametrize(
    ("written", "zh", "en"),
    [
        (
            {"full": {"of": "self_pay_fen", "per": {"yuan": 1000}}},
            "医保范围内个人自付 1,500.00 元，每满 1,000 元计1，共1",
            "Self-paid part inside the insurance rules 1,500.00 yuan: 1 full units of 1,000 yuan",
        ),
        ({"count": "stays"}, "住院共2次", "Hospital stays: 2"),
        ({"occurrence": {"within": "term"}}, "本保障期第2次", "Number 2 in this term"),
        (
            {"days_between": {"first": "accident_on", "last": "treated_on"}},
            "2026年3月1日至2026年3月11日，共10天",
            "from 2026-03-01 to 2026-03-11: 10 days",
        ),
        (
            {"look_up": {"table": "RATES", "of": "disability_grade"}},
            "伤残等级5级，按“RATES”为6%",
            "Disability grade 5: 6% by “RATES”",
        ),
        (
            {"total": "visits"},
            "就诊次数：此前 3 + 本次 1 = 4",
            "Visits: 3 before + 1 now = 4",
        ),
        (
            {"sum": ["day_of_cover", "0.5"]},
            "45天 + 0.5天 = 45.5天",
            "45 days + 0.5 days = 45.5 days",
        ),
    ],
)
def test_numbers_in_words(written: object, zh: str, en: str) -> None:
    node = paid(
        money(written),
        uses=(use(6_000, counters={"costs": 1_200, "visits": 3}),),
    )
    [number] = node["steps"]
    assert words(number) == (zh, en)


def test_a_rate_that_is_reckoned_is_said_as_a_rate() -> None:
    more = {"times": ["0.01", {"minus": ["age", 28]}]}
    rate = {"at_most": {"of": {"sum": ["0.4", more]}, "limit": "0.6"}}
    bands = [{"to": 9, "gives": "0.3"}, {"above": 9, "gives": rate}]
    pays = {"percent": {"of": "loss_fen", "rate": {"band": {"of": "age", "bands": bands}}}}
    said = [node["zh"] for node in nodes(tree(pays))]
    assert "年龄30岁，在“超过9岁”一档，计42%" in said
    assert "42%，未超过上限60%" in said
    assert "40% + 2% = 42%" in said
    described = describe(document(pays), document(pays).benefit("PAY"))["pays"]
    assert described["en"] == (
        "Proven loss × by age (up to 9 years: 30%; above 9 years: 40% + 1% × (age above 28 years),"
        " at most 60%)"
    )


def test_what_a_choice_says_of_a_condition_is_whether_it_holds() -> None:
    choice = {"choose": {"by": "sex", "cases": {"male": "surgery", "female": "inpatient"}}}
    told = tree(TEN, conditions=[{"code": "no-care", "require": choice, "words": WORDS}])
    assert "性别：男，不符合" in [node["zh"] for node in nodes(told)]


@pytest.mark.parametrize(
    ("require", "value", "zh", "en"),
    [
        (
            {"reaches": ["hospital_grade", 2]},
            True,
            "医院等级3级，不低于2级",
            "Hospital grade 3 is at least 2",
        ),
        (
            {"reaches": ["hospital_grade", 4]},
            False,
            "医院等级3级，低于4级",
            "Hospital grade 3 is below 4",
        ),
        (
            {"exceeds": ["age", 30]},
            False,
            "年龄30岁，不超过30岁",
            "Age 30 years is at most 30 years",
        ),
        ({"up_to": ["age", 30]}, True, "年龄30岁，不超过30岁", "Age 30 years is at most 30 years"),
        (
            {"below": ["age", 18]},
            False,
            "年龄30岁，不低于18岁",
            "Age 30 years is at least 18 years",
        ),
        (
            {"equals": ["loss_fen", {"yuan": 80}]},
            True,
            "实际损失 80.00 元，等于 80.00 元",
            "Proven loss 80.00 yuan equals 80.00 yuan",
        ),
        (
            {"up_to": ["treated_on", "accident_on"]},
            False,
            "治疗日期：2026年3月11日，晚于事故日期：2026年3月1日",
            "Day of treatment: 2026-03-11 is after Day of the accident: 2026-03-01",
        ),
        (
            {"listed": {"table": "ILLNESSES", "of": "disease"}},
            True,
            "病种：恶性肿瘤，在“ILLNESSES”之列",
            "Disease: Tumour, listed in “ILLNESSES”",
        ),
        (
            {"one_of": {"of": "disease", "words": ["stroke", "other-word"]}},
            False,
            "病种：恶性肿瘤，不属于“字、other-word”",
            "Disease: Tumour, none of “words, other-word”",
        ),
        ({"holds": "PLAN-B"}, True, "当时也参加了 PLAN-B", "Also covered by PLAN-B at the time"),
        ({"holds": "PLAN-C"}, False, "当时未参加 PLAN-C", "Not covered by PLAN-C at the time"),
        (
            {"any": ["surgery", "inpatient"]},
            True,
            "符合以下至少一项",
            "At least one of these holds",
        ),
        (
            {"not": {"reaches": ["hospital_grade", 4]}},
            True,
            "医院等级3级，低于4级",
            "Hospital grade 3 is below 4",
        ),
        ("inpatient", True, "住院治疗：是", "Treated as an inpatient: yes"),
        ({"not": "surgery"}, True, "手术治疗：否", "Treated by surgery: no"),
    ],
)
def test_tests_in_words(require: object, value: bool, zh: str, en: str) -> None:
    rule = {
        "code": "the-reason",
        "require": require,
        "words": {"zh": "须符合", "en": "Must hold"},
    }
    found = tree({"yuan": 1}, conditions=[rule])
    condition = found["steps"][0]
    assert condition["reason"] == "the-reason"
    assert condition["value"] is value
    verdict = ("符合：须符合", "Fulfilled: Must hold") if value else None
    assert words(condition) == (verdict or ("不符合：须符合", "Not fulfilled: Must hold"))
    [test] = condition["steps"]
    assert words(test) == (zh, en)
    assert test["value"] is value


def test_a_payment_from_its_inputs_to_its_limit() -> None:
    uses = (use(600_000, "MED", plan_code="RIDER-ACC"),)
    spot = here("MED", plan_code="RIDER-ACC")
    found = assess(RIDER, "MED", {**INPUTS, "shares": 1, "self_pay_fen": 800_000}, Past(uses, spot))
    root = explain(RIDER, found, {"self_pay_fen": "reviewer"})
    assert words(root) == ("应付互助金 4,000.00 元", "Payable: 4,000.00 yuan")
    assert (root["code"], root["value"], root["unit"]) == ("result", 400_000, "fen")
    condition, pays, limit = root["steps"]
    assert words(condition) == (
        "符合：须在二级及以上医院治疗",
        "Fulfilled: The hospital must be of grade 2 or above",
    )
    [grade] = condition["steps"][0]["steps"]
    assert grade == {
        "code": "input",
        "zh": "医院等级：3级",
        "en": "Hospital grade: 3",
        "value": 3,
        "unit": "number",
        "source": "claim",
        "steps": [],
        "input": "hospital_grade",
    }
    assert pays["zh"] == "应计金额：7,900.00 元，未超过上限 10,000.00 元"
    below, _ = pays["steps"]
    assert [each["given_by"] for each in below["steps"]] == ["reviewer"]
    assert limit["zh"] == (
        "本保障期累计最高 10,000.00 元，此前已给付 6,000.00 元，剩余 4,000.00 元，"
        "按 4,000.00 元给付"
    )
    assert limit["en"] == (
        "Maximum for the term: 10,000.00 yuan; paid before: 6,000.00 yuan;"
        " left: 4,000.00 yuan; limited to 4,000.00 yuan"
    )
    kept = (limit["maximum"], limit["used"], limit["left"], limit["bit"], limit["value"])
    assert kept == (1_000_000, 600_000, 400_000, True, 400_000)


def test_a_limit_that_did_not_bite() -> None:
    limit = tree({"yuan": 5}, limits=[{"max": {"yuan": 9}, "per": "claim"}])["steps"][-1]
    assert words(limit) == (
        "每次申领最高 9.00 元，未超过",
        "Maximum for a claim: 9.00 yuan; not exceeded",
    )
    assert (limit["bit"], limit["left"], limit["source"]) == (False, 900, "plan")


def test_a_failed_condition_pays_nothing_and_tells_no_amount() -> None:
    rules = [
        {"code": "too-low", "require": {"reaches": ["hospital_grade", 9]}, "words": WORDS},
        {"code": "no-stay", "require": "inpatient", "words": WORDS},
    ]
    root = tree({"yuan": 5}, conditions=rules)
    assert words(root) == ("不符合给付条件，应付互助金 0.00 元", "Not payable: 0.00 yuan")
    assert [(each["reason"], each["value"]) for each in root["steps"]] == [
        ("too-low", False),
        ("no-stay", True),
    ]
    assert root["value"] == 0


def test_a_payment_that_ended_the_benefit_is_the_reason() -> None:
    root = tree({"yuan": 5}, uses=(use(100),), once={"within": "term"})
    [reason] = root["steps"]
    assert (reason["reason"], reason["value"], reason["source"]) == ("paid-once", False, "history")
    assert reason["zh"] == "不予给付：本责任已给付过并终止"


def test_what_is_missing_has_no_amount_and_is_named() -> None:
    rule = {"code": "too-low", "require": {"reaches": ["hospital_grade", 2]}, "words": WORDS}
    root = tree(
        {"minus": ["self_pay_fen", {"yuan": 100}]},
        inputs={},
        conditions=[rule],
        limits=[{"max": {"yuan": 9}, "per": "term"}],
    )
    assert words(root) == (
        "信息不全，暂不能核定应付互助金",
        "Facts are missing: the amount is not known yet",
    )
    assert root["value"] is None
    assert sorted(root["missing"]) == ["hospital_grade", "self_pay_fen"]
    condition, pays, limit = root["steps"]
    assert (condition["value"], condition["zh"]) == (None, "待确认：字")
    assert condition["steps"][0]["zh"] == "医院等级（待提供），是否不低于2级，待确认"
    assert words(pays) == ("应计金额：？ − 100.00 元 = ？", "Amount: ? − 100.00 yuan = ?")
    assert pays["steps"][0]["zh"] == "医保范围内个人自付：待提供"
    assert words(limit) == ("本保障期累计最高 9.00 元", "Maximum for the term: 9.00 yuan")
    assert (limit["value"], limit["bit"]) == (None, False)


def test_each_stay_is_told_by_its_number_and_band() -> None:
    node = paid(
        {
            "each": {
                "of": "stays",
                "gives": {
                    "band": {
                        "of": "stays.days",
                        "bands": [
                            {"to": 3, "gives": {"yuan": 0}},
                            {"above": 3, "gives": {"times": [{"yuan": 40}, "stays.days"]}},
                        ],
                    }
                },
            }
        }
    )
    first, second = node["steps"]
    assert words(first) == (
        "第1次住院：住院天数10天，在“超过3天”一档，计 400.00 元",
        "Stay 1: Days in hospital 10 days, in the band “above 3 days”: 400.00 yuan",
    )
    assert words(second) == (
        "第2次住院：住院天数2天，在“3天及以下”一档，计 0.00 元",
        "Stay 2: Days in hospital 2 days, in the band “up to 3 days”: 0.00 yuan",
    )
    assert [each["code"] for each in first["steps"]] == ["input", "times"]
    assert [each["code"] for each in second["steps"]] == ["input"]


def test_slices_show_each_part_at_its_rate() -> None:
    node = paid(
        {
            "slices": {
                "of": "total_cost_fen",
                "slices": [
                    {"to": {"yuan": 5000}, "rate": "0.3"},
                    {"above": {"yuan": 5000}, "to": {"yuan": 50000}, "rate": "0.35"},
                    {"above": {"yuan": 50000}, "rate": "0.5"},
                ],
            }
        }
    )
    assert [each["zh"] for each in node["steps"]] == [
        "医疗总费用：20,000.00 元",
        "5,000 元及以下部分：5,000.00 元 × 30% = 1,500.00 元",
        "超过 5,000 元至 50,000 元部分：15,000.00 元 × 35% = 5,250.00 元",
    ]
    assert node["steps"][2]["en"] == (
        "above 5,000 up to 50,000 yuan: 15,000.00 yuan × 35% = 5,250.00 yuan"
    )


def test_which_time_it_is_reads_as_such() -> None:
    bands = [{"to": 1, "gives": {"yuan": 300}}, {"above": 1, "to": 2, "gives": {"yuan": 120}}]
    node = paid(
        {"band": {"of": {"occurrence": {"within": "term"}}, "bands": bands}}, uses=(use(1),)
    )
    assert node["zh"] == "应计金额：本保障期第2次，计 120.00 元"


def test_named_steps_are_told_before_what_uses_them() -> None:
    step = {
        "name": "days",
        "words": {"zh": "可计天数", "en": "Days that count"},
        "value": {"minus": ["day_of_cover", 3]},
    }
    root = tree({"times": [{"yuan": 1}, "days"]}, steps=[step])
    named, pays = root["steps"]
    assert words(named) == (
        "可计天数：45天 − 3天 = 42天",
        "Days that count: 45 days − 3 days = 42 days",
    )
    assert named["code"] == "step"
    [leaf] = pays["steps"]
    assert (leaf["input"], leaf["source"], leaf["zh"]) == ("days", "plan", "可计天数：42天")


def test_rounding_is_a_step_of_its_own_and_exact() -> None:
    third = {"pro_rata": {"of": {"yuan": 1}, "part": 1, "whole": 3}}
    root = tree(third)
    pays, rounding = root["steps"]
    assert (pays["value"], root["value"]) == ("100/3", 33)
    assert words(rounding) == (
        "四舍五入到分：约 0.33 元，计 0.33 元",
        "Rounded half-up to the fen: about 0.33 yuan becomes 0.33 yuan",
    )
    half = tree({"percent": {"of": {"fen": 5}, "rate": "0.5"}})
    assert (half["steps"][0]["value"], half["value"]) == ("2.5", 3)
    assert half["steps"][1]["zh"] == "四舍五入到分：0.025 元，计 0.03 元"


def test_a_price_is_told_from_the_order() -> None:
    [option] = RIDER.contribution.options
    found = priced(RIDER, "price:A", option.price, {"shares": 3})
    root = explain_price(RIDER, "price:A", found)
    assert words(root) == ("应缴互助费 75.00 元", "Contribution due: 75.00 yuan")
    [price] = root["steps"]
    assert words(price) == ("25.00 元 × 3份 = 75.00 元", "25.00 yuan × 3 shares = 75.00 yuan")
    assert price["steps"][0]["source"] == "order"


def check(root: dict[str, Any]) -> None:
    """What holds for every explanation."""
    kept = json.loads(json.dumps(root))
    for node in nodes(kept):
        assert set(node) >= {"code", "zh", "en", "value", "unit", "steps"}
        assert node["zh"]
        assert node["en"]
        assert node["unit"] in {"fen", "number", "truth", "word", "day"}
        assert not any(isinstance(value, float) for value in node.values())
        assert node["value"] is None or isinstance(node["value"], int | str)
        if node["unit"] == "truth":
            assert node["value"] is None or isinstance(node["value"], bool)
        if not node["steps"]:
            assert node["code"] == "result" or node["source"] in SOURCES


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(terms=documents(), known=facts(), before=st.integers(0, 10**6))
def test_whatever_is_assessed_is_explained(
    terms: PlanTerms, known: dict[str, Any], before: int
) -> None:
    uses = (use(before, counters={"costs": 7, "visits": 2}),)
    found = assess(terms, "PAY", known, Past(uses, here()))
    root = explain(terms, found)
    check(root)
    told = [each["reason"] for each in root["steps"] if each["code"] == "condition"]
    assert {reason.code for reason in found.failed} <= set(told)
    if not found.failed and not found.missing:
        assert root["value"] == found.amount_fen


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(written=expressions("money", PRICE_CONTEXT), known=facts(PRICE_CONTEXT))
def test_whatever_is_priced_is_explained(written: Any, known: dict[str, Any]) -> None:
    options = [{"code": "A", "term": {"months": 12}, "price": written}]
    terms = plan(
        benefit("PAY", {"yuan": 1}),
        tables=TABLES,
        contribution={"max_shares": 10, "options": options},
    )
    found = priced(terms, "price:A", terms.contribution.options[0].price, known)
    check(explain_price(terms, "price:A", found))
