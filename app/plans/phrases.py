"""What an expression promises, in words, before there is a claim: for the catalogue."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from app.plans.expressions import Node
from app.plans.lexicon import Lexicon
from app.plans.literals import Fen, Yuan, edge_value
from app.plans.operator_words import relation_words
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
from app.plans.operators.conditions import (
    All,
    Any_,
    Below,
    Equals,
    Exceeds,
    Holds,
    Listed,
    Not,
    OneOf,
    Reaches,
    UpTo,
)
from app.plans.operators.tallies import (
    Before,
    Count,
    Each,
    Largest,
    Listing,
    Occurrence,
    PaidBefore,
    Total,
)
from app.plans.phrasing import Phrase, bracketed, is_literal, joined, labelled, lower, rows_of
from app.plans.truth_words import words_named
from app.plans.wording import MONEY, NUMBER, RATE, WITHIN, Form, Said, range_words


def phrase(node: Node, lexicon: Lexicon, wanted: Form | None = None) -> Phrase:
    """An expression in words; `wanted` is the form of a plain number in its place."""
    if isinstance(node, str) and not node[0].isdigit():
        return _name(node, lexicon)
    own = lexicon.form(node)
    if isinstance(node, int | str | Yuan | Fen):
        form = wanted if wanted is not None and (own is None or own is RATE) else own or NUMBER
        zh, en = form.short(edge_value(node))
        return Phrase(zh, en, 3, form.lead)
    form = RATE if wanted is RATE and own is NUMBER else own or wanted or NUMBER
    return _PHRASES[type(node)](node, lexicon, form)


def _name(name: str, lexicon: Lexicon) -> Phrase:
    named = lexicon.named(name)
    if named.source == "plan":
        return Phrase(f"“{named.zh}”", f"“{named.en}”")
    return Phrase(named.zh, lower(named.en))


def _sum(node: Sum, lexicon: Lexicon, form: Form) -> Phrase:
    return joined([phrase(part, lexicon, form) for part in node.sum], " + ", 1)


def _minus(node: Minus, lexicon: Lexicon, form: Form) -> Phrase:
    parts = [phrase(part, lexicon, form) for part in node.minus]
    if len(parts) == 2 and is_literal(node.minus[1]) and not is_literal(node.minus[0]):
        of, less = bracketed(parts[0], 2), parts[1]
        return Phrase(f"{of.zh}超过{less.lead}{less.zh}的部分", f"{of.en} above {less.en}", 0)
    head, *rest = parts
    return joined([head, *(bracketed(each, 2) for each in rest)], " − ", 1)


SHARES = ("shares", "layers.shares")


def _times(node: Times, lexicon: Lexicon, _form: Form) -> Phrase:
    """Amounts for each share read as such: "40,000 元/份", "每份 40 元 × 住院天数"."""
    rest = [part for part in node.times if part not in SHARES]
    if len(rest) == len(node.times) - 1 and lexicon.form(node) is MONEY:
        if len(rest) == 1 and is_literal(rest[0]):
            one = phrase(rest[0], lexicon)
            return Phrase(f"{one.zh}/份", f"{one.en} per share", 2, one.lead)
        inner = joined([phrase(part, lexicon) for part in rest], " × ", 2)
        return Phrase(f"每份{inner.lead}{inner.zh}", f"{inner.en} per share", 2)
    return joined([phrase(part, lexicon) for part in node.times], " × ", 2)


def _percent(node: Percent, lexicon: Lexicon, form: Form) -> Phrase:
    of, rate = node.percent.of, node.percent.rate
    parts = [phrase(of, lexicon, form), phrase(rate, lexicon, RATE)]
    whole = is_literal(rate) and parts[1].zh == "100%"
    return parts[0] if whole else joined(parts, " × ", 2)


def _bounded(code: str, bound: str, words: Said) -> Callable[[Any, Lexicon, Form], Phrase]:
    def bounded(node: Any, lexicon: Lexicon, form: Form) -> Phrase:
        inner = getattr(node, code)
        of = phrase(inner.of, lexicon, form)
        edge = bracketed(phrase(getattr(inner, bound), lexicon, form), 1)
        zh, en = f"{of.zh}，{words[0]}{edge.lead}{edge.zh}", f"{of.en}, {words[1]} {edge.en}"
        return Phrase(zh, en, 0, of.lead)

    return bounded


def _pro_rata(node: ProRata, lexicon: Lexicon, form: Form) -> Phrase:
    asked = node.pro_rata
    measure = lexicon.form(asked.part) or lexicon.form(asked.whole)
    of = bracketed(phrase(asked.of, lexicon, form), 2)
    part, whole = (
        bracketed(phrase(each, lexicon, measure), 3) for each in (asked.part, asked.whole)
    )
    zh, en = f"{of.zh} × {part.zh} ÷ {whole.zh}", f"{of.en} × {part.en} ÷ {whole.en}"
    return Phrase(zh, en, 2, of.lead)


def _full(node: Full, lexicon: Lexicon, _form: Form) -> Phrase:
    of, form = bracketed(phrase(node.full.of, lexicon), 2), lexicon.form(node.full.of) or NUMBER
    zh, en = form.short(edge_value(node.full.per))
    return Phrase(f"{of.zh}每满{form.lead}{zh}计1的数", f"the number of full {en} in {of.en}", 0)


def _band(node: InBand, lexicon: Lexicon, form: Form) -> Phrase:
    of, edges = bracketed(phrase(node.band.of, lexicon), 1), lexicon.form(node.band.of) or NUMBER
    gives = [phrase(band.gives, lexicon, form) for band in node.band.bands]
    words = [range_words(band, edges) for band in node.band.bands]
    return rows_of(of, [labelled(*row) for row in zip(words, gives, strict=True)])


def _slices(node: InSlices, lexicon: Lexicon, form: Form) -> Phrase:
    of = bracketed(phrase(node.slices.of, lexicon, form), 1)
    rows = [
        labelled(range_words(each, form), Phrase(*RATE.short(Fraction(each.rate))))
        for each in node.slices.slices
    ]
    found = rows_of(of, rows)
    return Phrase(found.zh.replace("（", "分段计算（", 1), f"{found.en}, slice by slice", 2)


def _look_up(node: LookUp, lexicon: Lexicon, form: Form) -> Phrase:
    of = bracketed(phrase(node.look_up.of, lexicon), 1)
    zh, en = lexicon.table_name(node.look_up.table)
    kind = {RATE: ("比例", "rate"), MONEY: ("金额", "amount")}.get(form, ("数值", "number"))
    return Phrase(f"{of.zh}对应{kind[0]}（{zh}）", f"the {kind[1]} for the {of.en} ({en})")


def _choose(node: Choose, lexicon: Lexicon, form: Form) -> Phrase:
    by, says = phrase(node.choose.by, lexicon), lexicon.form(node.choose.by) or NUMBER
    rows = []
    for word, gives in node.choose.cases.items():
        label = says.short(int(word)) if word.isdigit() and says.unit != "word" else says.say(word)
        rows.append(labelled(label, phrase(gives, lexicon, form)))
    if node.choose.otherwise is not None:
        rows.append(labelled(("其他", "otherwise"), phrase(node.choose.otherwise, lexicon, form)))
    return rows_of(by, rows)


def _when(node: When, lexicon: Lexicon, form: Form) -> Phrase:
    asked = node.when
    test, then = phrase(asked.if_, lexicon), bracketed(phrase(asked.then, lexicon, form), 1)
    rest = phrase(asked.otherwise, lexicon, form)
    if not isinstance(asked.otherwise, When):
        rest = bracketed(rest, 1)
        rest = Phrase(f"为{rest.lead}{rest.zh}", rest.en)
    zh = f"如{test.zh}，为{then.lead}{then.zh}；否则{rest.zh}"
    return Phrase(zh, f"if {test.en}: {then.en}; otherwise {rest.en}", 0)


def _over(zh_sign: str, en_sign: str) -> Callable[[Any, Lexicon, Form], Phrase]:
    def over(node: Listing, lexicon: Lexicon, form: Form) -> Phrase:
        gives = phrase(node.over.gives, lexicon, form)
        zh, en = lexicon.every(node.over.of)
        return Phrase(f"{zh}（{gives.zh}）{zh_sign}", f"{en_sign} over {en} ({gives.en})")

    return over


def _count(node: Count, lexicon: Lexicon, _form: Form) -> Phrase:
    zh, en, _, _ = lexicon.named(node.count)
    measure = {"次": "次数", "层": "层数"}.get(lexicon.measure(node.count), "数量")
    return Phrase(f"{zh}{measure}", f"the number of {lower(en)}")


def _occurrence(node: Occurrence, _lexicon: Lexicon, _form: Form) -> Phrase:
    zh, en = WITHIN[node.occurrence.within]
    return Phrase(f"{zh}第几次", f"which one it is {en}")


def _paid_before(node: PaidBefore, lexicon: Lexicon, _form: Form) -> Phrase:
    zh, en = WITHIN[node.paid_before.within]
    if node.paid_before.plans:
        plans = node.paid_before.plans
        return Phrase(f"{zh}{'、'.join(plans)}已给付的互助金", f"what {', '.join(plans)} paid {en}")
    named = [lexicon.benefit_name(code) for code in node.paid_before.benefits]
    of = "、".join(each[0] for each in named) or "互助金"
    under = f" for {', '.join(lower(each[1]) for each in named)}" if named else ""
    return Phrase(f"{zh}已给付的{of}", f"what was paid{under} {en}")


def _counter(code: str, words: Said) -> Callable[[Any, Lexicon, Form], Phrase]:
    def counter(node: Any, lexicon: Lexicon, _form: Form) -> Phrase:
        zh, en, _, _ = lexicon.counter(getattr(node, code))
        return Phrase(f"{zh}（{words[0]}）", f"{lower(en)} ({words[1]})")

    return counter


def _days_between(node: DaysBetween, lexicon: Lexicon, _form: Form) -> Phrase:
    span = node.days_between
    first, last = phrase(span.first, lexicon), phrase(span.last, lexicon)
    return Phrase(f"{first.zh}至{last.zh}的天数", f"the days from {first.en} to {last.en}")


def _compared(code: str) -> Callable[[Any, Lexicon, Form], Phrase]:
    def compared(node: Any, lexicon: Lexicon, _form: Form) -> Phrase:
        first, second = getattr(node, code)
        measure = lexicon.form(first) or lexicon.form(second) or NUMBER
        (zh, en), _ = relation_words(code, measure)
        one, two = (bracketed(phrase(each, lexicon, measure), 1) for each in (first, second))
        return Phrase(f"{one.zh}{zh}{two.lead}{two.zh}", f"{one.en} {en} {two.en}", 1)

    return compared


def _one_of(node: OneOf, lexicon: Lexicon, _form: Form) -> Phrase:
    of = phrase(node.one_of.of, lexicon)
    zh, en = words_named(node.one_of.words, lexicon.form(node.one_of.of) or NUMBER)
    is_, among = ("为", "is") if len(node.one_of.words) == 1 else ("属于", "is one of")
    return Phrase(f"{of.zh}{is_}“{zh}”", f"{of.en} {among} “{en}”", 1)


def _listed(node: Listed, lexicon: Lexicon, _form: Form) -> Phrase:
    of = phrase(node.listed.of, lexicon)
    zh, en = lexicon.table(node.listed.table)
    return Phrase(f"{of.zh}在“{zh}”之列", f"{of.en} is listed in “{en}”", 1)


def _holds(node: Holds, _lexicon: Lexicon, _form: Form) -> Phrase:
    return Phrase(f"同时参加 {node.holds}", f"also covered by {node.holds}", 1)


def _many(code: str, words: Said) -> Callable[[Any, Lexicon, Form], Phrase]:
    def many(node: Any, lexicon: Lexicon, _form: Form) -> Phrase:
        parts = [bracketed(phrase(each, lexicon), 1) for each in getattr(node, code)]
        return Phrase(words[0].join(p.zh for p in parts), words[1].join(p.en for p in parts), 0)

    return many


def _not(node: Not, lexicon: Lexicon, _form: Form) -> Phrase:
    of = phrase(node.not_, lexicon)
    return Phrase(f"非（{of.zh}）", f"not ({of.en})", 1)


_PHRASES: Mapping[type, Callable[[Any, Lexicon, Form], Phrase]] = {
    Sum: _sum,
    Minus: _minus,
    Times: _times,
    Percent: _percent,
    AtMost: _bounded("at_most", "limit", ("最高", "at most")),
    AtLeast: _bounded("at_least", "floor", ("最低", "at least")),
    ProRata: _pro_rata,
    Full: _full,
    InBand: _band,
    InSlices: _slices,
    LookUp: _look_up,
    Choose: _choose,
    When: _when,
    Each: _over("之和", "the sum"),
    Largest: _over("中的最高者", "the largest"),
    Count: _count,
    Occurrence: _occurrence,
    PaidBefore: _paid_before,
    Before: _counter("before", ("本次之前", "before this claim")),
    Total: _counter("total", ("含本次", "with this claim")),
    DaysBetween: _days_between,
    Equals: _compared("equals"),
    Reaches: _compared("reaches"),
    Exceeds: _compared("exceeds"),
    UpTo: _compared("up_to"),
    Below: _compared("below"),
    OneOf: _one_of,
    Listed: _listed,
    Holds: _holds,
    All: _many("all", ("且", " and ")),
    Any_: _many("any", ("或", " or ")),
    Not: _not,
}
