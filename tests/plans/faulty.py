"""Plan documents, each with one fault at a known place, and some that only look faulty."""

from collections.abc import Callable
from copy import deepcopy
from datetime import date
from typing import Any

from tests.plans.engine import WORDS, benefit, condition

Json = Any


def nested(inner: Json, around: Callable[[Json], Json], times: int) -> Json:
    for _ in range(times):
        inner = around(inner)
    return inner


TEN = {"yuan": 10}
STAYS_DAYS = {"each": {"of": "stays", "gives": "stays.days"}}
NONE = {"yuan": 0}
OPTION = {"code": "A", "term": {"months": 12}, "price": {"times": [{"yuan": 25}, "shares"]}}
FIXED = {"first_day": "2026-01-01", "last_day": "2026-12-31"}


def document(*benefits: Json, **more: Json) -> dict[str, Json]:
    """A plan without faults around these benefits."""
    return {
        "code": "PLAN-A",
        "name": WORDS,
        "summary": WORDS,
        "kind": "purchased",
        "source": {"issuer": WORDS, "as_of": "2026", "published_plan": "none"},
        "eligibility": {
            "ages": {
                "male": {"minimum": 16, "maximum": 60},
                "female": {"minimum": 16, "maximum": 55},
            }
        },
        "contribution": {"max_shares": 3, "options": [deepcopy(OPTION)]},
        "benefits": [deepcopy(each) for each in benefits] or [benefit("PAY", TEN)],
        **deepcopy(more),
    }


def paying(pays: Json, **more: Json) -> dict[str, Json]:
    tables = more.pop("tables", {})
    facts = more.pop("facts", {})
    return document(benefit("PAY", pays, **more), tables=tables, facts=facts)


def paid_before(**more: Json) -> dict[str, Json]:
    return {"paid_before": {"within": "term", **more}}


def sliced_stays(edges: int) -> dict[str, Json]:
    rows = [{"above": {"yuan": n}, "to": {"yuan": n + 1}, "rate": "0.1"} for n in range(1, edges)]
    slices = [{"to": {"yuan": 1}, "rate": "0.1"}, *rows]
    return {
        "each": {
            "of": "stays",
            "gives": {"slices": {"of": "stays.self_pay_fen", "slices": slices}},
        }
    }


def pro_rata_of_stays(times: int) -> dict[str, Json]:
    share = {"part": "stays.own_expense_fen", "whole": "stays.total_cost_fen"}
    found: dict[str, Json] = nested(
        "stays.self_pay_fen", lambda inner: {"pro_rata": {"of": inner, **share}}, times
    )
    return found


def priced(price: Json, **more: Json) -> dict[str, Json]:
    """A plan with one option; `more` of the option."""
    option = {**OPTION, "price": price, **more}
    return document(contribution={"max_shares": 3, "options": [option]})


def listed(code: str, **more: Json) -> dict[str, Json]:
    return {"kind": code, "words": WORDS, **more}


def counter(of: Json) -> Json:
    return {"of": of, "within": "term", "words": WORDS}


def step(name: str, value: Json) -> Json:
    return {"name": name, "words": WORDS, "value": value}


def banded(*bands: Json, of: Json = "self_pay_fen") -> Json:
    return {"band": {"of": of, "bands": list(bands)}}


def when(test: Json) -> Json:
    return {"when": {"if": test, "then": TEN, "otherwise": NONE}}


RATES = {"kind": "rates", "entries": {"1": "1", "2": "0.5"}}
TERMS = {"kind": "list", "entries": {"1": WORDS}}
EACH = {"each": {"of": "stays", "gives": {"times": [TEN, "stays.days"]}}}
PAYS = "/benefits/0/pays"
PRICE = "/contribution/options/0/price"

