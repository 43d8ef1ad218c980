"""Who pays what of a price: the member, the unit, the union, the platform; and the deposit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from app.kernel.money import round_half_up
from app.plans.inputs import Value
from app.plans.prices import ContributionOption
from app.plans.pricing import priced
from app.plans.terms import PlanTerms


@dataclass(frozen=True, slots=True)
class Split:
    """Fen: what the member pays, what each of the others owes beside it, and the part of the
    member's that goes back when the term ends."""

    member_fen: int
    others: Mapping[str, int] = field(default_factory=dict)
    deposit_fen: int = 0

    @property
    def total_fen(self) -> int:
        return self.member_fen + sum(self.others.values())


def split_of(
    terms: PlanTerms, option: ContributionOption, total_fen: int, inputs: Mapping[str, Value]
) -> Split:
    """The option's split of a price. Parts of a late price are in the split's proportion."""
    deposit = 0
    if option.deposit is not None:
        deposit = priced(terms, f"deposit:{option.code}", option.deposit, inputs).amount_fen
    if not option.split:
        return Split(total_fen, deposit_fen=min(deposit, total_fen))
    parts = [
        priced(terms, f"split:{option.code}:{at}", part.amount, inputs).amount_fen
        for at, part in enumerate(option.split)
    ]
    fen: dict[str, int] = {}
    for part, amount in zip(option.split, apportioned(total_fen, parts), strict=True):
        fen[part.payer] = fen.get(part.payer, 0) + amount
    member = fen.pop("member", 0)
    others = {payer: amount for payer, amount in fen.items() if amount}
    return Split(member, others, min(deposit, member))


def apportioned(total_fen: int, weights: Sequence[int]) -> list[int]:
    """`total_fen` in the proportion of the weights, adding up exactly.

    Weights that add up to the total are the answer as they are.
    """
    whole = sum(weights)
    if whole == total_fen or whole == 0:
        return list(weights) if whole else [total_fen, *[0] * (len(weights) - 1)]
    amounts, done, given = [], 0, 0
    for weight in weights:
        done += weight
        reached = round_half_up(Fraction(total_fen * done, whole))
        amounts.append(reached - given)
        given = reached
    return amounts
