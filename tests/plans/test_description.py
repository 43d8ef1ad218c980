"""Benefits and prices in plain words, from the document that pays them."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from app.plans.description import describe, describe_price
from app.plans.inputs import PRICE_CONTEXT
from tests.plans.engine import CATALOGUE, WORDS, benefit, plan
from tests.plans.published import plans
from tests.plans.strategies import TABLES, benefits, expressions

RIDER = CATALOGUE["RIDER-ACC"]


def pays(written: object, **more: Any) -> tuple[str, str]:
    terms = plan(benefit("PAY", written, **more), tables=TABLES)
    found = describe(terms, terms.benefits[0])["pays"]
    return found["zh"], found["en"]


def test_a_benefit_by_disability_grade() -> None:
    found = describe(RIDER, RIDER.benefit("DISAB"))
    assert found["pays"] == {
        "zh": "40,000 元/份 × 伤残等级对应比例（JRT0083-2013）",
        "en": "40,000 yuan per share × the rate for the disability grade (JRT0083-2013)",
    }
    assert found["conditions"] == [
        {
            "code": "excluded",
            "zh": "同一事故不与意外身故互助金同时给付",
            "en": "Not paid for the same incident beside: Accidental death",
        }
    ]
    assert found["limits"] == [
        {
            "zh": "本保障期累计最高 40,000 元/份",
            "en": "Maximum for the term: 40,000 yuan per share",
        }
    ]
    assert (found["steps"], found["waiting"]) == ([], [])


def test_a_benefit_above_a_deductible() -> None:
    found = describe(RIDER, RIDER.benefit("MED"))
    assert found["pays"]["zh"] == "医保范围内个人自付超过 100 元的部分，最高 10,000 元/份"
    assert found["pays"]["en"] == (
        "Self-paid part inside the insurance rules above 100 yuan, at most 10,000 yuan per share"
    )
    assert [each["zh"] for each in found["conditions"]] == ["须在二级及以上医院治疗"]


def test_waiting_days_steps_and_what_is_paid_once() -> None:
    day = {"name": "days", "words": {"zh": "天数", "en": "Days"}, "value": {"minus": ["age", 3]}}
    terms = plan(
        benefit("PAY", {"times": [{"yuan": 40}, "days"]}, steps=[day], once={"within": "term"}),
        waiting={"illness_days": 30},
        limits=[{"max": {"yuan": 90000}, "per": "lifetime", "across": "member"}],
    )
    found = describe(terms, terms.benefits[0])
    assert found["pays"] == {"zh": "40 元 × “天数”", "en": "40 yuan × “Days”"}
    assert found["steps"] == [
        {"name": "days", "zh": "天数：年龄超过3岁的部分", "en": "Days: age above 3 years"}
    ]
    assert found["waiting"] == [
        {
            "cause": "illness",
            "days": 30,
            "zh": "疾病：自生效首日起30天内不给付",
            "en": "Illness: nothing is paid in the first 30 days of cover",
        }
    ]
    assert found["conditions"] == [
        {"code": "paid-once", "zh": "本保障期内只给付一次", "en": "Paid once in a term"}
    ]
    assert found["limits"] == [
        {
            "zh": "本人全部保障合并计算，各项互助金合计，历年累计最高 90,000 元",
            "en": "Maximum over all years for all benefits together,"
            " over all policies of the member: 90,000 yuan",
        }
    ]


def test_a_benefit_that_another_ends_says_so() -> None:
    terms = plan(
        benefit("PAY", {"yuan": 1}),
        benefit("END", {"yuan": 2}, once={"within": "term", "benefits": ["PAY"]}),
    )
    [ended] = describe(terms, terms.benefits[0])["conditions"]
    assert (ended["code"], ended["zh"]) == ("paid-once", "给付字后，本项责任终止")


@pytest.mark.parametrize(
    ("written", "zh", "en"),
    [
        (
            {"times": [{"yuan": 40}, "shares", "day_of_cover"]},
            "每份 40 元 × 生效后天数(首日为0)",
            "40 yuan × days since effect (first day 0) per share",
        ),
        (
            {"percent": {"of": {"sum": ["self_pay_fen", "loss_fen"]}, "rate": "0.6"}},
            "（医保范围内个人自付 + 实际损失） × 60%",
            "(self-paid part inside the insurance rules + proven loss) × 60%",
        ),
        (
            {
                "band": {
                    "of": "day_of_cover",
                    "bands": [
                        {"to": 30, "gives": 0},
                        {"above": 30, "to": 90, "gives": {"yuan": 20000}},
                        {"above": 90, "gives": {"yuan": 40000}},
                    ],
                }
            },
            "按生效后天数(首日为0)"
            "（30天及以下：0 元；超过30天至90天：20,000 元；超过90天：40,000 元）",
            "By days since effect (first day 0) (up to 30 days: 0 yuan;"
            " above 30 up to 90 days: 20,000 yuan; above 90 days: 40,000 yuan)",
        ),
        (
            {
                "band": {
                    "of": {"occurrence": {"within": "year"}},
                    "bands": [
                        {"below": 2, "gives": {"yuan": 300}},
                        {"from": 2, "to": 4, "gives": {"yuan": 120}},
                        {"above": 4, "gives": 0},
                    ],
                }
            },
            "按本保障年度第几次（第1次：300 元；第2至4次：120 元；第5次及以后：0 元）",
            "By which one it is in this year of cover (number 1: 300 yuan;"
            " numbers 2 to 4: 120 yuan; number 5 and after: 0 yuan)",
        ),
        (
            {
                "slices": {
                    "of": "total_cost_fen",
                    "slices": [
                        {"below": {"yuan": "62.50"}, "rate": "0.3"},
                        {"from": {"yuan": "62.50"}, "rate": "0.355"},
                    ],
                }
            },
            "按医疗总费用分段计算（不满 62.50 元：30%；62.50 元及以上：35.5%）",
            "By total medical cost (below 62.50 yuan: 30%;"
            " 62.50 yuan and above: 35.5%), slice by slice",
        ),
        (
            {
                "choose": {
                    "by": "severity",
                    "cases": {"mild": {"yuan": 3}},
                    "otherwise": {"yuan": 9},
                }
            },
            "按严重程度（轻度：3 元；其他：9 元）",
            "By severity (Mild: 3 yuan; otherwise: 9 yuan)",
        ),
        (
            {
                "when": {
                    "if": {"all": [{"reaches": ["age", 18]}, {"not": "surgery"}]},
                    "then": {"yuan": 5},
                    "otherwise": {"pro_rata": {"of": {"yuan": 3}, "part": "age", "whole": 18}},
                }
            },
            "如年龄不低于18岁且非（手术治疗），为 5 元；否则为 3 元 × 年龄 ÷ 18岁",
            "If age is at least 18 years and not (treated by surgery): 5 yuan;"
            " otherwise 3 yuan × age ÷ 18 years",
        ),
        (
            {"each": {"of": "stays", "gives": {"times": [{"yuan": 40}, "stays.days"]}}},
            "每次住院（40 元 × 住院天数）之和",
            "The sum over each stay (40 yuan × days in hospital)",
        ),
        (
            {"at_least": {"of": {"paid_before": {"within": "term"}}, "floor": {"yuan": 50}}},
            "本保障期已给付的互助金，最低 50 元",
            "What was paid in this term, at least 50 yuan",
        ),
        (
            {
                "when": {
                    "if": {
                        "any": [
                            {"listed": {"table": "ILLNESSES", "of": "disease"}},
                            {"one_of": {"of": "disease", "words": ["tumour"]}},
                            {"holds": "PLAN-B"},
                        ]
                    },
                    "then": {"yuan": 1},
                    "otherwise": {"yuan": 2},
                }
            },
            "如病种在“ILLNESSES”之列或病种为“恶性肿瘤”或同时参加 PLAN-B，为 1 元；否则为 2 元",
            "If disease is listed in “ILLNESSES” or disease is “Tumour”"
            " or also covered by PLAN-B: 1 yuan; otherwise 2 yuan",
        ),
    ],
)
def test_what_is_promised_in_words(written: object, zh: str, en: str) -> None:
    assert pays(written) == (zh, en)


@pytest.mark.parametrize("code", sorted(plans()))
def test_every_shipped_plan_reads_in_both_languages(code: str) -> None:
    terms = plans()[code]
    for each in terms.benefits:
        found = describe(terms, each)
        rows = [found["pays"], *found["steps"], *found["conditions"], *found["limits"]]
        for row in rows:
            assert row["zh"]
            assert row["en"]
            assert "_" not in row["zh"] + row["en"], "a name without words"


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(document=benefits())
def test_any_benefit_can_be_described(document: dict[str, Any]) -> None:
    terms = plan(document, tables=TABLES)
    found = describe(terms, terms.benefits[0])
    assert found["pays"]["zh"]
    assert found["pays"]["en"]
    assert len(found["steps"]) == len(document["steps"])


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(written=expressions("money", PRICE_CONTEXT))
def test_any_price_can_be_described(written: Any) -> None:
    options = [{"code": "A", "term": {"months": 12}, "price": written, "name": WORDS}]
    terms = plan(
        benefit("PAY", {"yuan": 1}),
        tables=TABLES,
        contribution={"max_shares": 10, "options": options},
    )
    assert set(describe_price(terms, terms.contribution.options[0].price)) == {"zh", "en"}