EXPRESSIONS: list[tuple[str, Json, str, str]] = [
    (
        "input of prices",
        {"when": {"if": "card_holder", "then": TEN, "otherwise": NONE}},
        f"{PAYS}/when/if",
        "input-elsewhere",
    ),
    (
        "word for an input",
        {"when": {"if": {"equals": ["severity", "mild"]}, "then": TEN, "otherwise": NONE}},
        f"{PAYS}/when/if/equals/1",
        "word-compared",
    ),
    (
        "word for an input, first",
        {"when": {"if": {"equals": ["mild", "severity"]}, "then": TEN, "otherwise": NONE}},
        f"{PAYS}/when/if/equals/0",
        "word-compared",
    ),
    ("number for money", 3, PAYS, "wrong-kind"),
    ("word for money", "severity", PAYS, "wrong-kind"),
    ("money plus number", {"sum": [TEN, 3]}, f"{PAYS}/sum/1", "mixed-kinds"),
    (
        "money compared",
        when({"reaches": ["self_pay_fen", 3]}),
        f"{PAYS}/when/if/reaches/1",
        "mixed-kinds",
    ),
    ("money twice", {"times": [TEN, TEN]}, f"{PAYS}/times/1", "money-times-money"),
    ("rate of money", {"percent": {"of": TEN, "rate": TEN}}, f"{PAYS}/percent/rate", "wrong-kind"),
    ("nobody's input", "nobody_fen", PAYS, "unknown-input"),
    ("nobody's list", {"each": {"of": "visits", "gives": TEN}}, f"{PAYS}/each/of", "unknown-input"),
    ("price's input", {"times": [TEN, "added_shares"]}, f"{PAYS}/times/1", "unknown-input"),
    (
        "nobody's field",
        {"each": {"of": "stays", "gives": "stays.nobody"}},
        f"{PAYS}/each/gives",
        "unknown-field",
    ),
    ("list alone", {"sum": [TEN, "stays"]}, f"{PAYS}/sum/1", "list-alone"),
    ("no list", {"times": [TEN, {"count": "shares"}]}, f"{PAYS}/times/1/count", "not-a-list"),
    ("field outside", {"times": [TEN, "stays.days"]}, f"{PAYS}/times/1", "field-outside-each"),
    (
        "each in each",
        {"each": {"of": "stays", "gives": EACH}},
        f"{PAYS}/each/gives/each",
        "each-in-each",
    ),
    (
        "nobody's counter",
        {"times": [TEN, {"before": "nobody"}]},
        f"{PAYS}/times/1/before",
        "unknown-counter",
    ),
    (
        "nobody's benefit",
        {"paid_before": {"within": "term", "benefits": ["NOBODY"]}},
        f"{PAYS}/paid_before/benefits/0",
        "unknown-benefit",
    ),
    (
        "nobody's table",
        {"look_up": {"table": "T", "of": "age"}},
        f"{PAYS}/look_up/table",
        "unknown-table",
    ),
    ("itself", when({"holds": "PLAN-A"}), f"{PAYS}/when/if/holds", "plan-itself"),
    (
        "case nobody has",
        {"choose": {"by": "severity", "cases": {"mild": TEN, "severe": TEN, "deadly": TEN}}},
        f"{PAYS}/choose/cases/deadly",
        "unknown-case",
    ),
    (
        "case left out",
        {"choose": {"by": "severity", "cases": {"mild": TEN}}},
        f"{PAYS}/choose/cases",
        "uncovered-case",
    ),
    (
        "any word left out",
        {"choose": {"by": "disease", "cases": {"tumour": TEN}}},
        f"{PAYS}/choose/cases",
        "uncovered-case",
    ),
    (
        "number left out",
        {"choose": {"by": "hospital_grade", "cases": {"1": TEN, "3": TEN}}},
        f"{PAYS}/choose/cases",
        "uncovered-case",
    ),
    (
        "word nobody has",
        when({"one_of": {"of": "severity", "words": ["mild", "deadly"]}}),
        f"{PAYS}/when/if/one_of/words/1",
        "unknown-word",
    ),
    ("rate", {"percent": {"of": TEN, "rate": "1.5"}}, f"{PAYS}/percent/rate", "rate-above-one"),
    (
        "rate in a band",
        {
            "percent": {
                "of": TEN,
                "rate": banded(
                    {"to": 5, "gives": "0.5"}, {"above": 5, "gives": 2}, of="terms_held"
                ),
            }
        },
        f"{PAYS}/percent/rate/band/bands/1/gives",
        "rate-above-one",
    ),
    (
        "no unit",
        {"times": [TEN, {"full": {"of": "age", "per": 0}}]},
        f"{PAYS}/times/1/full/per",
        "zero-unit",
    ),
    (
        "two edges",
        banded({"to": TEN, "below": TEN, "gives": TEN}, {"above": TEN, "gives": TEN}),
        f"{PAYS}/band/bands/0",
        "band-two-edges",
    ),
    (
        "open inside",
        banded({"gives": TEN}, {"above": TEN, "gives": TEN}),
        f"{PAYS}/band/bands/0",
        "band-edge-missing",
    ),
    (
        "empty",
        banded(
            {"to": TEN, "gives": TEN},
            {"above": TEN, "to": TEN, "gives": TEN},
            {"above": TEN, "gives": TEN},
        ),
        f"{PAYS}/band/bands/1",
        "band-empty",
    ),
    (
        "gap",
        banded({"to": TEN, "gives": TEN}, {"above": {"yuan": 11}, "gives": TEN}),
        f"{PAYS}/band/bands/1",
        "band-gap",
    ),
    (
        "gap at the edge",
        banded({"below": TEN, "gives": TEN}, {"above": TEN, "gives": TEN}),
        f"{PAYS}/band/bands/1",
        "band-gap",
    ),
    (
        "overlap",
        banded({"to": TEN, "gives": TEN}, {"from": TEN, "gives": TEN}),
        f"{PAYS}/band/bands/1",
        "band-overlap",
    ),
    (
        "descending",
        banded({"to": TEN, "gives": TEN}, {"above": {"yuan": 5}, "gives": TEN}),
        f"{PAYS}/band/bands/1",
        "band-overlap",
    ),
    (
        "begins late",
        banded({"from": TEN, "gives": TEN}),
        f"{PAYS}/band/bands",
        "bands-not-covering",
    ),
    ("ends early", banded({"to": TEN, "gives": TEN}), f"{PAYS}/band/bands", "bands-not-covering"),
    (
        "out of reach",
        banded({"to": 3, "gives": TEN}, {"above": 3, "gives": TEN}, of="hospital_grade"),
        f"{PAYS}/band/bands/1",
        "band-unreachable",
    ),
    (
        "edge of a number",
        banded({"to": 3, "gives": TEN}, {"above": TEN, "gives": TEN}),
        f"{PAYS}/band/bands/0/to",
        "wrong-kind",
    ),
    (
        "slices from ten",
        {"slices": {"of": "self_pay_fen", "slices": [{"above": TEN, "rate": "0.5"}]}},
        f"{PAYS}/slices/slices/0",
        "slices-from-zero",
    ),
    (
        "slices with a gap",
        {
            "slices": {
                "of": "self_pay_fen",
                "slices": [{"to": TEN, "rate": "0.5"}, {"above": {"yuan": 11}, "rate": "0.5"}],
            }
        },
        f"{PAYS}/slices/slices/1",
        "band-gap",
    ),
    (
        "whole slices",
        {
            "slices": {
                "of": "self_pay_fen",
                "slices": [{"to": {"fen": 9}, "rate": "0.5"}, {"from": {"fen": 10}, "rate": "0.5"}],
            }
        },
        f"{PAYS}/slices/slices/1",
        "band-gap",
    ),
    ("never", when({"exceeds": ["hospital_grade", 3]}), f"{PAYS}/when/if", "never-holds"),
    (
        "always",
        when({"all": ["surgery", {"reaches": ["self_pay_fen", NONE]}]}),
        f"{PAYS}/when/if/all/1",
        "always-holds",
    ),
    ("nothing", {"minus": [TEN, {"yuan": 20}]}, PAYS, "never-pays"),
    (
        "too deep",
        nested(TEN, lambda inner: {"sum": [inner, TEN]}, 20),
        PAYS,
        "nested-too-deeply",
    ),
    (
        "too many for each item",
        {"each": {"of": "stays", "gives": {"sum": [{"times": [TEN, "stays.days"]}] * 40}}},
        "/benefits/0",
        "too-many-repeated",
    ),
    (
        "too many",
        {"sum": [{"sum": [{"sum": [TEN, TEN]} for _ in range(20)]} for _ in range(20)]},
        "/benefits/0",
        "too-many-operators",
    ),
]

