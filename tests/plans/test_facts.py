"""Which facts a benefit needs, and every fault of what was given."""

from datetime import date
from typing import Any

import pytest

from app.plans.facts import facts_of, missing_faults, read_facts, vocabulary
from app.plans.inputs import Input
from tests.plans.engine import CATALOGUE, WORDS, benefit, condition, plan

DECLARED = {
    "household_fen": {"kind": "money", "words": WORDS, "least": 100, "most": 5_000},
    "listed_illness": {"kind": "truth", "words": WORDS},
    "stage": {"kind": "word", "words": WORDS, "choices": {"early": WORDS, "late": WORDS}},
    "invoices": {
        "kind": "list",
        "words": WORDS,
        "fields": {
            "paid_fen": {"kind": "money", "words": WORDS, "most": 1_000},
            "kind": {"kind": "word", "words": WORDS},
            "paid_on": {"kind": "day", "words": WORDS},
        },
    },
}
INVOICES = {
    "each": {
        "of": "invoices",
        "gives": {
            "when": {
                "if": {
                    "all": [
                        {"one_of": {"of": "invoices.kind", "words": ["drug"]}},
                        {
                            "up_to": [
                                {"days_between": {"first": "event_on", "last": "invoices.paid_on"}},
                                9,
                            ]
                        },
                    ]
                },
                "then": "invoices.paid_fen",
                "otherwise": {"yuan": 0},
            }
        },
    }
}
TERMS = plan(
    benefit(
        "PAY",
        "due",
        conditions=[condition("not-listed", "listed_illness")],
        steps=[{"name": "due", "words": WORDS, "value": INVOICES}],
        counters={"stays": {"of": {"count": "stays"}, "within": "term", "words": WORDS}},
        limits=[{"max": {"times": ["household_fen", "shares"]}, "per": "term"}],
    ),
    benefit("OTHER", {"choose": {"by": "stage", "cases": {"early": {"yuan": 1}}}}),
    limits=[
        {"max": "loss_fen", "per": "term", "benefits": ["OTHER"]},
        {"max": "total_cost_fen", "per": "term"},
    ],
    facts=DECLARED,
)


def needs(code: str) -> tuple[Input, ...]:
    return facts_of(TERMS, TERMS.benefit(code))


def test_the_facts_of_a_benefit_follow_from_its_expressions() -> None:
    assert {fact.name for fact in needs("PAY")} == {
        "listed_illness",
        "invoices",
        "stays",
        "household_fen",
        "total_cost_fen",
    }
    assert {fact.name for fact in needs("OTHER")} == {"stage", "loss_fen", "total_cost_fen"}


def test_of_a_list_only_the_fields_that_are_used() -> None:
    fields = {fact.name: list(fact.fields) for fact in needs("PAY")}
    assert fields["invoices"] == ["kind", "paid_fen", "paid_on"]
    assert fields["stays"] == []


def test_what_the_service_knows_is_not_asked_for() -> None:
    assert {"shares", "event_on", "layers"} <= vocabulary(TERMS).keys()
    rider = CATALOGUE["RIDER-ACC"]
    asked = [fact.name for fact in facts_of(rider, rider.benefit("MED"))]
    assert asked == ["hospital_grade", "self_pay_fen"]
    assert facts_of(rider, rider.benefit("DEATH")) == ()


def test_what_was_given_becomes_exact_values() -> None:
    values, faults = read_facts(
        needs("PAY"),
        {
            "listed_illness": True,
            "household_fen": 100,
            "invoices": [{"paid_fen": 1_000, "kind": "drug", "paid_on": "2026-02-28"}, {}],
            "stays": [{}],
        },
    )
    assert faults == []
    assert values == {
        "listed_illness": True,
        "household_fen": 100,
        "invoices": ({"paid_fen": 1_000, "kind": "drug", "paid_on": date(2026, 2, 28)}, {}),
        "stays": ({},),
    }


@pytest.mark.parametrize("word", ["C50", "c50", "7", "I-21_a"])
def test_words_may_be_written_as_in_tables(word: str) -> None:
    values, faults = read_facts(needs("PAY"), {"invoices": [{"kind": word}]})
    assert (values, faults) == ({"invoices": ({"kind": word},)}, [])


MANY: list[Any] = [{}]


