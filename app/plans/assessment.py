"""What a benefit pays for the facts of a claim, with every step explained; pure functions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.kernel.money import round_half_up, yuan
from app.plans.benefits import LumpPerShare
from app.plans.facts import require
from app.plans.shapes import Step, by_shape, capped, step
from app.plans.terms import PlanTerms


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is to be paid, and how it was reached."""

    amount_fen: int
    steps: tuple[Step, ...]


def benefit_amount(
    terms: PlanTerms,
    benefit_code: str,
    facts: Mapping[str, Any],
    shares: int,
    *,
    paid_before_fen: int = 0,
) -> Assessment:
    """What the benefit pays; the fen are exact inside and rounded half-up once at the end.

    `paid_before_fen` is what this policy has already been paid under this benefit in the
    term; it counts against `cap_per_term_fen`. Raises BenefitNotFound (422), and
    FactsMissing (422) naming every fact that is missing or out of range, never guessing.
    """
    benefit = terms.benefit(benefit_code)
    require(benefit, terms, facts)
    times = shares if benefit.per_share or isinstance(benefit, LumpPerShare) else 1
    amount, steps = by_shape(benefit, terms, facts, times)
    amount = capped(benefit, amount, steps, times, paid_before_fen)
    fen = round_half_up(amount)
    steps.append(step("result", fen, "应付互助金 {y} 元", "Payable: {y} yuan", y=yuan(fen)))
    return Assessment(fen, tuple(steps))
