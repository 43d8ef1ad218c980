"""Evaluating one claim of a normal plan, alone and with its explanation, in this process.

No database and no server: what is measured is `assess` and `explain` of a document that
has been parsed once, over the claims that a person might file. The budget is for both
together.
"""

import gc
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from statistics import median, quantiles
from time import perf_counter_ns
from typing import Any
from uuid import UUID

import yaml

from app.plans.assessment import Assessment, assess
from app.plans.explanation import explain
from app.plans.history import Past, Standpoint, Use
from app.plans.inputs import Inputs
from app.plans.tables import expand_tables, standard_tables
from app.plans.terms import PlanTerms

BUDGET_US = 100
EVALUATIONS = 20_000
WARM_UP = 500
HISTORY = 6

_CONTEXT: Inputs = {
    "cause": "accident",
    "event_on": date(2026, 6, 1),
    "shares": 2,
    "day_of_cover": 151,
    "terms_held": 1,
    "option": "A",
    "layers": ({"shares": 2, "day_of_cover": 151},),
    "age": 40,
    "sex": "male",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A benefit of a plan, and claims for it, all with facts that pay something."""

    terms: PlanTerms
    benefit_code: str
    claims: Sequence[Inputs]
    past: Past

    def assessed(self, nth: int) -> Assessment:
        claim = self.claims[nth % len(self.claims)]
        return assess(self.terms, self.benefit_code, claim, self.past)


def _terms(path: str) -> PlanTerms:
    content = yaml.load(files("app.plans").joinpath(path).read_text("utf-8"), yaml.CSafeLoader)
    return PlanTerms.model_validate(expand_tables(content["document"], standard_tables()))


def _case(path: str, benefit_code: str, claims: Sequence[Inputs]) -> Case:
    """A claim of a person who has been paid a few times before."""
    terms = _terms(path)
    policy, start = UUID(int=1), date(2026, 1, 1)
    event_on, end = date(2026, 6, 1), date(2027, 1, 1)
    here = Standpoint(
        terms.code, benefit_code, policy, UUID(int=2), UUID(int=3), event_on, start, end
    )
    uses = [
        Use(terms.code, benefit_code, policy, UUID(int=nth), UUID(int=nth), start, 10_000)
        for nth in range(10, 10 + HISTORY)
    ]
    return Case(terms, benefit_code, [{**_CONTEXT, **claim} for claim in claims], Past(uses, here))


def cases() -> list[Case]:
    """A deductible with a limit, days of several stays, slices of each stay."""
    costs = range(20_000, 1_500_000, 14_777)
    return [
        _case(
            "data/rider-acc.yaml",
            "MED",
            [{"self_pay_fen": cost, "hospital_grade": 2} for cost in costs],
        ),
        _case(
            "data/cq-2015-ha.yaml",
            "HOSP_DAY",
            [
                {"stays": ({"days": cost % 9 + 1}, {"days": 4}), "hospital_grade": 3}
                for cost in costs
            ],
        ),
        _case(
            "library/hn-yy-2014.yaml",
            "IP",
            [{"stays": ({"self_pay_fen": cost}, {"self_pay_fen": 4_567_891})} for cost in costs],
        ),
    ]


def _timed(work: Callable[[int], object], times: int) -> list[float]:
    """Microseconds of each call; collections are left to the time between the measurements."""
    gc.collect()
    gc.disable()
    try:
        taken = []
        for nth in range(times):
            begun = perf_counter_ns()
            work(nth)
            taken.append((perf_counter_ns() - begun) / 1_000)
        return taken
    finally:
        gc.enable()


def _wrong(case: Case, nth: int) -> bool:
    """Whether nothing would be paid, or the explanation says another amount."""
    found = case.assessed(nth)
    told = explain(case.terms, found)["value"]
    return bool(found.missing) or found.amount_fen <= 0 or told != found.amount_fen


def run() -> int:
    """Print the line; returns 1 if an answer was wrong."""
    chosen = cases()
    each = EVALUATIONS // len(chosen)
    alone: list[float] = []
    explained: list[float] = []
    by_benefit: dict[str, Any] = {}
    for case in chosen:

        def both(nth: int, case: Case = case) -> object:
            return explain(case.terms, case.assessed(nth))

        if any(_wrong(case, nth) for nth in range(WARM_UP)):
            return 1
        evaluated, told = _timed(case.assessed, each), _timed(both, each)
        alone += evaluated
        explained += told
        name = f"{case.terms.code} {case.benefit_code}"
        by_benefit[name] = [round(median(evaluated), 1), round(median(told), 1)]
    print(
        json.dumps(
            {
                "path": "engine",
                "median_us": round(median(alone), 1),
                "p99_us": round(quantiles(alone, n=100)[98], 1),
                "evaluations_per_s": round(1e6 * len(alone) / sum(alone)),
                "with_explanation_median_us": round(median(explained), 1),
                "with_explanation_p99_us": round(quantiles(explained, n=100)[98], 1),
                "budget_us": BUDGET_US,
                "benefits": by_benefit,
            }
        ),
        flush=True,
    )
    return 0
