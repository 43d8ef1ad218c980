"""Each step of an evaluation in words: an expression becomes a function from a step to its node.

Words that do not depend on the claim are put together once, when the benefit is first
explained; literals that a parent's words already name are no nodes of their own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.plans.expressions import Node
from app.plans.lexicon import Lexicon
from app.plans.literals import Fen, Yuan, edge_value
from app.plans.operators.tallies import Occurrence
from app.plans.steps import Step
from app.plans.wording import NUMBER, RATE, WITHIN, Form, Said, Say, exact

Told = dict[str, Any]
# Who gave a fact, by its name: the member, the reviewer, a partner.
Givers = Mapping[str, str]
Teller = Callable[[Step, Givers], Told]


class Part(NamedTuple):
    """An expression made ready to be told.

    `say` gives its value, `named` the value with the input's name; a `literal` is named
    by its parent's words.
    """

    form: Form
    say: Say
    named: Say
    tell: Teller
    literal: bool = False


def told(code: str, words: Said, value: Any, form: Form, steps: list[Told]) -> Told:
    """One node; what has no steps below it comes from the plan."""
    node = {
        "code": code,
        "zh": words[0],
        "en": words[1],
        "value": value if type(value) is int else exact(value),
        "unit": form.unit,
        "steps": steps,
    }
    if not steps:
        node["source"] = "plan"
    return node


def leaf(code: str, words: Said, value: Any, form: Form, source: str) -> Told:
    """A node on which nothing stands, and where it comes from."""
    return {
        "code": code,
        "zh": words[0],
        "en": words[1],
        "value": value if type(value) is int else exact(value),
        "unit": form.unit,
        "source": source,
        "steps": [],
    }


def _literal(node: int | str | Yuan | Fen, own: Form | None, wanted: Form | None) -> Part:
    form = wanted if wanted is not None and (own is None or own is RATE) else own or NUMBER
    words = form.say(edge_value(node))
    code = "money" if form.unit == "fen" else "number"

    def say(_value: Any) -> Said:
        return words

    def tell(step: Step, _givers: Givers) -> Told:
        return leaf(code, words, step.value, form, "plan")

    return Part(form, say, say, tell, literal=True)


def _input(name: str, lexicon: Lexicon) -> Part:
    zh, en, form, source = lexicon.named(name)
    say, (zh_gap, en_gap) = form.say, form.gap
    missing = f"{zh}：待提供", f"{en}: not given yet"
    listed = name.partition(".")[0]

    def named(value: Any) -> Said:
        if value is None:
            return f"{zh}（待提供）", f"{en} (not given yet)"
        said = say(value)
        return f"{zh}{zh_gap}{said[0]}", f"{en}{en_gap}{said[1]}"

    def tell(step: Step, givers: Givers) -> Told:
        value = step.value
        if value is None:
            words = missing
        else:
            said = say(value)
            words = f"{zh}：{said[0]}", f"{en}: {said[1]}"
        node = leaf("input", words, value, form, source)
        node["input"] = name
        if givers:
            giver = givers.get(name) or givers.get(listed)
            if giver is not None:
                node["given_by"] = giver
        return node

    return Part(form, say, named, tell)


def occurrence_named(node: Occurrence) -> Say:
    """Which one it is, and of what period."""
    zh, en = WITHIN[node.occurrence.within]
    return lambda value: (f"{zh}第{value}次", f"Number {value} {en}")


class Below:
    """The nodes below an operator: its parts by position, without the literals."""

    __slots__ = ("kept",)

    def __init__(self, parts: Sequence[Part]) -> None:
        self.kept = [(at, each.tell) for at, each in enumerate(parts) if not each.literal]

    def __call__(self, step: Step, givers: Givers) -> list[Told]:
        parts = step.parts
        return [tell(parts[at], givers) for at, tell in self.kept]


@dataclass(frozen=True, slots=True)
class Speaker:
    """What a document's names mean, and how each operator is told."""

    lexicon: Lexicon
    operators: Mapping[type, "Operator"]

    def part(self, node: Node, wanted: Form | None = None) -> Part:
        """An expression made ready; `wanted` is the form of a plain number in its place."""
        if isinstance(node, str) and not node[0].isdigit():
            return _input(node, self.lexicon)
        own = self.lexicon.form(node)
        if isinstance(node, int | str | Yuan | Fen):
            return _literal(node, own, wanted)
        # A rate that is reckoned from numbers is a rate all the same.
        form = RATE if wanted is RATE and own is NUMBER else own or wanted or NUMBER
        named = occurrence_named(node) if isinstance(node, Occurrence) else form.say
        return Part(form, form.say, named, self.operators[type(node)](node, self, form))


# Makes one operator ready: its node, the speaker, the form of its value.
Operator = Callable[[Any, Speaker, Form], Teller]
