"""Between what and what a claim can come to while some of its facts are unknown."""

from dataclasses import replace
from fractions import Fraction

from app.kernel.money import round_half_up
from app.plans.assessment import Program, ended, program_of
from app.plans.bounds import amount, bounds, truth
from app.plans.facts import vocabulary
from app.plans.history import Past
from app.plans.inputs import Inputs
from app.plans.intervals import Interval, smaller
from app.plans.table_values import table_values
from app.plans.terms import PlanTerms
from app.plans.view import View


def estimate_range(
    terms: PlanTerms,
    benefit_code: str,
    inputs: Inputs,
    past: Past,
    holds: frozenset[str] = frozenset(),
) -> tuple[int, int | None]:
    """The least and the most in fen that `assess` can give once every fact is known.

    Conditions and limits are applied as far as they can be judged; None is without end.
    Raises BenefitNotFound (422).
    """
    program = program_of(terms, benefit_code)
    if ended(program, past):
        return 0, 0
    view = _view(terms, program, inputs, past, holds)
    tests = [truth(condition.require, view) for condition, _ in program.conditions]
    if not all(test.can_hold for test in tests):
        return 0, 0
    reach = amount(program.benefit.pays, view)
    if any(test.can_fail for test in tests):
        reach = replace(reach, low=Fraction(0))
    for limit, _ in program.limits:
        used = past.of_limit(
            limit.per,
            benefits=limit.benefits,
            plans=limit.plans,
            across_member=limit.across == "member",
        )
        reach = smaller(reach, _left(amount(limit.max, view), used))
    return round_half_up(reach.low), None if reach.high is None else round_half_up(reach.high)


def _view(
    terms: PlanTerms, program: Program, inputs: Inputs, past: Past, holds: frozenset[str]
) -> View:
    view = View(
        inputs=vocabulary(terms),
        tables=table_values(terms.tables),
        known=inputs,
        counters=program.benefit.counters,
        history=past,
        holds=holds,
    )
    for step in program.benefit.steps:
        view = replace(view, steps={**view.steps, step.name: bounds(step.value, view)})
    return view


def _left(maximum: Interval, used_fen: int) -> Interval:
    """What a limit leaves after what was used of it."""
    high = None if maximum.high is None else max(Fraction(0), maximum.high - used_fen)
    return Interval(max(Fraction(0), maximum.low - used_fen), high)
