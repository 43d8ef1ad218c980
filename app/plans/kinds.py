"""Static kinds of expressions: money, number, truth, word, day; every fault with its path."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from app.kernel.problems import FieldError
from app.kernel.text import Text
from app.plans.benefits import Counter
from app.plans.declarations import Table
from app.plans.expressions import Node, operator_name
from app.plans.faults import KIND_WORDS, fault, kinds_in_words
from app.plans.inputs import CLAIM_CONTEXT, PRICE_CONTEXT, Input
from app.plans.literals import Edge, Fen, Yuan, edge_value
from app.plans.walking import Path

# A bare zero needs no unit: it is money or a number.
Kind = Literal["money", "number", "truth", "word", "day", "list", "zero"]
AMOUNT: tuple[Kind, ...] = ("money", "number")
KEY: tuple[Kind, ...] = ("word", "number")
GIVEN: tuple[Kind, ...] = ("money", "number", "truth")
ORDERED: tuple[Kind, ...] = ("money", "number", "day")
EQUAL: tuple[Kind, ...] = ("money", "number", "day", "word")
# A name with the same first letters is worth proposing.
ALIKE = 4


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What names mean in one part of a document.

    `unclear` are names that the document has but that could not be read themselves;
    `needed` the words that must be covered where fewer can occur than are allowed.
    """

    inputs: Mapping[str, Input]
    tables: Mapping[str, Table] = field(default_factory=dict)
    benefits: frozenset[str] = frozenset()
    counters: Mapping[str, Counter] = field(default_factory=dict)
    in_benefit: bool = False
    plan: str | None = None
    unclear: frozenset[str] = frozenset()
    needed: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Kinds:
    """The checker of one benefit's (or price's) expressions, in the order of evaluation.

    `rules` say of each operator what its parts must be and what it is itself. `steps` and
    `counters` are those whose kind is known so far, None where it is unclear; `later` the
    steps that are still to come. `numbered` may stand inside `each`.
    """

    vocabulary: Vocabulary
    rules: Mapping[type, "Rule"]
    steps: dict[str, Kind | None] = field(default_factory=dict)
    counters: dict[str, Kind | None] = field(default_factory=dict)
    later: frozenset[str] = frozenset()
    faults: list[FieldError] = field(default_factory=list)
    faulty: set[Path] = field(default_factory=set)
    numbered: bool = False
    in_counter: bool = False
    numbered_list: str | None = None

    def report(self, path: Path, code: str, **fields: object) -> None:
        self.faults.append(fault(path, code, **fields))
        self.faulty.add(path)

    def clean(self, path: Path) -> bool:
        """Whether nothing is wrong or unclear with an expression."""
        return not any(place[: len(path)] == path for place in self.faulty)

    def expect(
        self, node: Node, path: Path, kinds: Sequence[Kind], inside: str | None = None
    ) -> Kind | None:
        """The kind of an expression, a fault if it is none of those allowed."""
        found = self.kind(node, path, inside)
        if found is None:
            return None
        if found in kinds or (found == "zero" and ("money" in kinds or "number" in kinds)):
            return found
        self.report(path, "wrong-kind", expected=kinds_in_words(kinds), found=KIND_WORDS[found])
        return None

    def kind(self, node: Node, path: Path, inside: str | None) -> Kind | None:
        """The kind of an expression; `inside` is the list that `each` goes through."""
        if isinstance(node, int):
            return "number" if node else "zero"
        if isinstance(node, str):
            return "number" if node[0].isdigit() else self._name(node, path, inside)
        return self.rules[type(node)](self, node, (*path, operator_name(type(node))), inside)

    def _unclear(self, name: str, path: Path) -> bool:
        known = name in self.vocabulary.unclear or "*" in self.vocabulary.unclear
        if known:
            self.faulty.add(path)
        return known

    def _name(self, name: str, path: Path, inside: str | None) -> Kind | None:
        if "." in name:
            return self._field(name, path, inside)
        if name in self.steps:
            if self.steps[name] is None:
                self.faulty.add(path)
            return self.steps[name]
        if name in self.later:
            self.report(path, "step-later", name=name)
            return None
        known = self.vocabulary.inputs.get(name)
        if known is None:
            self._unknown(name, path)
            return None
        if known.kind == "list":
            self.report(path, "list-alone", name=name)
            return None
        return known.kind

    def _unknown(self, name: str, path: Path) -> None:
        """A name that means nothing here: known elsewhere, or much like one that is known."""
        if self._unclear(name, path):
            return
        here, elsewhere = CLAIM_CONTEXT, PRICE_CONTEXT
        if not self.vocabulary.in_benefit:
            here, elsewhere = elsewhere, here
        if name in elsewhere and name not in here:
            self.report(path, "input-elsewhere", name=name)
            return
        names = (*self.vocabulary.inputs, *self.steps)
        alike = next((each for each in names if each[:ALIKE] == name[:ALIKE]), None)
        near = Text("", "")
        if alike is not None:
            near = Text(f"，是否为 {alike}", f"; perhaps {alike} is meant")
        self.report(path, "unknown-input", name=name, near=near)

    def word_meant(self, first: Node, second: Node) -> str | None:
        """The second where it names nothing and the first is a word: it is meant as one."""
        known = self.vocabulary.inputs.get(first) if isinstance(first, str) else None
        if known is None or known.kind != "word" or not isinstance(second, str):
            return None
        named = "." in second or second in (*self.vocabulary.inputs, *self.steps, *self.later)
        unclear = second in self.vocabulary.unclear or "*" in self.vocabulary.unclear
        return None if named or unclear or second[0].isdigit() else second

    def _field(self, name: str, path: Path, inside: str | None) -> Kind | None:
        listed, inner = name.split(".")
        known = self.listed(listed, path)
        if known is None:
            return None
        found = known.fields.get(inner)
        if found is None:
            self.report(path, "unknown-field", list=listed, name=inner)
        elif inside != listed:
            self.report(path, "field-outside-each", name=name)
        else:
            return found.kind
        return None

    def listed(self, name: str, path: Path) -> Input | None:
        """The list of that name."""
        known = self.vocabulary.inputs.get(name)
        if known is None:
            self._unknown(name, path)
        elif known.kind != "list":
            self.report(path, "not-a-list", name=name)
        else:
            return known
        return None

    def table(self, name: str, path: Path) -> Table | None:
        """The table of that name."""
        found = self.vocabulary.tables.get(name)
        if found is None and not self._unclear(f"tables/{name}", path):
            self.report(path, "unknown-table", name=name)
        return found

    def same(
        self, parts: Iterable[tuple[Path, Node]], kinds: Sequence[Kind], inside: str | None
    ) -> Kind | None:
        """The one kind of several expressions; what differs from the first is a fault."""
        first: Kind | None = None
        unclear = False
        for path, node in parts:
            found = self.expect(node, path, kinds, inside)
            if found is None:
                unclear = True
            elif first is None or first == "zero":
                if first == "zero" and found not in (*AMOUNT, "zero"):
                    self.mixed(path, first, found)
                first = found
            elif found not in (first, "zero") or (found == "zero" and first not in AMOUNT):
                self.mixed(path, first, found)
        return None if unclear and first in (None, "zero") else first

    def mixed(self, path: Path, first: Kind, found: Kind) -> None:
        self.report(path, "mixed-kinds", first=KIND_WORDS[first], found=KIND_WORDS[found])

    def edge(self, edge: Edge, path: Path, kind: Kind | None) -> None:
        """An edge is money where money is compared."""
        money = isinstance(edge, Yuan | Fen)
        found: Kind = "money" if money else "number" if edge_value(edge) else "zero"
        if kind in AMOUNT and found not in (kind, "zero"):
            self.report(path, "wrong-kind", expected=KIND_WORDS[kind], found=KIND_WORDS[found])

    def only_in_benefits(self, name: str, path: Path) -> bool:
        if not self.vocabulary.in_benefit:
            self.report(path, "only-in-benefits", name=name)
        return self.vocabulary.in_benefit


# What an operator is, and what its parts must be; the list is the one that `each` goes through.
Rule = Callable[[Kinds, Any, Path, str | None], Kind | None]


def numbered(path: Path, parts: Sequence[Node]) -> list[tuple[Path, Node]]:
    """Parts with their paths: the place in the list is the last step."""
    return [((*path, at), part) for at, part in enumerate(parts)]
