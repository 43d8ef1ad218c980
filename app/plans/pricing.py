"""What cover costs: the price expressions of a plan for one buyer, in fen."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from app.kernel.money import round_half_up
from app.plans.errors import PriceFactsMissing
from app.plans.evaluation import compiled
from app.plans.expressions import Node
from app.plans.inputs import Value
from app.plans.literals import Within
from app.plans.steps import Compiled, Run, Scope, Step, missing_of
from app.plans.table_values import table_values
from app.plans.terms import PlanTerms


class _NoHistory:
    """Nothing was paid before: a price does not look at the past."""

    def paid(self, within: Within, benefits: object, plans: object = ()) -> int:
        return 0

    def times(self, within: Within) -> int:
        return 0

    def counted(self, counter: str, within: Within) -> Fraction:
        return Fraction(0)


NO_HISTORY = _NoHistory()


@dataclass(frozen=True, slots=True)
class Priced:
    """An amount in fen and its step; `missing` are the inputs that nobody gave."""

    amount_fen: int
    step: Step
    missing: tuple[str, ...]


def priced(terms: PlanTerms, name: str, node: Node, inputs: Mapping[str, Value]) -> Priced:
    """One of the document's price expressions; `name` is what it is kept under."""
    program: Compiled | None = terms.programs.get(name)
    if program is None:
        program = terms.programs[name] = compiled(node, Scope(table_values(terms.tables)))
    run = Run(inputs, NO_HISTORY)
    step = program(run)
    value: Any = step.value
    fen = 0 if value is None else round_half_up(Fraction(value))
    return Priced(fen, step, missing_of((step,), run.steps))


def price_fen(
    terms: PlanTerms, shares: int, option: str | None = None, **person: Value | None
) -> int:
    """What all `shares` cost for the whole term, in fen, for a person as far as known.

    Raises OptionNotFound, PriceFactsMissing (422) naming what the price depends on.
    """
    chosen = terms.option(option)
    inputs: dict[str, Value] = {"shares": shares}
    inputs.update({name: value for name, value in person.items() if value is not None})
    found = priced(terms, f"price:{chosen.code}", chosen.price, inputs)
    if found.missing:
        raise PriceFactsMissing(found.missing)
    return found.amount_fen


def price_of_one(terms: PlanTerms, option: str | None = None) -> int | None:
    """The price of a single share, or None where it depends on the person."""
    try:
        return price_fen(terms, 1, option)
    except PriceFactsMissing:
        return None
