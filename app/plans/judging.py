"""A document's expressions in their places: which names they may use, what they must be."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import count
from typing import Any

from app.kernel.clock import add_months
from app.kernel.problems import FieldError
from app.kernel.text import Text
from app.plans.benefits import Benefit, Limit
from app.plans.bounds import amount, bounds
from app.plans.branches import branches
from app.plans.drafts import Draft
from app.plans.expressions import Node
from app.plans.facts import claim_inputs
from app.plans.faults import KIND_WORDS, fault
from app.plans.inputs import PRICE_CONTEXT, REFUND_CONTEXT, UPGRADE_CONTEXT, Input
from app.plans.intervals import Interval
from app.plans.kind_rules import KIND_RULES
from app.plans.kinds import Kind, Kinds, Vocabulary
from app.plans.magnitude import Measure, length_faults
from app.plans.mending import UNREAD
from app.plans.ranges import Guard, Ranges, cap_faults, conjuncts, one_share
from app.plans.size import size_faults
from app.plans.table_values import table_values
from app.plans.terms import Span
from app.plans.view import View
from app.plans.walking import Path, names_in

ANY_VALUE: tuple[Kind, ...] = ("money", "number", "truth", "word", "day")


def words_used(draft: Draft) -> dict[str, frozenset[str]]:
    """The words that can occur because of who may join."""
    if draft.eligibility is None:
        return {}
    needed = {"sex": frozenset[str](draft.eligibility.ages)}
    if draft.eligibility.occupations:
        needed["occupation"] = frozenset(draft.eligibility.occupations)
    return needed


def benefit_vocabulary(draft: Draft) -> Vocabulary:
    """What the benefits and the limits of a plan may name."""
    inputs = claim_inputs(draft.facts)
    most = draft.max_shares or inputs["shares"].most
    inputs["shares"] = replace(inputs["shares"], most=most)
    layers = inputs["layers"]
    inputs["layers"] = replace(
        layers,
        fields={**layers.fields, "shares": replace(layers.fields["shares"], most=most)},
    )
    codes = [code for code in draft.option_codes if isinstance(code, str)]
    if codes and len(codes) == len(draft.option_codes):
        words = {code: Text(code, code) for code in codes}
        inputs["option"] = replace(inputs["option"], words=words)
    return Vocabulary(
        inputs=inputs,
        tables=draft.tables,
        benefits=frozenset(code for code in draft.benefit_codes if isinstance(code, str)),
        in_benefit=True,
        plan=draft.code,
        unclear=frozenset(draft.unclear),
        needed=words_used(draft),
    )


@dataclass(slots=True)
class Judged:
    """One expression that was judged: whether its values may be looked at."""

    node: Node
    path: Path
    clean: bool


def expression_faults(
    node: Node, path: Path, kind: Kind, words: Vocabulary
) -> tuple[list[FieldError], Judged]:
    """A single expression outside benefits: a price, a refund, a limit of the plan."""
    kinds = Kinds(words, KIND_RULES)
    kinds.expect(node, path, (kind,))
    judged = Judged(node, path, kinds.clean(path))
    tables = table_values(words.tables)
    faults = [*kinds.faults, *size_faults(path, {path: node}, {})]
    long = length_faults(Measure(words.inputs, tables), node, path) if judged.clean else []
    if not long:
        Ranges(kinds, View(words.inputs, tables), faults=faults).check(node, path)
    return faults + long, judged


@dataclass(slots=True)
class _BenefitJudge:
    benefit: Benefit
    path: Path
    kinds: Kinds
    roots: dict[Path, Node] = field(default_factory=dict)
    named: dict[str, tuple[Path, Node]] = field(default_factory=dict)

    def judge(self, node: Node, path: Path, allowed: Iterable[Kind]) -> Kind | None:
        self.roots[path] = node
        found = self.kinds.expect(node, path, tuple(allowed))
        return found if self.kinds.clean(path) else None

    def settle_counters(self) -> None:
        """Judge the counters whose steps are all known by now."""
        kinds = self.kinds
        for name, counter in self.benefit.counters.items():
            if name in kinds.counters or set(names_in(counter.of)) & kinds.later:
                continue
            kinds.numbered, kinds.in_counter = False, True
            place = (*self.path, "counters", name, "of")
            kinds.counters[name] = self.judge(counter.of, place, ("money", "number"))
            kinds.numbered, kinds.in_counter = True, False

    def steps(self) -> None:
        kinds = self.kinds
        for at, step in enumerate(self.benefit.steps):
            self.settle_counters()
            place = (*self.path, "steps", at, "value")
            if step.name in kinds.vocabulary.inputs:
                kinds.report(
                    (*self.path, "steps", at, "name"), "step-shadows-input", name=step.name
                )
            found = self.judge(step.value, place, ANY_VALUE)
            if step.name not in kinds.steps:
                kinds.steps[step.name] = found
                self.named[step.name] = (place, step.value)
            kinds.later -= {step.name}
        self.settle_counters()

    def all(self) -> None:
        kinds, benefit = self.kinds, self.benefit
        kinds.numbered = True
        self.steps()
        self.judge(benefit.pays, (*self.path, "pays"), ("money",))
        kinds.numbered = False
        for at, condition in enumerate(benefit.conditions):
            place = (*self.path, "conditions", at, "require")
            self.judge(condition.require, place, ("truth",))
        for at, limit in enumerate(benefit.limits):
            self.judge(limit.max, (*self.path, "limits", at, "max"), ("money",))

    def view(self, view: View) -> View:
        """With what each clean step can come to."""
        for name, (_, node) in self.named.items():
            if self.kinds.steps[name] is not None:
                view = replace(view, steps={**view.steps, name: bounds(node, view)})
        return view


def benefit_faults(
    at: int, benefit: Benefit, words: Vocabulary, shared: Mapping[Path, Limit]
) -> list[FieldError]:
    """Everything wrong with a benefit's expressions; `shared` are clean limits of the plan."""
    path: Path = ("benefits", at)
    words = replace(words, counters=benefit.counters)
    later = frozenset(step.name for step in benefit.steps)
    judge = _BenefitJudge(benefit, path, Kinds(words, KIND_RULES, later=later))
    judge.all()
    tables = table_values(words.tables)
    large = size_faults(path, judge.roots, benefit.counters)
    large += _length_faults(judge, Measure(words.inputs, tables, benefit.counters))
    faults = judge.kinds.faults + large
    if large:
        return faults
    plain = View(words.inputs, tables, counters=benefit.counters)
    return [
        *faults,
        *_value_faults(judge, judge.view(plain)),
        *_amount_faults(judge, plain, shared),
    ]


