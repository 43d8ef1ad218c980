"""What a benefit pays for the facts of a claim, with every step explained; pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from app.kernel.money import round_half_up
from app.plans.benefits import Benefit, Condition, Limit, Words
from app.plans.evaluation import compiled
from app.plans.history import Past
from app.plans.inputs import Inputs
from app.plans.literals import Within
from app.plans.operators.tallies import Listing, Occurrence
from app.plans.steps import ITEMS, Compiled, Run, Scope, Step, missing_of
from app.plans.table_values import table_values
from app.plans.terms import PlanTerms
from app.plans.walking import walk

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
    counters: tuple[tuple[str, Compiled], ...]
    numbered_list: str | None
    ended_by: tuple[tuple[Within, tuple[str, ...]], ...]
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
    failed = [condition for condition, step in conditions if _refused(step)]
    failed += ended(program, past)
    pays = program.pays(run)
    amount = Fraction(0) if failed or pays.value is None else _fen(pays)
    limits = []
    for limit, maximum in program.limits:
        reached_limit = _limited(limit, maximum(run), amount, past)
        limits.append(reached_limit)
        amount = reached_limit.after
    counted = () if failed else tuple((name, of(run)) for name, of in program.counters)
    missing = () if failed else _missing(run, conditions, pays, limits, counted)
    return Assessment(
        amount_fen=0 if missing else round_half_up(amount),
        benefit=program.benefit,
        failed=tuple(failed),
        missing=missing,
        conditions=conditions,
        steps=tuple(named),
        pays=pays,
        limits=tuple(limits),
        counters=_counters(program, run, counted),
    )


def _refused(step: Step) -> bool:
    """A condition that nothing gives a value (`choose` without such a case) does not hold."""
    return step.value is not None and not step.value


def _missing(
    run: Run,
    conditions: Sequence[tuple[Condition, Step]],
    pays: Step,
    limits: Sequence[LimitStep],
    counted: Sequence[tuple[str, Step]],
) -> tuple[str, ...]:
    """What the amount, or what is to be remembered with it, cannot be known without."""
    roots = [step for _, step in conditions]
    roots.append(pays)
    roots += [limit.max for limit in limits]
    roots += [step for _, step in counted]
    return missing_of(roots, run.steps)


def ended(program: Program, past: Past) -> list[Condition]:
    """Benefits that a payment ended, and those that cannot be paid beside another."""
    reasons = []
    if any(past.paid(within, codes) for within, codes in program.ended_by):
        reasons.append(ONCE)
    if program.excluding and past.paid("incident", tuple(program.excluding)):
        reasons.append(EXCLUDED)
    return reasons


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


def _counters(
    program: Program, run: Run, counted: Sequence[tuple[str, Step]]
) -> dict[str, Fraction]:
    """What is remembered of a claim that was not refused."""
    counters = {name: _fen(step) for name, step in counted if step.value is not None}
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
    return Program(
        benefit=benefit,
        conditions=tuple((each, compiled(each.require, scope)) for each in benefit.conditions),
        steps=tuple((step.name, compiled(step.value, scope)) for step in benefit.steps),
        pays=compiled(benefit.pays, scope),
        limits=tuple(
            (limit, compiled(limit.max, scope)) for limit in (*own, *terms.limits_of(benefit.code))
        ),
        counters=tuple((name, of) for name, (of, _) in counters.items()),
        numbered_list=_numbered_list(benefit),
        ended_by=tuple(
            (other.once.within, (other.code,))
            for other in terms.benefits
            if other.once is not None and benefit.code in (other.code, *other.once.benefits)
        ),
        excluding=frozenset(benefit.excludes)
        | {other.code for other in terms.benefits if benefit.code in other.excludes},
    )


def _numbered_list(benefit: Benefit) -> str | None:
    """The list whose items are numbered over claims, if the benefit does so."""
    for root in (*(step.value for step in benefit.steps), benefit.pays):
        for _, node in walk(root):
            if isinstance(node, Listing) and any(
                isinstance(inner, Occurrence) for _, inner in walk(node.over.gives)
            ):
                return node.over.of
    return None
