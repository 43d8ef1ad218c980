"""What a benefit pays for the facts of a claim, with every step explained; pure functions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from app.kernel.money import round_half_up
from app.plans.benefits import Benefit, Condition, Limit, Words
from app.plans.evaluation import ITEMS, Compiled, Run, Scope, Step, compiled
from app.plans.expressions import Each, Occurrence, Within, walk
from app.plans.history import Past
from app.plans.inputs import Inputs
from app.plans.table_values import table_values
from app.plans.terms import PlanTerms

EXCLUDED = Condition(
    code="excluded",
    require=1,
    words=Words(
        zh="同一事故已按与此互斥的责任给付",
        en="A benefit that excludes this one was paid for the same incident",
    ),
)
ONCE = Condition(
    code="paid-once",
    require=1,
    words=Words(zh="本责任已给付过并终止", en="This benefit was paid before and has ended"),
)


@dataclass(frozen=True, slots=True)
class Program:
    """A benefit made ready to run."""

    benefit: Benefit
    conditions: tuple[tuple[Condition, Compiled], ...]
    steps: tuple[tuple[str, Compiled], ...]
    pays: Compiled
    limits: tuple[tuple[Limit, Compiled], ...]
    counters: Mapping[str, tuple[Compiled, Within]]
    numbered_list: str | None
    ended_by: frozenset[str]
    excluding: frozenset[str]


@dataclass(frozen=True, slots=True)
class LimitStep:
    """A limit as it stood: its maximum, what was used of it, and what it left of the amount."""

    limit: Limit
    max: Step
    used_fen: int
    before: Fraction
    after: Fraction

    @property
    def bit(self) -> bool:
        return self.after < self.before


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is to be paid in fen, and how it was reached.

    `failed` are the conditions that did not hold: then nothing is paid. `missing` are the
    inputs that nobody has given yet: then there is no amount to rely on. `counters` are
    to be remembered with the payment.
    """

    amount_fen: int
    benefit: Benefit
    failed: tuple[Condition, ...]
    missing: tuple[str, ...]
    conditions: tuple[tuple[Condition, Step], ...]
    steps: tuple[tuple[str, Step], ...]
    pays: Step
    limits: tuple[LimitStep, ...]
    counters: Mapping[str, Fraction] = field(default_factory=dict)


def assess(
    terms: PlanTerms,
    benefit_code: str,
    inputs: Inputs,
    past: Past,
    holds: frozenset[str] = frozenset(),
) -> Assessment:
    """What the benefit pays; exact inside, rounded half-up to the fen once, after the limits.

    `inputs` are the checked facts of the claim together with what the service knows
    (`inputs.CLAIM_CONTEXT`); money is fen. Nothing is guessed: with `missing` the amount
    is 0 and means nothing. Raises BenefitNotFound (422).
    """
    program = program_of(terms, benefit_code)
    run = Run(inputs, past, holds)
    named = []
    for name, step in program.steps:
        run.steps[name] = reached = step(run)
        named.append((name, reached))
    conditions = tuple((condition, test(run)) for condition, test in program.conditions)
    failed = [condition for condition, step in conditions if step.value is False]
    failed += _ended(program, past)
    pays = program.pays(run)
    amount = Fraction(0) if failed or pays.value is None else _fen(pays)
    limits = []
    for limit, maximum in program.limits:
        reached_limit = _limited(limit, maximum(run), amount, past)
        limits.append(reached_limit)
        amount = reached_limit.after
    counters = {} if failed else _counted(program, run)
    missing = () if failed else tuple(run.missing)
    return Assessment(
        amount_fen=0 if missing else round_half_up(amount),
        benefit=program.benefit,
        failed=tuple(failed),
        missing=missing,
        conditions=conditions,
        steps=tuple(named),
        pays=pays,
        limits=tuple(limits),
        counters=counters,
    )


def _ended(program: Program, past: Past) -> list[Condition]:
    """Benefits that a payment ended, and those that cannot be paid beside another."""
    reasons = []
    for within, codes in _once(program):
        if past.paid(within, codes):
            reasons.append(ONCE)
            break
    if program.excluding and past.paid("incident", tuple(program.excluding)):
        reasons.append(EXCLUDED)
    return reasons


def _once(program: Program) -> Iterator[tuple[Within, tuple[str, ...]]]:
    once = program.benefit.once
    if once is not None:
        yield once.within, (program.benefit.code,)
    if program.ended_by:
        yield "term", tuple(program.ended_by)


def _fen(step: Step) -> Fraction:
    value: Any = step.value
    return Fraction(value)


def _limited(limit: Limit, maximum: Step, amount: Fraction, past: Past) -> LimitStep:
    benefits = limit.benefits
    used = past.of_limit(
        limit.per,
        benefits=benefits,
        plans=limit.plans,
        across_member=limit.across == "member",
    )
    if maximum.value is None:
        return LimitStep(limit, maximum, used, amount, amount)
    left = max(Fraction(0), _fen(maximum) - used)
    return LimitStep(limit, maximum, used, amount, min(amount, left))


def _counted(program: Program, run: Run) -> dict[str, Fraction]:
    counters = {}
    for name, (of, _) in program.counters.items():
        value: Any = of(run).value
        if value is not None:
            counters[name] = Fraction(value)
    listed: Any = run.inputs.get(program.numbered_list or "", ())
    if listed:
        counters[ITEMS] = Fraction(len(listed))
    return counters


def program_of(terms: PlanTerms, benefit_code: str) -> Program:
    """The benefit made ready; once per document and process."""
    known: Program | None = terms.programs.get(benefit_code)
    if known is None:
        known = terms.programs[benefit_code] = _program(terms, terms.benefit(benefit_code))
    return known


def _program(terms: PlanTerms, benefit: Benefit) -> Program:
    tables = table_values(terms.tables)
    plain = Scope(tables)
    counters = {
        name: (compiled(counter.of, plain), counter.within)
        for name, counter in benefit.counters.items()
    }
    scope = Scope(tables, counters)
    own = [
        limit if limit.benefits else limit.model_copy(update={"benefits": (benefit.code,)})
        for limit in benefit.limits
    ]
    shared = [
        limit for limit in terms.limits if not limit.benefits or benefit.code in limit.benefits
    ]
    return Program(
        benefit=benefit,
        conditions=tuple((each, compiled(each.require, scope)) for each in benefit.conditions),
        steps=tuple((step.name, compiled(step.value, scope)) for step in benefit.steps),
        pays=compiled(benefit.pays, scope),
        limits=tuple((limit, compiled(limit.max, scope)) for limit in (*own, *shared)),
        counters=counters,
        numbered_list=_numbered_list(benefit),
        ended_by=frozenset(
            other.code
            for other in terms.benefits
            if other.once is not None and benefit.code in other.once.benefits
        ),
        excluding=frozenset(benefit.excludes)
        | {other.code for other in terms.benefits if benefit.code in other.excludes},
    )


def _numbered_list(benefit: Benefit) -> str | None:
    """The list whose items are numbered over claims, if the benefit does so."""
    for root in (*(step.value for step in benefit.steps), benefit.pays):
        for _, node in walk(root):
            if isinstance(node, Each) and any(
                isinstance(inner, Occurrence) for _, inner in walk(node.each.gives)
            ):
                return node.each.of
    return None