def _length_faults(judge: _BenefitJudge, measure: Measure) -> list[FieldError]:
    """The first number that can become too long; those after it follow from it."""
    steps = {place: name for name, (place, _) in judge.named.items()}
    for path, node in judge.roots.items():
        if judge.kinds.clean(path):
            faults = length_faults(measure, node, path)
            if faults:
                return faults
            if path in steps:
                measure.steps[steps[path]] = measure.of(node)
    return []


def _value_faults(judge: _BenefitJudge, view: View) -> list[FieldError]:
    tested: list[Guard] = [
        guard for condition in judge.benefit.conditions for guard in conjuncts(condition.require)
    ]
    faults: list[FieldError] = []
    for path, node in judge.roots.items():
        condition = len(path) > 2 and path[2] == "conditions"
        Ranges(judge.kinds, view, () if condition else tested, faults).check(node, path)
    return faults


def _amount_faults(
    judge: _BenefitJudge, plain: View, shared: Mapping[Path, Limit]
) -> list[FieldError]:
    """What the whole amount comes to: nothing at all, or more than a limit can allow."""
    benefit, kinds = judge.benefit, judge.kinds
    pays = (*judge.path, "pays")
    if not kinds.clean(pays):
        return []
    if amount(benefit.pays, judge.view(plain)).high == 0:
        return [fault(pays, "never-pays")]
    view = judge.view(one_share(plain))
    caps: list[tuple[Path, Interval]] = []
    for at, limit in enumerate(benefit.limits):
        place = (*judge.path, "limits", at)
        if kinds.clean((*place, "max")):
            caps.append((place, amount(limit.max, view)))
    for place, limit in shared.items():
        if not limit.benefits or benefit.code in limit.benefits:
            caps.append((place, amount(limit.max, view)))
    return cap_faults(branches(benefit.pays, pays, view, judge.named), caps)


