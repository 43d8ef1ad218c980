"""A document's expressions in their places: which names they may use, what they must be."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from app.kernel.problems import FieldError
from app.plans.benefits import Benefit, Limit
from app.plans.bounds import amount, bounds
from app.plans.branches import branches
from app.plans.caps import cap_faults, one_share
from app.plans.expressions import Node
from app.plans.faults import KIND_WORDS, fault
from app.plans.intervals import Interval
from app.plans.kind_rules import KIND_RULES
from app.plans.kinds import Kind, Kinds, Vocabulary
from app.plans.magnitude import Measure, length_faults
from app.plans.ranges import Guard, Ranges, conjuncts
from app.plans.size import size_faults
from app.plans.table_values import table_values
from app.plans.view import View
from app.plans.walking import Path, names_in

ANY_VALUE: tuple[Kind, ...] = ("money", "number", "truth", "word", "day")


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