DOCUMENTS: list[tuple[str, Json, str, str]] = [
    # Words that nobody can read.
    (
        "words turned around",
        document(name={"zh": "手术\u202e互助金", "en": "x"}),
        "/name/zh",
        "control-character",
    ),
    (
        "nothing to see",
        document(name={"zh": "\u200b", "en": "x"}),
        "/name/zh",
        "control-character",
    ),
    ("blank words", document(name={"zh": "意外", "en": "  "}), "/name/en", "blank-text"),
    (
        "a day out of reach",
        document(joining={"opens_on": "9999-12-31"}),
        "/joining/opens_on",
        "day-out-of-range",
    ),
    # Steps, counters and places.
    (
        "later step",
        paying(TEN, steps=[step("one_fen", "two_fen"), step("two_fen", TEN)]),
        "/benefits/0/steps/0/value",
        "step-later",
    ),
    (
        "shadow",
        paying(TEN, steps=[step("self_pay_fen", TEN)]),
        "/benefits/0/steps/0/name",
        "step-shadows-input",
    ),
    (
        "same step",
        paying(TEN, steps=[step("one_fen", TEN), step("one_fen", TEN)]),
        "/benefits/0/steps/1/name",
        "duplicate-code",
    ),
    (
        "benefits of other plans",
        paying({"minus": [TEN, paid_before(benefits=["PAY"], plans=["PLAN-B"])]}),
        f"{PAYS}/minus/1/paid_before/benefits",
        "benefits-of-plans",
    ),
    (
        "paid before by itself",
        paying({"minus": [TEN, paid_before(plans=["PLAN-A"])]}),
        f"{PAYS}/minus/1/paid_before/plans/0",
        "plan-itself",
    ),
    (
        "a list inside another",
        paying({"each": {"of": "stays", "gives": {"largest": {"of": "items", "gives": TEN}}}}),
        f"{PAYS}/each/gives/largest",
        "each-in-each",
    ),
    (
        "paper that nobody names",
        paying(TEN, documents=["identity", "pathology_report"]),
        "/benefits/0/documents/1",
        "unknown-document",
    ),
    (
        "standard paper named again",
        document(document_kinds={"receipt": WORDS}),
        "/document_kinds/receipt",
        "document-standard",
    ),
    (
        "a list in a counter that is asked for again and again",
        paying(
            {"sum": [{"total": "days"}] * 45},
            counters={
                "days": {
                    "of": {"each": {"of": "stays", "gives": {"times": [TEN, "stays.days"]}}},
                    "within": "term",
                    "words": WORDS,
                }
            },
        ),
        "/benefits/0",
        "too-many-repeated",
    ),
    (
        "many lists",
        paying({"sum": [{"sum": [{"count": "stays"}, *[STAYS_DAYS] * 40]}, *[STAYS_DAYS] * 20]}),
        "/benefits/0",
        "too-many-repeated",
    ),
    (
        "slices of a list",
        paying({"sum": [sliced_stays(59), sliced_stays(59)]}),
        "/benefits/0",
        "too-many-repeated",
    ),
    (
        "numbers of millions of digits",
        paying(
            {"at_most": {"of": {"times": [TEN, "small_4"]}, "limit": TEN}},
            steps=[
                step("small_1", {"times": ["0.123456789"] * 20}),
                *(step(f"small_{n}", {"times": [f"small_{n - 1}"] * 20}) for n in (2, 3, 4)),
            ],
        ),
        "/benefits/0/steps/2/value",
        "number-too-long",
    ),
    (
        "divided by amounts",
        paying({"each": {"of": "stays", "gives": pro_rata_of_stays(12)}}),
        PAYS,
        "number-too-long",
    ),
    (
        "more than can be paid",
        paying({"times": ["loss_fen", "family_members", "age", 100_000]}),
        PAYS,
        "amount-too-large",
    ),
    (
        "a price beyond all measure",
        priced({"times": [{"yuan": 10**10}, 10**8]}),
        PRICE,
        "amount-too-large",
    ),
    (
        "more than ten years",
        priced(TEN, term={"first_day": "2026-01-01", "last_day": "2036-01-01"}),
        "/contribution/options/0/term/last_day",
        "term-too-long",
    ),
    (
        "history in a price",
        priced({"paid_before": {"within": "term"}}),
        f"{PRICE}/paid_before",
        "only-in-benefits",
    ),
    (
        "occurrence in a condition",
        paying(
            TEN,
            conditions=[
                condition(
                    "few",
                    {
                        "up_to": [
                            {"each": {"of": "stays", "gives": {"occurrence": {"within": "term"}}}},
                            2,
                        ]
                    },
                )
            ],
        ),
        "/benefits/0/conditions/0/require/up_to/0/each/gives/occurrence",
        "occurrence-out-of-place",
    ),
    (
        "two lists",
        paying(
            {
                "sum": [
                    {
                        "each": {
                            "of": "stays",
                            "gives": {"times": [TEN, {"occurrence": {"within": "term"}}]},
                        }
                    },
                    {
                        "each": {
                            "of": "items",
                            "gives": {"times": [TEN, {"occurrence": {"within": "term"}}]},
                        }
                    },
                ]
            }
        ),
        f"{PAYS}/sum/1/each/gives/times/1/occurrence",
        "two-numbered-lists",
    ),
    (
        "counter of a counter",
        paying(TEN, counters={"a": counter("age"), "b": counter({"before": "a"})}),
        "/benefits/0/counters/b/of/before",
        "counter-in-counter",
    ),
    (
        "counter of a later step",
        paying(TEN, counters={"a": counter("one")}, steps=[step("one", {"total": "a"})]),
        "/benefits/0/steps/0/value/total",
        "step-later",
    ),
    (
        "counters differ",
        document(
            benefit("PAY", TEN, counters={"a": counter("age")}),
            benefit("PAY2", TEN, counters={"a": counter("self_pay_fen")}),
        ),
        "/benefits/1/counters/a",
        "counter-mismatch",
    ),
    (
        "step in a shared limit",
        document(
            benefit("PAY", TEN, steps=[step("one_fen", TEN)]),
            limits=[{"max": "one_fen", "per": "term"}],
        ),
        "/limits/0/max",
        "unknown-input",
    ),
    (
        "limit is no money",
        paying(TEN, limits=[{"max": 3, "per": "term"}]),
        "/benefits/0/limits/0/max",
        "wrong-kind",
    ),
    (
        "condition is no truth",
        paying(TEN, conditions=[condition("few", 1)]),
        "/benefits/0/conditions/0/require",
        "wrong-kind",
    ),
    (
        "condition never",
        paying(TEN, conditions=[condition("few", {"below": ["shares", 0]})]),
        "/benefits/0/conditions/0/require",
        "never-holds",
    ),
    (
        "condition always",
        paying(TEN, conditions=[condition("few", {"up_to": ["shares", 3]})]),
        "/benefits/0/conditions/0/require",
        "always-holds",
    ),
    # Tables.
    (
        "list has no values",
        paying({"look_up": {"table": "T", "of": "age"}}, tables={"T": TERMS}),
        f"{PAYS}/look_up/table",
        "table-kind",
    ),
    (
        "seven of ten grades",
        paying(
            {"percent": {"of": TEN, "rate": {"look_up": {"table": "T", "of": "disability_grade"}}}},
            tables={"T": RATES},
        ),
        f"{PAYS}/percent/rate/look_up/of",
        "table-incomplete",
    ),
    (
        "any disease",
        paying(
            {"percent": {"of": TEN, "rate": {"look_up": {"table": "T", "of": "disease"}}}},
            tables={"T": RATES},
        ),
        f"{PAYS}/percent/rate/look_up/of",
        "table-any-word",
    ),
    (
        "key nobody has",
        paying(
            when({"listed": {"table": "T", "of": "disability_grade"}}),
            tables={"T": {"kind": "list", "entries": {"1": WORDS, "11": WORDS}}},
        ),
        "/tables/T/entries/11",
        "table-key-unknown",
    ),
    (
        "rate above one",
        document(tables={"T": {"kind": "rates", "entries": {"1": "1.5"}}}),
        "/tables/T/entries/1",
        "rate-above-one",
    ),
    (
        "money among rates",
        document(tables={"T": {"kind": "rates", "entries": {"1": TEN}}}),
        "/tables/T/entries/1",
        "table-entry-kind",
    ),
    (
        "standard table nobody has",
        document(tables={"T": {"use": "NOBODY"}}),
        "/tables/T/use",
        "unknown-table",
    ),
    # Limits.
    (
        "above a cap",
        paying(
            banded(
                {"to": TEN, "gives": TEN},
                {"above": TEN, "gives": {"times": [{"yuan": 50}, "shares"]}},
            ),
            limits=[{"max": {"times": [{"yuan": 40}, "shares"]}, "per": "term"}],
        ),
        f"{PAYS}/band/bands/1/gives",
        "amount-above-cap",
    ),
    (
        "above a shared cap",
        document(benefit("PAY", when("surgery")), limits=[{"max": {"yuan": 9}, "per": "lifetime"}]),
        f"{PAYS}/when/then",
        "amount-above-cap",
    ),
    (
        "above a cap by layers",
        paying(
            {"each": {"of": "layers", "gives": {"times": [TEN, "layers.shares"]}}},
            limits=[{"max": {"yuan": 9}, "per": "term"}],
        ),
        PAYS,
        "amount-above-cap",
    ),
    (
        "step above a cap",
        paying(
            "one_fen",
            steps=[step("one_fen", when("surgery"))],
            limits=[{"max": {"yuan": 9}, "per": "term"}],
        ),
        "/benefits/0/steps/0/value/when/then",
        "amount-above-cap",
    ),
    (
        "slice above a cap",
        paying(
            {
                "slices": {
                    "of": "self_pay_fen",
                    "slices": [
                        {"to": {"yuan": 100}, "rate": "1"},
                        {"above": {"yuan": 100}, "rate": "0.5"},
                    ],
                }
            },
            limits=[{"max": {"yuan": 99}, "per": "term"}],
        ),
        f"{PAYS}/slices/slices/1",
        "amount-above-cap",
    ),
    (
        "limit names nobody",
        paying(TEN, limits=[{"max": TEN, "per": "term", "benefits": ["NOBODY"]}]),
        "/benefits/0/limits/0/benefits/0",
        "unknown-benefit",
    ),
    (
        "limit names its plan",
        paying(TEN, limits=[{"max": TEN, "per": "term", "plans": ["PLAN-A"]}]),
        "/benefits/0/limits/0/plans/0",
        "plan-itself",
    ),
    # Codes and names.
    (
        "same benefit",
        document(benefit("PAY", TEN), benefit("PAY", TEN)),
        "/benefits/1/code",
        "duplicate-code",
    ),
    (
        "same cause",
        document({**benefit("PAY", TEN), "causes": ["illness", "illness"]}),
        "/benefits/0/causes/1",
        "duplicate-entry",
    ),
    (
        "reserved reason",
        paying(TEN, conditions=[condition("excluded", "surgery")]),
        "/benefits/0/conditions/0/code",
        "reserved-code",
    ),
    ("excludes itself", paying(TEN, excludes=["PAY"]), "/benefits/0/excludes/0", "benefit-itself"),
    (
        "ends nobody",
        paying(TEN, once={"benefits": ["NOBODY"]}),
        "/benefits/0/once/benefits/0",
        "unknown-benefit",
    ),
    (
        "waits for nothing",
        document({**benefit("PAY", TEN), "causes": ["accident"], "waiting_days": 3}),
        "/benefits/0/waiting_days",
        "waiting-without-illness",
    ),
    # Facts.
    ("context", document(facts={"shares": listed("number")}), "/facts/shares", "fact-of-context"),
    (
        "wider",
        document(facts={"disability_grade": listed("number", least=1, most=11)}),
        "/facts/disability_grade",
        "fact-redeclared",
    ),
    (
        "other kind",
        document(facts={"surgery": listed("number")}),
        "/facts/surgery",
        "fact-redeclared",
    ),
    (
        "other words",
        document(facts={"severity": listed("word", choices={"deadly": WORDS})}),
        "/facts/severity",
        "fact-redeclared",
    ),
    (
        "wider field",
        document(facts={"stays": listed("list", fields={"days": listed("number")})}),
        "/facts/stays/fields/days",
        "fact-redeclared",
    ),
    ("money name", document(facts={"cost": listed("money")}), "/facts/cost", "money-name"),
    ("no money", document(facts={"days_fen": listed("number")}), "/facts/days_fen", "money-name"),
    (
        "range",
        document(facts={"rooms": listed("number", least=3, most=2)}),
        "/facts/rooms/least",
        "fact-range",
    ),
    (
        "choices",
        document(facts={"rooms": listed("number", choices={"a": WORDS})}),
        "/facts/rooms/choices",
        "fact-choices",
    ),
    ("no fields", document(facts={"rooms": listed("list")}), "/facts/rooms", "fact-fields"),
    # Plans, dates and prices.
    (
        "excludes its plan",
        document(relations={"excludes": ["PLAN-A"]}),
        "/relations/excludes/0",
        "plan-itself",
    ),
    (
        "excluded and required",
        document(relations={"excludes": ["PLAN-B"], "requires": ["PLAN-B"]}),
        "/relations/excludes/0",
        "excluded-and-required",
    ),
    (
        "window",
        document(joining={"opens_on": "2026-02-01", "closes_on": "2026-01-31"}),
        "/joining/closes_on",
        "window-order",
    ),
    (
        "too late",
        document(
            joining={"opens_on": "2027-01-01"},
            contribution={"max_shares": 1, "options": [{**OPTION, "term": FIXED}]},
        ),
        "/joining/opens_on",
        "window-after-term",
    ),
    ("gift", document(kind="gifted"), PRICE, "gift-with-price"),
    ("nothing to buy", priced(NONE), "/kind", "nothing-to-buy"),
    (
        "automatic",
        document(kind="gifted", renewal={"modes": ["manual", "automatic"]}),
        "/renewal/modes/1",
        "automatic-gift",
    ),
    (
        "grace",
        document(renewal={"covered_in_grace": True}),
        "/renewal/covered_in_grace",
        "grace-without-days",
    ),
    (
        "split",
        priced(
            {"yuan": 62},
            split=[
                {"payer": "member", "amount": {"yuan": 60}},
                {"payer": "union", "amount": {"yuan": 1}},
            ],
        ),
        "/contribution/options/0/split",
        "split-not-price",
    ),
    (
        "split of the second share",
        priced({"times": [TEN, "shares"]}, split=[{"payer": "member", "amount": TEN}]),
        "/contribution/options/0/split",
        "split-not-price",
    ),
    (
        "split of women",
        priced(
            {"choose": {"by": "sex", "cases": {"male": TEN, "female": {"yuan": 12}}}},
            split=[{"payer": "member", "amount": TEN}],
        ),
        "/contribution/options/0/split",
        "split-not-price",
    ),
    (
        "deposit",
        priced(TEN, deposit={"times": [{"yuan": 5}, "shares"]}),
        "/contribution/options/0/deposit",
        "deposit-above-price",
    ),
    (
        "refund",
        document(cancellation={"before_start": TEN}),
        "/cancellation/before_start",
        "refund-without-payment",
    ),
    (
        "late",
        document(contribution={"max_shares": 1, "options": [OPTION], "late_price": TEN}),
        "/contribution/late_price",
        "late-price-without-fixed-term",
    ),
    (
        "upgrade",
        document(contribution={"max_shares": 1, "options": [OPTION]}, upgrade={"price": TEN}),
        "/upgrade",
        "upgrade-without-shares",
    ),
    ("upgrade of nothing", document(upgrade={}), "/upgrade", "upgrade-of-nothing"),
    (
        "raise to no option",
        document(upgrade={"options": [{"from": "A", "to": "Z", "price": TEN}]}),
        "/upgrade/options/0/to",
        "unknown-option",
    ),
    (
        "raise to itself",
        document(upgrade={"options": [{"from": "A", "to": "A", "price": TEN}]}),
        "/upgrade/options/0/to",
        "option-itself",
    ),
    (
        "raised twice",
        document(
            contribution={"max_shares": 1, "options": [OPTION, {**OPTION, "code": "B"}]},
            upgrade={"options": [{"from": "A", "to": "B", "price": TEN}] * 2},
        ),
        "/upgrade/options/1",
        "duplicate-entry",
    ),
    (
        "renewal age",
        document(
            eligibility={"ages": {"male": {"minimum": 1, "maximum": 60}}, "renewal_maximum_age": 59}
        ),
        "/eligibility/renewal_maximum_age",
        "renewal-age",
    ),
    (
        "straight through",
        document(claims={"second_approval_above": TEN, "straight_through_up_to": {"yuan": 11}}),
        "/claims/straight_through_up_to",
        "straight-through-above-approval",
    ),
    # Form.
    ("unknown field", document(colour="red"), "/colour", "extra-forbidden"),
    ("negative", paying({"yuan": -1}), f"{PAYS}/yuan", "greater-than-equal"),
    ("float", paying({"yuan": 1.5}), f"{PAYS}/yuan", "float-number"),
    (
        "float rate",
        paying({"percent": {"of": TEN, "rate": 0.35}}),
        f"{PAYS}/percent/rate",
        "float-number",
    ),
    (
        "slice above one",
        paying({"slices": {"of": TEN, "slices": [{"rate": "1.2"}]}}),
        f"{PAYS}/slices/slices/0/rate",
        "share-above-one",
    ),
    ("half a fen", paying({"yuan": "0.001"}), f"{PAYS}/yuan", "below-one-fen"),
    ("no amount", paying({"yuan": None}), f"{PAYS}/yuan", "not-an-amount"),
    (
        "no entry",
        document(tables={"T": {"kind": "rates", "entries": {"1": []}}}),
        "/tables/T/entries/1",
        "not-an-entry",
    ),
    (
        "no money",
        document(claims={"second_approval_above": 3}),
        "/claims/second_approval_above",
        "not-money",
    ),
    ("no edge", paying(banded({"to": [], "gives": TEN})), f"{PAYS}/band/bands/0/to", "not-an-edge"),
    ("no operator", paying({"magic": 1}), PAYS, "unknown-operator"),
    ("two operators", paying({"sum": [1, 2], "not": 1}), PAYS, "several-operators"),
    ("no expression", paying([]), PAYS, "not-an-expression"),
    ("no name", paying("Bad Name"), PAYS, "string-pattern-mismatch"),
    ("too few", paying({"sum": [TEN]}), f"{PAYS}/sum", "too-short"),
    (
        "missing",
        {key: each for key, each in document().items() if key != "name"},
        "/name",
        "missing",
    ),
    (
        "key",
        document(tables={"T": {"kind": "rates", "entries": {1: "1"}}}),
        "/tables/T/entries/1",
        "key-not-text",
    ),
    (
        "key form",
        document(tables={"T": {"kind": "rates", "entries": {"a/b ~": "1"}}}),
        "/tables/T/entries/a~1b ~0",
        "key-form",
    ),
    (
        "ages",
        document(eligibility={"ages": {"male": {"minimum": 9, "maximum": 8}}}),
        "/eligibility/ages/male",
        "ages-order",
    ),
    (
        "two terms",
        priced(TEN, term={"months": 12, "days": 3}),
        "/contribution/options/0/term",
        "term-kind",
    ),
    (
        "half a term",
        priced(TEN, term={"days_from": 3}),
        "/contribution/options/0/term",
        "term-order",
    ),
    ("no day", document(joining={"opens_on": "2026-02-30"}), "/joining/opens_on", "not-a-day"),
    ("day as number", document(joining={"opens_on": 20260101}), "/joining/opens_on", "not-a-day"),
    ("kind", document(kind="sold"), "/kind", "literal-error"),
    ("no object", [], "", "model-type"),
    ("unstorable", document(name={"zh": "a\x00", "en": "b"}), "/name/zh", "unstorable-text"),
    ("no JSON", document(name={"zh": b"a", "en": "b"}), "/name/zh", "not-json"),
    (
        "deep",
        paying(nested([], lambda inner: [inner], 200)),
        PAYS + "/0" * 108,
        "too-deep",
    ),
    ("large", paying([[0] * 1000] * 1000), "", "too-large"),
]