def counter_faults(benefits: Mapping[int, Benefit], words: Vocabulary) -> list[FieldError]:
    """Counters of one name are one count: they must be of one kind."""
    first: dict[str, Kind] = {}
    faults = []
    for at, benefit in benefits.items():
        judge = _BenefitJudge(
            benefit,
            ("benefits", at),
            Kinds(
                replace(words, counters=benefit.counters),
                KIND_RULES,
                later=frozenset(step.name for step in benefit.steps),
            ),
        )
        judge.steps()
        for name, kind in judge.kinds.counters.items():
            if kind is None or kind == "zero":
                continue
            if first.setdefault(name, kind) != kind:
                place = ("benefits", at, "counters", name)
                found = KIND_WORDS[first[name]]
                faults.append(fault(place, "counter-mismatch", name=name, found=found))
    return faults


def _full_months(first_day: date, end: date) -> int:
    """How many months fit between two days; from a later day there are never more."""
    return next(n for n in count() if add_months(first_day, n + 1) > end)


def _months_in(days: int) -> int:
    """The most full months of so many days: those that begin about February are shortest."""
    firsts = [date(2023, month, 1) for month in range(1, 13)]
    return max(_full_months(first, first + timedelta(days)) for first in firsts)


def _span_inputs(spans: list[Span]) -> dict[str, tuple[int, int]]:
    """From where to where the length of a term can be, in days and in months."""
    days: list[int] = []
    months: list[int] = []
    for span in spans:
        if span.months is not None:
            months.append(span.months)
            days += [span.months * 28, span.months * 31]
            continue
        if span.first_day is not None and span.last_day is not None:
            end = span.last_day + timedelta(days=1)
            days.append((end - span.first_day).days)
            months.append(_full_months(span.first_day, end))
            continue
        lengths = [each for each in (span.days, span.days_from, span.days_to) if each]
        days += lengths
        months += [min(lengths) // 31, _months_in(max(lengths))]
    return {
        "term_days": (min(days), max(days)),
        "term_months": (min(months), max(months)),
        "remaining_days": (0, max(days)),
        "used_days": (0, max(days)),
        "remaining_months": (0, max(months)),
    }


def order_vocabulary(draft: Draft, context: str, spans: list[Span]) -> Vocabulary:
    """What prices (`price`), upgrades and refunds may name, for terms of these lengths."""
    contexts: dict[str, Mapping[str, Input]] = {
        "price": PRICE_CONTEXT,
        "upgrade": UPGRADE_CONTEXT,
        "refund": REFUND_CONTEXT,
    }
    inputs = dict(contexts[context])
    reach: dict[str, tuple[int, int]] = _span_inputs(spans) if spans else {}
    if draft.max_shares is not None:
        reach["shares"] = (1, draft.max_shares)
        reach["added_shares"] = (1, draft.max_shares)
    for name, (least, most) in reach.items():
        if name in inputs:
            inputs[name] = replace(inputs[name], least=least, most=most)
    return Vocabulary(
        inputs=inputs,
        tables=draft.tables,
        plan=draft.code,
        unclear=frozenset(name for name in draft.unclear if "/" in name or name in ("*", UNREAD)),
        needed=words_used(draft),
    )


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
