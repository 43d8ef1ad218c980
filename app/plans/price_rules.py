"""What prices must come to: nothing for a gift, the sum of their parts, refunds of money paid."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import prod
from typing import Any

from app.kernel.problems import FieldError
from app.kernel.text import Text
from app.plans.bands import size
from app.plans.bounds import amount
from app.plans.drafts import Draft
from app.plans.evaluation import compiled
from app.plans.expressions import Node
from app.plans.faults import fault
from app.plans.inputs import MAX_FEN, Input, Value
from app.plans.judging import Judged
from app.plans.kinds import Vocabulary
from app.plans.literals import Fen, Yuan, edge_value
from app.plans.operators.choices import Choose, InBand
from app.plans.prices import ContributionOption
from app.plans.pricing import NO_HISTORY
from app.plans.steps import Run, Scope
from app.plans.table_values import table_values
from app.plans.view import View
from app.plans.vocabularies import order_vocabulary
from app.plans.walking import Path, names_in, walk

# So many buyers are tried out.
SAMPLES = 400
_LARGE_FEN = 1_000_000

Sums = Mapping[Path, Judged]


def price_places(draft: Draft) -> list[tuple[Path, Any, Vocabulary]]:
    """Every expression of the document that is about an order's money."""
    places: list[tuple[Path, Any, Vocabulary]] = []
    for at, option in draft.options.items():
        path: Path = ("contribution", "options", at)
        words = order_vocabulary(draft, "price", [option.term])
        places.append(((*path, "price"), option.price, words))
        for part_at, part in enumerate(option.split):
            places.append(((*path, "split", part_at, "amount"), part.amount, words))
        if option.deposit is not None:
            places.append(((*path, "deposit"), option.deposit, words))
    spans = [option.term for option in draft.options.values()]
    if draft.late_price is not None:
        words = order_vocabulary(draft, "price", spans)
        places.append((("contribution", "late_price"), draft.late_price, words))
    if draft.upgrade is not None:
        if draft.upgrade.price is not None:
            words = order_vocabulary(draft, "upgrade", spans)
            places.append((("upgrade", "price"), draft.upgrade.price, words))
        words = order_vocabulary(draft, "price", spans)
        for at, each in enumerate(draft.upgrade.options):
            places.append((("upgrade", "options", at, "price"), each.price, words))
    if draft.cancellation is not None:
        words = order_vocabulary(draft, "refund", spans)
        for name in ("before_start", "after_start"):
            node = getattr(draft.cancellation, name)
            if node is not None:
                places.append((("cancellation", name), node, words))
    return places


def price_faults(draft: Draft, judged: Sums) -> list[FieldError]:
    """Rules over the prices that are clean in themselves."""
    faults: list[FieldError] = []
    free = []
    for at, option in draft.options.items():
        words = order_vocabulary(draft, "price", [option.term])
        path: Path = ("contribution", "options", at)
        if not judged[(*path, "price")].clean:
            free.append(False)
            continue
        high = amount(option.price, View(words.inputs, table_values(words.tables))).high
        free.append(high == 0)
        if draft.kind == "gifted" and high != 0:
            faults.append(fault((*path, "price"), "gift-with-price"))
        faults += _parts(option, path, words, judged)
    every = bool(free) and len(free) == len(draft.option_codes)
    if draft.kind == "purchased" and every and all(free):
        faults.append(fault(("kind",), "nothing-to-buy"))
    return [*faults, *_refunds(draft, judged)]


def _parts(
    option: ContributionOption, path: Path, words: Vocabulary, judged: Sums
) -> Iterator[FieldError]:
    """The split adds up to the price, the deposit is a part of it, for every buyer tried."""
    price = compiled(option.price, Scope(table_values(words.tables)))
    places = [(*path, "split", at, "amount") for at in range(len(option.split))]
    if option.split and all(judged[place].clean for place in places):
        nodes = [part.amount for part in option.split]
        parts = [compiled(node, Scope(table_values(words.tables))) for node in nodes]
        for buyer in _buyers([option.price, *nodes], words):
            due = _value(price, buyer)
            found = sum((_value(part, buyer) for part in parts), Fraction(0))
            if found != due:
                yield _difference((*path, "split"), "split-not-price", found, due, buyer)
                break
    if option.deposit is not None and judged[(*path, "deposit")].clean:
        deposit = compiled(option.deposit, Scope(table_values(words.tables)))
        for buyer in _buyers([option.price, option.deposit], words):
            due, found = _value(price, buyer), _value(deposit, buyer)
            if found > due:
                yield _difference((*path, "deposit"), "deposit-above-price", found, due, buyer)
                break


def _value(program: Any, buyer: Mapping[str, Value]) -> Fraction:
    value: Any = program(Run(buyer, NO_HISTORY)).value
    return Fraction(value)


def _difference(
    path: Path, code: str, found: Fraction, due: Fraction, buyer: Mapping[str, Value]
) -> FieldError:
    told = ", ".join(f"{name}={value}" for name, value in buyer.items())
    example = Text(f"（{told}）", f" ({told})") if told else Text("", "")
    return fault(
        path, code, sum=size(found, money=True), price=size(due, money=True), example=example
    )


def _buyers(nodes: list[Node], words: Vocabulary) -> Iterator[dict[str, Value]]:
    """Buyers on all sides of every number that the expressions compare with."""
    names = sorted({name for node in nodes for name in names_in(node)})
    numbers = {int(number) for node in nodes for number in _constants(node)}
    choices = [_candidates(words.inputs[name], numbers, words) for name in names]
    every = prod(len(each) for each in choices)
    for number in range(min(every, SAMPLES)):
        # Spread evenly over all combinations where they are too many.
        at, buyer = number * every // min(every, SAMPLES), {}
        for name, each in zip(names, choices, strict=True):
            at, chosen = divmod(at, len(each))
            buyer[name] = each[chosen]
        yield buyer


def _constants(node: Node) -> Iterator[Fraction]:
    for _, inner in walk(node):
        if isinstance(inner, InBand):
            bands = inner.band.bands
            yield from (
                edge_value(edge)
                for band in bands
                for edge in (band.from_, band.above, band.to, band.below)
                if edge is not None
            )
        elif isinstance(inner, int | Yuan | Fen):
            yield edge_value(inner)
        elif isinstance(inner, Choose):
            yield from (Fraction(word) for word in inner.choose.cases if word.isdigit())


def _candidates(known: Input, numbers: set[int], words: Vocabulary) -> list[Value]:
    match known.kind:
        case "truth":
            return [True, False]
        case "word":
            found = words.needed.get(known.name) or known.words or ["other"]
            return list[Value](sorted(found))
        case _:
            most = _LARGE_FEN if known.most >= MAX_FEN else known.most
            near = {each + step for each in numbers for step in (0, 1)}
            inside = {each for each in near if known.least <= each <= most}
            return list[Value](sorted(inside | {known.least, min(known.least + 1, most), most}))


def _refunds(draft: Draft, judged: Sums) -> Iterator[FieldError]:
    """Nothing goes back where nothing was paid."""
    words = order_vocabulary(draft, "refund", [each.term for each in draft.options.values()])
    view = View(words.inputs, table_values(words.tables), known={"paid_fen": 0})
    for name in ("before_start", "after_start"):
        found = judged.get(("cancellation", name))
        if found is not None and found.clean and amount(found.node, view).low > 0:
            yield fault(("cancellation", name), "refund-without-payment")
