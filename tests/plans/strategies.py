"""Random expressions, facts and documents of plans, as JSON: well-typed, of bounded depth."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from app.plans.inputs import CLAIM_CONTEXT, STANDARD_FACTS, Input
from app.plans.terms import PlanTerms
from tests.plans.engine import WORDS, benefit, plan

Kind = Literal["money", "number", "truth", "word", "day"]
Json = Any

CLAIM_INPUTS: Mapping[str, Input] = {**STANDARD_FACTS, **CLAIM_CONTEXT}
TABLES: dict[str, Json] = {
    "RATES": {
        "kind": "rates",
        "entries": {str(grade): f"0.{11 - grade:02d}" for grade in range(1, 11)},
    },
    "SUMS": {"kind": "amounts", "entries": {"1": {"yuan": 100}, "2": {"yuan": "62.50"}}},
    "COUNTS": {"kind": "numbers", "entries": {"1": 3, "2": 7}},
    "ILLNESSES": {
        "kind": "list",
        "entries": {"tumour": {"zh": "恶性肿瘤", "en": "Tumour"}, "stroke": WORDS},
    },
}
COUNTERS: dict[str, Json] = {
    "visits": {"of": 1, "within": "term", "words": {"zh": "就诊次数", "en": "Visits"}},
    "costs": {"of": {"yuan": 20}, "within": "year", "words": {"zh": "费用", "en": "Costs"}},
}
COMPARISONS = ("equals", "reaches", "exceeds", "up_to", "below")
FREE_WORDS = ("tumour", "stroke", "A", "other-word")
WITHIN = st.sampled_from(["claim", "incident", "year", "term", "lifetime"])
DECIMALS = st.integers(0, 1_000).map(lambda thousandths: f"{thousandths / 1000:.3f}")
YUAN = st.one_of(
    st.integers(0, 100_000).map(lambda yuan: {"yuan": yuan}),
    st.integers(0, 10**7).map(lambda fen: {"yuan": f"{fen // 100}.{fen % 100:02d}"}),
    st.integers(0, 10**7).map(lambda fen: {"fen": fen}),
)
NUMBERS = st.integers(0, 400)


@st.composite
def _edged(draw: st.DrawFn, gives: SearchStrategy[Json], name: str, money: bool) -> list[Json]:
    """Bands or slices from anything upwards, without gap or overlap."""
    edges = sorted(draw(st.sets(st.integers(1, 400), max_size=4)))
    rows: list[Json] = []
    upper = draw(st.booleans())
    for at in range(len(edges) + 1):
        row: dict[str, Json] = {name: draw(gives)}
        if at:
            row["above" if upper else "from"] = _edge(edges[at - 1], money)
        if at < len(edges):
            row["to" if upper else "below"] = _edge(edges[at], money)
        rows.append(row)
    return rows


def _edge(value: int, money: bool) -> Json:
    return {"yuan": value} if money else value


@dataclass
class Grammar:
    """What may stand where; `in_benefit` allows history, counters and other cover."""

    inputs: Mapping[str, Input] = field(default_factory=lambda: CLAIM_INPUTS)
    in_benefit: bool = True
    known: dict[tuple[Kind, int, str | None], SearchStrategy[Json]] = field(default_factory=dict)

    def of(self, kind: Kind, depth: int, inside: str | None = None) -> SearchStrategy[Json]:
        """Expressions of one kind; `inside` is the list that `each` goes through."""
        key = kind, depth, inside
        if key not in self.known:
            self.known[key] = self._made(kind, depth, inside)
        return self.known[key]

    def _names(self, kind: str, inside: str | None) -> list[str]:
        names = [name for name, known in self.inputs.items() if known.kind == kind]
        if inside is not None:
            fields = self.inputs[inside].fields
            names += [f"{inside}.{name}" for name, known in fields.items() if known.kind == kind]
        return names

    def _lists(self) -> SearchStrategy[str]:
        return _some(self._names("list", None))

    def _leaves(self, kind: Kind, inside: str | None) -> list[SearchStrategy[Json]]:
        names = self._names(kind, inside)
        leaves: list[SearchStrategy[Json]] = [_some(names)]
        if kind == "money":
            leaves.append(YUAN)
        if kind == "number":
            leaves += [NUMBERS, DECIMALS]
        return leaves

    def _made(self, kind: Kind, depth: int, inside: str | None) -> SearchStrategy[Json]:
        found = self._leaves(kind, inside)
        if kind in ("money", "number"):
            found += self._history(kind)
            if depth:
                found += self._amounts(kind, depth - 1, inside)
        if kind == "truth":
            found += self._truths(max(depth - 1, 0), inside)
        return st.one_of(found)

    def _history(self, kind: Kind) -> list[SearchStrategy[Json]]:
        if not self.in_benefit:
            return []
        if kind == "money":
            return [
                WITHIN.map(lambda within: {"paid_before": {"within": within}}),
                st.sampled_from([{"before": "costs"}, {"total": "costs"}]),
            ]
        return [
            WITHIN.map(lambda within: {"occurrence": {"within": within}}),
            st.sampled_from([{"before": "visits"}, {"total": "visits"}]),
        ]

    def _amounts(self, kind: Kind, depth: int, inside: str | None) -> list[SearchStrategy[Json]]:
        same = self.of(kind, depth, inside)
        number, truth = self.of("number", depth, inside), self.of("truth", depth, inside)
        several = st.lists(same, min_size=2, max_size=3)
        found = [
            several.map(lambda parts: {"sum": parts}),
            several.map(lambda parts: {"minus": parts}),
            st.tuples(same, number).map(lambda pair: {"times": list(pair)}),
            _of("percent", of=same, rate=DECIMALS | number),
            _of("at_most", of=same, limit=same),
            _of("at_least", of=same, floor=same),
            _of("pro_rata", of=same, part=number, whole=number),
            _of("slices", of=same, slices=_edged(DECIMALS, "rate", kind == "money")),
            _of("when", **{"if": truth, "then": same, "otherwise": same}),
            self._choose(same, inside),
        ]
        for measure in ("money", "number"):
            of = self.of(measure, depth, inside)
            found.append(_of("band", of=of, bands=_edged(same, "gives", measure == "money")))
        grades = self._names("number", inside)
        table = "SUMS" if kind == "money" else "RATES"
        found.append(_of("look_up", table=st.just(table), of=_some(grades)))
        if inside is None:
            found.append(
                self._lists().flatmap(
                    lambda listed: (
                        _of("each", of=st.just(listed), gives=self.of(kind, depth, listed))
                        | _of("largest", of=st.just(listed), gives=self.of(kind, depth, listed))
                    )
                )
            )
        if kind == "number":
            found += self._counts(depth, inside)
        return found

    def _counts(self, depth: int, inside: str | None) -> list[SearchStrategy[Json]]:
        money, day = self.of("money", depth, inside), self.of("day", depth, inside)
        return [
            self._lists().map(lambda listed: {"count": listed}),
            _of("full", of=money, per=st.integers(1, 500).map(lambda yuan: {"yuan": yuan})),
            _of("full", of=self.of("number", depth, inside), per=st.integers(1, 30)),
            _of("days_between", first=day, last=day),
        ]

    def _choose(self, gives: SearchStrategy[Json], inside: str | None) -> SearchStrategy[Json]:
        def cases(name: str) -> SearchStrategy[Json]:
            known = self._input(name)
            words = list(known.words) or list(FREE_WORDS)
            by = st.dictionaries(st.sampled_from(words), gives, min_size=1, max_size=3)
            return st.tuples(by, st.none() | gives).map(
                lambda made: {
                    "choose": {"by": name, "cases": made[0]}
                    | ({} if made[1] is None else {"otherwise": made[1]})
                }
            )

        return _some(self._names("word", inside)).flatmap(cases)

    def _input(self, name: str) -> Input:
        listed, _, inner = name.partition(".")
        return self.inputs[listed].fields[inner] if inner else self.inputs[name]

    def _truths(self, depth: int, inside: str | None) -> list[SearchStrategy[Json]]:
        found: list[SearchStrategy[Json]] = []
        for kind in ("money", "number", "day"):
            both = self.of(kind, depth, inside)
            found += [_pair(code, both) for code in COMPARISONS]
        words = _some(self._names("word", inside))
        listed = st.lists(st.sampled_from(FREE_WORDS), min_size=1, max_size=4, unique=True)
        found += [
            _pair("equals", words),
            _of("one_of", of=words, words=listed),
            _of("listed", table=st.just("ILLNESSES"), of=words),
        ]
        if self.in_benefit:
            found.append(st.just({"holds": "PLAN-B"}))
        if depth:
            truth = self.of("truth", depth - 1, inside)
            several = st.lists(truth, min_size=2, max_size=3)
            found += [
                several.map(lambda parts: {"all": parts}),
                several.map(lambda parts: {"any": parts}),
                truth.map(lambda part: {"not": part}),
            ]
        return found


def _some(names: list[str]) -> SearchStrategy[str]:
    return st.sampled_from(names) if names else st.nothing()


def _of(code: str, **members: SearchStrategy[Json]) -> SearchStrategy[Json]:
    return st.fixed_dictionaries(members).map(lambda made: {code: made})


def _pair(code: str, both: SearchStrategy[Json]) -> SearchStrategy[Json]:
    return st.tuples(both, both).map(lambda made: {code: list(made)})


BENEFIT = Grammar()


def expressions(
    kind: Kind, inputs: Mapping[str, Input] | None = None, depth: int = 3
) -> SearchStrategy[Json]:
    """Well-typed expressions of a benefit, or, with `inputs`, of another context (a price).

    Tables are `TABLES`, counters `COUNTERS`. Bands cover everything, but some may be out of
    the reach of what they look at.
    """
    grammar = BENEFIT if inputs is None else Grammar(inputs, in_benefit=False)
    return grammar.of(kind, depth)


def _value(known: Input) -> SearchStrategy[Json]:
    match known.kind:
        case "money":
            return st.integers(known.least, min(known.most, 10**7))
        case "number":
            return st.integers(known.least, min(known.most, 400))
        case "truth":
            return st.booleans()
        case "day":
            return st.dates(date(2024, 1, 1), date(2027, 12, 31))
        case "word":
            return st.sampled_from(list(known.words) or FREE_WORDS)
    items = facts(known.fields)
    return st.lists(items, max_size=4).map(tuple)


def facts(inputs: Mapping[str, Input] = CLAIM_INPUTS) -> SearchStrategy[dict[str, Json]]:
    """Inputs of an evaluation; any of them may be missing."""
    return st.fixed_dictionaries(
        {}, optional={name: _value(known) for name, known in inputs.items()}
    )


def all_facts(inputs: Mapping[str, Input] = CLAIM_INPUTS) -> SearchStrategy[dict[str, Json]]:
    """Inputs of an evaluation, nothing missing outside lists."""
    return st.fixed_dictionaries({name: _value(known) for name, known in inputs.items()})


@st.composite
def benefits(draw: st.DrawFn, code: str = "PAY") -> Json:
    """A benefit with steps, conditions, counters and limits."""
    money, truth = expressions("money"), expressions("truth", depth=2)
    steps = [
        {"name": f"step_{at}", "words": WORDS, "value": draw(expressions("money", depth=2))}
        for at in range(draw(st.integers(0, 2)))
    ]
    pays = draw(money)
    if steps:
        pays = {"sum": [steps[-1]["name"], pays]}
    conditions = [
        {"code": f"reason-{at}", "require": draw(truth), "words": WORDS}
        for at in range(draw(st.integers(0, 2)))
    ]
    limits = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "max": expressions("money", depth=1),
                    "per": WITHIN,
                    "across": st.sampled_from(["policy", "member"]),
                }
            ),
            max_size=2,
        )
    )
    return benefit(code, pays, steps=steps, conditions=conditions, limits=limits, counters=COUNTERS)


@st.composite
def documents(draw: st.DrawFn) -> PlanTerms:
    """Whole documents, right in their kinds, with one or two benefits and perhaps a limit."""
    promised = [draw(benefits(code)) for code in ("PAY", "MORE")[: draw(st.integers(1, 2))]]
    limits = [{"max": draw(YUAN), "per": draw(WITHIN)}] if draw(st.booleans()) else []
    return plan(*promised, tables=TABLES, limits=limits)