VALID: list[tuple[str, Json]] = [
    (
        "an otherwise to be safe",
        paying(
            {"choose": {"by": "severity", "cases": {"mild": TEN, "severe": TEN}, "otherwise": 0}}
        ),
    ),
    (
        "amounts from the first share on",
        paying(
            {
                "sum": [
                    {"choose": {"by": "shares", "cases": {"1": TEN, "2": TEN, "3": TEN}}},
                    banded({"from": 1, "to": 3, "gives": TEN}, of="shares"),
                ]
            }
        ),
    ),
    (
        "bands of whole numbers",
        paying(banded({"to": 30, "gives": TEN}, {"from": 31, "gives": TEN}, of="day_of_cover")),
    ),
    (
        "bands of whole fen",
        paying(banded({"to": {"fen": 9}, "gives": TEN}, {"from": {"fen": 10}, "gives": TEN})),
    ),
    ("zero needs no unit", paying({"when": {"if": "surgery", "then": TEN, "otherwise": 0}})),
    (
        "a tested look-up",
        paying(
            {"percent": {"of": TEN, "rate": {"look_up": {"table": "T", "of": "disease"}}}},
            tables={"T": RATES},
            conditions=[condition("not-listed", {"listed": {"table": "T", "of": "disease"}})],
        ),
    ),
    (
        "a tested item",
        paying(
            {
                "each": {
                    "of": "items",
                    "gives": {
                        "when": {
                            "if": {"listed": {"table": "T", "of": "items.item"}},
                            "then": {"look_up": {"table": "T", "of": "items.item"}},
                            "otherwise": 0,
                        }
                    },
                }
            },
            tables={"T": {"kind": "amounts", "entries": {"cast": TEN}}},
        ),
    ),
    (
        "a narrowed grade",
        paying(
            {"percent": {"of": TEN, "rate": {"look_up": {"table": "T", "of": "disability_grade"}}}},
            tables={"T": RATES},
            facts={"disability_grade": listed("number", least=1, most=2)},
        ),
    ),
    (
        "a standard table",
        paying(
            {
                "percent": {
                    "of": TEN,
                    "rate": {"look_up": {"table": "CIRC-1998-7GRADE", "of": "disability_grade"}},
                }
            },
            tables={"CIRC-1998-7GRADE": {"use": "CIRC-1998-7GRADE"}},
            facts={"disability_grade": listed("number", least=1, most=7)},
        ),
    ),
    ("options", document(benefit("PAY", {"choose": {"by": "option", "cases": {"A": TEN}}}))),
    (
        "only women",
        {
            **priced({"choose": {"by": "sex", "cases": {"female": TEN}}}),
            "eligibility": {"ages": {"female": {"minimum": 16, "maximum": 60}}},
        },
    ),
    (
        "amounts up to the cap",
        paying(
            {"times": [TEN, "shares"]}, limits=[{"max": {"times": [TEN, "shares"]}, "per": "term"}]
        ),
    ),
    (
        "a counter of a step",
        paying(
            {"times": [TEN, {"total": "a"}]},
            steps=[step("one", {"full": {"of": "age", "per": 2}})],
            counters={"a": counter("one")},
        ),
    ),
    ("a gift", {**priced(NONE), "kind": "gifted"}),
    (
        "a split by rates",
        priced(
            {"yuan": 110},
            split=[
                {"payer": "union", "amount": {"percent": {"of": {"yuan": 110}, "rate": "0.3"}}},
                {"payer": "member", "amount": {"percent": {"of": {"yuan": 110}, "rate": "0.7"}}},
            ],
        ),
    ),
    (
        "a fixed term",
        document(
            joining={"opens_on": date(2025, 12, 1), "closes_on": "2026-06-30"},
            contribution={
                "max_shares": 2,
                "options": [{**OPTION, "term": FIXED}],
                "late_price": {
                    "pro_rata": {"of": TEN, "part": "remaining_days", "whole": "term_days"}
                },
            },
        ),
    ),
    (
        "a few days",
        priced(
            {"times": [{"fen": 50}, "term_days", "shares"]}, term={"days_from": 1, "days_to": 30}
        ),
    ),
]
