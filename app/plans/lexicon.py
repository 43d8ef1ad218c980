"""What the names in a plan's expressions mean, and which sort of value each expression has."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from app.kernel.text import Text
from app.plans.benefits import Benefit, Words
from app.plans.declarations import FieldDeclaration
from app.plans.expressions import Node
from app.plans.inputs import CLAIM_CONTEXT, STANDARD_FACTS, Input
from app.plans.literals import Fen, Yuan, edge_value
from app.plans.operators.arithmetic import (
    AtLeast,
    AtMost,
    DaysBetween,
    Full,
    Minus,
    Percent,
    ProRata,
    Sum,
    Times,
)
from app.plans.operators.choices import Choose, InBand, InSlices, LookUp, When
from app.plans.operators.tallies import Before, Count, Each, Largest, Occurrence, PaidBefore, Total
from app.plans.terms import PlanTerms
from app.plans.wording import (
    DAY,
    DAYS,
    MONEY,
    NUMBER,
    ORDINAL,
    RATE,
    TIMES,
    TRUTH,
    Form,
    Said,
    number_form,
    unified,
    word_form,
)


class Named(NamedTuple):
    """An input's or a step's name, how its value is said, and where it comes from."""

    zh: str
    en: str
    form: Form
    source: str


# How the items of the standard lists are counted: "第1次住院".
ITEM_LABELS: Mapping[str, Said] = {
    "stays": ("第{}次住院", "Stay {}"),
    "items": ("第{}项", "Item {}"),
    "layers": ("第{}层份额", "Layer {} of shares"),
}
# A comma or semicolon that no bracket is closed after without one being opened.
_FURTHER = re.compile(r"[，；,;](?![^（(]*[）)])")
_EVERY: Mapping[str, Said] = {
    "stays": ("每次住院", "each stay"),
    "items": ("每个项目", "each item"),
    "layers": ("每层份额", "each layer of shares"),
}


@dataclass(slots=True)
class Lexicon:
    """The words of one document, seen from one benefit (or from none: prices, refunds)."""

    terms: PlanTerms
    inputs: Mapping[str, Input]
    benefit: Benefit | None = None
    words: Mapping[str, Text] = field(default_factory=dict)
    settled: dict[str, Named] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        terms: PlanTerms,
        benefit: Benefit | None = None,
        inputs: Mapping[str, Input] | None = None,
    ) -> "Lexicon":
        """`inputs` are the context's; by default those of a claim."""
        words = {
            word: Text(entry.zh, entry.en)
            for table in terms.tables.values()
            for word, entry in table.entries.items()
            if isinstance(entry, Words)
        }
        known = {**STANDARD_FACTS, **CLAIM_CONTEXT} if inputs is None else inputs
        return cls(terms, known, benefit, words)

    def named(self, name: str) -> Named:
        """What a name of an expression means; steps come before inputs."""
        found = self.settled.get(name)
        if found is None:
            # A counter may use a step that uses the counter: its form is then a number's.
            self.settled[name] = Named(name, name, NUMBER, "claim")
            self.settled[name] = found = self._named(name)
        return found

    def _named(self, name: str) -> Named:
        for step in self.benefit.steps if self.benefit else ():
            if step.name == name:
                form = self.form(step.value) or NUMBER
                return Named(step.words.zh, step.words.en, form, "plan")
        outer, _, inner = name.partition(".")
        declared = self.terms.facts.get(outer)
        if declared is not None:
            return self._declared(name, declared.fields.get(inner) if inner else declared)
        known = self.inputs.get(outer)
        if known is not None and inner:
            known = known.fields.get(inner)
        if known is None:
            return Named(name, name, NUMBER, "claim")
        words = self._options() if name == "option" else known.words
        return Named(
            known.text.zh, known.text.en, self._form(known.kind, name, words), known.source
        )

    def _options(self) -> dict[str, Text]:
        return {
            option.code: Text(option.name.zh, option.name.en)
            for option in self.terms.contribution.options
            if option.name is not None
        }

    def _declared(self, name: str, fact: FieldDeclaration | None) -> Named:
        if fact is None:
            return Named(name, name, NUMBER, "claim")
        words = {word: Text(each.zh, each.en) for word, each in fact.choices.items()}
        return Named(fact.words.zh, fact.words.en, self._form(fact.kind, name, words), "claim")

    def _form(self, kind: str, name: str, words: Mapping[str, Text]) -> Form:
        match kind:
            case "money":
                return MONEY
            case "truth":
                return TRUTH
            case "day":
                return DAY
            case "word":
                return word_form(words or self.words)
        return number_form(name)

    def counter(self, name: str) -> Named:
        """A counter of the benefit; its period is in `benefit.counters`."""
        counter = self.benefit.counters.get(name) if self.benefit else None
        if counter is None:
            return Named(name, name, NUMBER, "history")
        key = f"counter:{name}"
        found = self.settled.get(key)
        if found is None:
            zh, en = counter.words.zh, counter.words.en
            self.settled[key] = Named(zh, en, NUMBER, "history")
            form = self.form(counter.of) or NUMBER
            self.settled[key] = found = Named(zh, en, form, "history")
        return found

    def table(self, name: str) -> Said:
        """A table's own words as far as the first comma outside brackets, otherwise its name."""
        table = self.terms.tables.get(name)
        if table is None or table.words is None:
            return name, name
        return _FURTHER.split(table.words.zh)[0], _FURTHER.split(table.words.en)[0]

    def table_name(self, name: str) -> Said:
        """A table as it is referred to: a standard one by its code, another by its words."""
        table = self.terms.tables.get(name)
        if table is not None and table.origin is not None:
            return table.origin, table.origin
        return self.table(name)

    def every(self, listed: str) -> Said:
        """What is added up over a list: "每次住院"."""
        known = _EVERY.get(listed.rpartition("_")[2])
        if known is not None:
            return known
        named = self.named(listed)
        return f"每项{named.zh}", f"each of: {named.en}"

    def measure(self, listed: str) -> str:
        """What the items of a list are counted in, in Chinese."""
        return {"stays": "次", "layers": "层"}.get(listed.rpartition("_")[2], "项")

    def item(self, listed: str) -> Said:
        """How an item of a list is called; `{}` is its number."""
        label = ITEM_LABELS.get(listed.rpartition("_")[2])
        if label is not None:
            return label
        named = self.named(listed)
        return f"{_literal(named.zh)}第{{}}项", f"{_literal(named.en)}, item {{}}"

    def benefit_name(self, code: str) -> Said:
        benefit = self.terms.by_code.get(code)
        return (code, code) if benefit is None else (benefit.name.zh, benefit.name.en)

    def form(self, node: Node) -> Form | None:
        """How an expression's value is said; None for a plain number, which fits any."""
        if isinstance(node, int):
            return None
        if isinstance(node, str):
            if node[0].isdigit():
                return RATE if edge_value(node) <= 1 else None
            return self.named(node).form
        inner: Any = getattr(node, next(iter(type(node).model_fields)))
        match node:
            case Yuan() | Fen():
                return MONEY
            case Sum() | Minus():
                return unified([self.form(part) for part in inner])
            case Times():
                return self._product([self.form(part) for part in inner])
            case Percent() | ProRata() | InSlices():
                return self.form(inner.of)
            case AtMost():
                return unified([self.form(inner.of), self.form(inner.limit)])
            case AtLeast():
                return unified([self.form(inner.of), self.form(inner.floor)])
            case InBand():
                return unified([self.form(band.gives) for band in inner.bands])
            case Choose():
                branches = [*inner.cases.values()]
                branches += [] if inner.otherwise is None else [inner.otherwise]
                return unified([self.form(branch) for branch in branches])
            case When():
                return unified([self.form(inner.then), self.form(inner.otherwise)])
            case Each() | Largest():
                return self.form(inner.gives)
        return self._plain(node)

    def _product(self, forms: list[Form | None]) -> Form:
        """Money times anything is money, rates stay rates, other products are numbers."""
        if MONEY in forms:
            return MONEY
        return RATE if all(form is RATE for form in forms) else NUMBER

    def _plain(self, node: Node) -> Form:
        """The forms that do not depend on what stands inside."""
        match node:
            case LookUp():
                table = self.terms.tables.get(node.look_up.table)
                kind = "numbers" if table is None else table.kind
                return {"rates": RATE, "amounts": MONEY}.get(kind, NUMBER)
            case PaidBefore():
                return MONEY
            case Before():
                return self.counter(node.before).form
            case Total():
                return self.counter(node.total).form
            case DaysBetween():
                return DAYS
            case Occurrence():
                return ORDINAL
            case Count():
                return TIMES if self.measure(node.count) == "次" else NUMBER
            case Full():
                return NUMBER
        return TRUTH


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
