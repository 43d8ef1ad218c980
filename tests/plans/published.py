"""The published plans and their worked cases, run through the engine as the service does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import yaml

from app.kernel.clock import add_months
from app.plans.assessment import Assessment, assess
from app.plans.checking import check
from app.plans.history import Past, Standpoint, Use
from app.plans.terms import PlanTerms

CASES: Mapping[str, list[dict[str, Any]]] = yaml.load(
    Path(__file__).with_name("published_cases.yaml").read_text("utf-8"), yaml.CSafeLoader
)
FIRST_DAY = date(2026, 1, 1)


@cache
def plans() -> Mapping[str, PlanTerms]:
    """Every document that comes with the service, loaded and library, checked, by plan code."""
    found = {}
    for folder in ("data", "library"):
        for entry in files("app.plans").joinpath(folder).iterdir():
            if entry.name.endswith(".yaml"):
                content = yaml.load(entry.read_text("utf-8"), yaml.CSafeLoader)["document"]
                terms = check(content)
                found[terms.code] = terms
    return found


@dataclass
class Person:
    """Somebody covered by one plan, and what was paid so far."""

    terms: PlanTerms
    shares: int
    day_of_cover: int
    cause: str
    sex: str = "male"
    option: str = "A"
    holds: frozenset[str] = frozenset()
    uses: list[Use] = field(default_factory=list)
    policy_id: UUID = field(default_factory=uuid4)
    incident_id: UUID | None = None
    context: Mapping[str, Any] = field(default_factory=dict)

    def claim(self, benefit: str, facts: Mapping[str, Any]) -> Assessment:
        """One claim, paid at once: later ones see it."""
        event_on = FIRST_DAY + timedelta(self.day_of_cover)
        here = Standpoint(
            plan_code=self.terms.code,
            benefit_code=benefit,
            policy_id=self.policy_id,
            incident_id=self.incident_id or uuid4(),
            claim_id=uuid4(),
            event_on=event_on,
            starts_on=FIRST_DAY,
            ends_on=add_months(FIRST_DAY, self.terms.option(self.option).term.months or 12),
        )
        found = assess(
            self.terms,
            benefit,
            _items({**self._known(benefit), "event_on": event_on, **facts}),
            Past(self.uses, here),
            self.holds,
        )
        self.uses.append(
            Use(
                plan_code=here.plan_code,
                benefit_code=benefit,
                policy_id=here.policy_id,
                incident_id=here.incident_id,
                claim_id=here.claim_id or uuid4(),
                event_on=event_on,
                amount_fen=found.amount_fen,
                counters=found.counters,
            )
        )
        return found

    def _known(self, benefit: str) -> dict[str, Any]:
        waits = self.terms.waiting_days(
            benefit, "illness" if self.cause == "illness" else "accident"
        )
        return {
            "cause": self.cause,
            "shares": self.shares if self.day_of_cover >= waits else 0,
            "day_of_cover": self.day_of_cover,
            "terms_held": 1,
            "option": self.option,
            "layers": ({"shares": self.shares, "day_of_cover": self.day_of_cover},),
            "age": 35,
            "sex": self.sex,
            **self.context,
        }


def _items(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(fact) if isinstance(fact, list) else fact for name, fact in facts.items()}


def run(case: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Assessment]]:
    """A case's earlier claims and the claim itself, each with what it comes to."""
    person = Person(
        plans()[case["plan"]],
        shares=case["shares"],
        day_of_cover=case["covered_since_days"],
        cause=case["cause"],
        sex=case.get("sex", "male"),
        option=case["option"],
        holds=frozenset(case.get("holds", ())),
    )
    for other in case.get("other_plans", ()):
        person.uses.append(
            Use(
                plan_code=other["plan"],
                benefit_code=other["benefit"],
                policy_id=uuid4(),
                incident_id=uuid4(),
                claim_id=uuid4(),
                event_on=FIRST_DAY,
                amount_fen=other["paid_fen"],
            )
        )
    for step in (*case.get("history", ()), case):
        yield step, person.claim(step["benefit"], step["facts"])