@pytest.mark.parametrize(
    ("code", "given", "pointer", "fault"),
    [
        ("PAY", {"nobody": 1}, "nobody", "unknown-fact"),
        ("PAY", {"a/b~c": 1}, "a~1b~0c", "unknown-fact"),
        ("PAY", {"stays": [{"a/b": 1}]}, "stays/0/a~1b", "unknown-fact"),
        ("PAY", {"shares": 9}, "shares", "unknown-fact"),
        ("PAY", {"stage": "early"}, "stage", "unknown-fact"),
        ("PAY", {"household_fen": 99}, "household_fen", "fact-out-of-range"),
        ("PAY", {"household_fen": 5_001}, "household_fen", "fact-out-of-range"),
        ("PAY", {"household_fen": -100}, "household_fen", "fact-out-of-range"),
        ("PAY", {"household_fen": 100.0}, "household_fen", "fact-out-of-range"),
        ("PAY", {"household_fen": "100"}, "household_fen", "fact-out-of-range"),
        ("PAY", {"household_fen": True}, "household_fen", "fact-out-of-range"),
        ("PAY", {"household_fen": None}, "household_fen", "fact-out-of-range"),
        ("PAY", {"listed_illness": 1}, "listed_illness", "not-truth"),
        ("PAY", {"listed_illness": "true"}, "listed_illness", "not-truth"),
        ("OTHER", {"stage": "middle"}, "stage", "not-a-choice"),
        ("OTHER", {"stage": ["early"]}, "stage", "not-a-choice"),
        ("PAY", {"invoices": {}}, "invoices", "not-a-list"),
        ("PAY", {"invoices": []}, "invoices", "not-a-list"),
        ("PAY", {"invoices": MANY * 201}, "invoices", "not-a-list"),
        ("PAY", {"invoices": [{}, 5]}, "invoices/1", "not-an-item"),
        ("PAY", {"invoices": [{"x": 1}]}, "invoices/0/x", "unknown-fact"),
        ("PAY", {"stays": [{"days": 1}]}, "stays/0/days", "unknown-fact"),
        ("PAY", {"invoices": [{"kind": "a b"}]}, "invoices/0/kind", "not-a-word"),
        ("PAY", {"invoices": [{"kind": ""}]}, "invoices/0/kind", "not-a-word"),
        ("PAY", {"invoices": [{"kind": "drug\n"}]}, "invoices/0/kind", "not-a-word"),
        ("PAY", {"invoices": [{"kind": 5}]}, "invoices/0/kind", "not-a-word"),
        (
            "PAY",
            {"invoices": [{}, {"paid_fen": 1_001}]},
            "invoices/1/paid_fen",
            "fact-out-of-range",
        ),
        ("PAY", {"invoices": [{"paid_on": "2026-02-29"}]}, "invoices/0/paid_on", "not-a-day"),
        ("PAY", {"invoices": [{"paid_on": "20260228"}]}, "invoices/0/paid_on", "not-a-day"),
        ("PAY", {"invoices": [{"paid_on": "２０２６-02-28"}]}, "invoices/0/paid_on", "not-a-day"),
        ("PAY", {"invoices": [{"paid_on": 20260228}]}, "invoices/0/paid_on", "not-a-day"),
        ("PAY", {"invoices": [{"paid_on": "0000-01-01"}]}, "invoices/0/paid_on", "not-a-day"),
    ],
)
def test_every_fault_has_its_pointer(code: str, given: Any, pointer: str, fault: str) -> None:
    _, faults = read_facts(needs(code), given)
    assert [(each.pointer, each.code) for each in faults] == [(f"/facts/{pointer}", fault)]
    assert faults[0].message.zh
    assert faults[0].message.en


def test_all_faults_at_once() -> None:
    values, faults = read_facts(
        needs("PAY"),
        {"x": 1, "household_fen": 0, "listed_illness": True, "invoices": [{"kind": 1}, 2]},
    )
    assert [each.pointer for each in faults] == [
        "/facts/x",
        "/facts/household_fen",
        "/facts/invoices/0/kind",
        "/facts/invoices/1",
    ]
    assert values["listed_illness"] is True


def test_the_range_is_told() -> None:
    _, [fault] = read_facts(needs("PAY"), {"household_fen": 0})
    assert fault.fields == {"least": 100, "most": 5_000}


def test_the_ends_of_a_range_are_inside() -> None:
    for fen in (100, 5_000):
        assert read_facts(needs("PAY"), {"household_fen": fen}) == ({"household_fen": fen}, [])
    longest = {"stays": MANY * 200}
    assert read_facts(needs("PAY"), longest)[1] == []


def test_missing_facts_have_the_pointers_where_they_belong() -> None:
    inputs: Any = {"invoices": ({"kind": "drug"}, {"paid_fen": 1, "kind": "drug"}, {})}
    missing = ("loss_fen", "invoices.paid_fen", "stays.days")
    faults = missing_faults(missing, inputs)
    assert [(each.pointer, each.code) for each in faults] == [
        ("/facts/loss_fen", "fact-missing"),
        ("/facts/invoices/0/paid_fen", "fact-missing"),
        ("/facts/invoices/2/paid_fen", "fact-missing"),
        ("/facts/stays.days", "fact-missing"),
    ]
