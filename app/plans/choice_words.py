"""Choices in words: bands, slices, tables, cases, branches and the items of a list."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from app.plans.expressions import operator_name
from app.plans.operators.choices import Band, Choose, InBand, InSlices, LookUp, Slice, When
from app.plans.operators.conditions import All, Any_
from app.plans.operators.tallies import Each, Largest, Listing
from app.plans.steps import Step
from app.plans.telling import Givers, Operator, Part, Speaker, Teller, Told, leaf, told
from app.plans.wording import ORDINAL, RATE, TRUTH, Form, Said, range_words

WAITS = ("待确认", "not known yet")


def _waits(of: Said) -> Said:
    return f"{of[0]}，{WAITS[0]}", f"{of[1]}: {WAITS[1]}"


def _counts(form: Form, value: Any, result: Said) -> str:
    """What follows from a choice, after Chinese words: an amount, or whether it holds."""
    if form is TRUTH and value is not None:
        return "符合" if value else "不符合"
    return f"计{form.lead}{result[0]}"


def _below(step: Step, givers: Givers, parts: tuple[Part | None, ...]) -> list[Told]:
    """The nodes of an operator that chose one of its parts; literals are none."""
    return [
        each.tell(of, givers)
        for each, of in zip(parts, step.parts, strict=False)
        if each is not None and not each.literal
    ]


def _band(node: InBand, speaker: Speaker, form: Form) -> Teller:
    of = speaker.part(node.band.of)
    bands = {
        id(band): (_inside(band, of.form), speaker.part(band.gives, form))
        for band in node.band.bands
    }

    def tell(step: Step, givers: Givers) -> Told:
        first, result = of.named(step.parts[0].value), form.say(step.value)
        within, gives = bands.get(id(step.note), _NO_BAND)
        if step.value is None and gives is None:
            words = _waits(first)
        else:
            words = (
                f"{first[0]}{within[0]}，{_counts(form, step.value, result)}",
                f"{first[1]}{within[1]}: {result[1]}",
            )
        return told("band", words, step.value, form, _below(step, givers, (of, gives)))

    return tell


_NO_BAND: tuple[Said, Part | None] = ("，不在任何一档", ", in no band"), None


def _inside(band: Band, form: Form) -> Said:
    """Which band it is; "the second of the year" needs none to be named."""
    if form is ORDINAL:
        return "", ""
    zh, en = range_words(band, form)
    return f"，在“{zh}”一档", f", in the band “{en}”"


def _slices(node: InSlices, speaker: Speaker, form: Form) -> Teller:
    of = speaker.part(node.slices.of, form)
    named = {
        id(each): (range_words(each, form), RATE.say(Fraction(each.rate)))
        for each in node.slices.slices
    }

    def slice_(note: tuple[Slice, Any, Any]) -> Told:
        each, amount, value = note
        (zh, en), rate = named[id(each)]
        part, result = form.say(amount), form.say(value)
        words = (
            f"{zh}部分：{part[0]} × {rate[0]} = {result[0]}",
            f"{en}: {part[1]} × {rate[1]} = {result[1]}",
        )
        return leaf("slice", words, value, form, "plan")

    def tell(step: Step, givers: Givers) -> Told:
        first, result = of.named(step.parts[0].value), form.say(step.value)
        steps = _below(step, givers, (of,))
        if step.value is None:
            words = _waits(first)
        else:
            steps += [slice_(note) for note in step.note]
            words = (
                f"{first[0]}，分段计算，合计{form.lead}{result[0]}",
                f"{first[1]}, each slice at its own rate: {result[1]}",
            )
        return told("slices", words, step.value, form, steps)

    return tell


def _look_up(node: LookUp, speaker: Speaker, form: Form) -> Teller:
    of = speaker.part(node.look_up.of)
    zh, en = speaker.lexicon.table(node.look_up.table)
    table = speaker.lexicon.terms.tables.get(node.look_up.table)
    entries = frozenset(table.entries) if table is not None else frozenset()

    def tell(step: Step, givers: Givers) -> Told:
        asked = step.parts[0].value
        first, result = of.named(asked), form.say(step.value)
        if asked is None:
            words = _waits(first)
        elif str(asked) in entries:
            words = (
                f"{first[0]}，按“{zh}”为{form.lead}{result[0]}",
                f"{first[1]}: {result[1]} by “{en}”",
            )
        else:
            words = (
                f"{first[0]}，“{zh}”中没有，计{form.lead}{result[0]}",
                f"{first[1]}, not in “{en}”: {result[1]}",
            )
        return told("look_up", words, step.value, form, _below(step, givers, (of,)))

    return tell


def _choose(node: Choose, speaker: Speaker, form: Form) -> Teller:
    by = speaker.part(node.choose.by)
    cases = {word: speaker.part(gives, form) for word, gives in node.choose.cases.items()}
    rest = node.choose.otherwise
    otherwise = None if rest is None else speaker.part(rest, form)
    truth = form is TRUTH

    def tell(step: Step, givers: Givers) -> Told:
        first, result = by.named(step.parts[0].value), form.say(step.value)
        gives = cases.get(step.note, otherwise)
        if step.note is None:
            words = _waits(first)
        elif step.note in cases:
            words = f"{first[0]}，{_counts(form, step.value, result)}", f"{first[1]}: {result[1]}"
        else:
            words = (
                f"{first[0]}，属其他情形，{_counts(form, step.value, result)}",
                f"{first[1]}, any other: {result[1]}",
            )
        value: Any = step.value
        if truth and value is not None:
            value = bool(value)
        return told("choose", words, value, form, _below(step, givers, (by, gives)))

    return tell


# Tests that stand among others in a list of their own.
_SEVERAL = (All, Any_)


def _when(node: When, speaker: Speaker, form: Form) -> Teller:
    test = speaker.part(node.when.if_)
    then, otherwise = speaker.part(node.when.then, form), speaker.part(node.when.otherwise, form)
    several = isinstance(node.when.if_, _SEVERAL)

    def tell(step: Step, givers: Givers) -> Told:
        asked = test.tell(step.parts[0], givers)
        result = form.say(step.value)
        # A single comparison is named here; what it looked at moves up in its place.
        steps = asked["steps"] if asked["steps"] and not several else [asked]
        reason = (asked["zh"], asked["en"])
        if step.note is None:
            words = _waits(("是否符合所列情形", "whether this holds") if several else reason)
        else:
            if several and step.note:
                reason = ("符合所列情形", "This holds")
            elif several:
                reason = ("不符合所列情形", "This does not hold")
            words = f"{reason[0]}，{_counts(form, step.value, result)}", f"{reason[1]}: {result[1]}"
            gives = then if step.note else otherwise
            if not gives.literal:
                steps = [*steps, gives.tell(step.parts[1], givers)]
        return told("when", words, step.value, form, steps)

    return tell


def _over(node: Listing, speaker: Speaker, form: Form) -> Teller:
    listed = node.over.of
    code = operator_name(type(node))
    zh_sum, en_sum = ("取最高", "the largest") if code == "largest" else ("合计", "added up")
    gives = speaker.part(node.over.gives, form)
    zh, en, _, source = speaker.lexicon.named(listed)
    zh_item, en_item = speaker.lexicon.item(listed)
    measure = speaker.lexicon.measure(listed)

    def item(number: int, step: Step, givers: Givers) -> Told:
        """The item's number and its amount in one node."""
        node = gives.tell(step, givers)
        node["code"] = "item"
        node["zh"] = f"{zh_item.format(number)}：{node['zh']}"
        node["en"] = f"{en_item.format(number)}: {node['en']}"
        return node

    def tell(step: Step, givers: Givers) -> Told:
        value = step.value
        if value is None and not step.parts:
            words = f"{zh}：待提供", f"{en}: not given yet"
        else:
            count, result = len(step.parts), form.say(value)
            words = (
                f"{zh}共{count}{measure}，{zh_sum}{form.lead}{result[0]}",
                f"{en}, {count} in all, {en_sum}: {result[1]}",
            )
        steps = [item(number, each, givers) for number, each in enumerate(step.parts, 1)]
        node = told(code, words, value, form, steps)
        if not steps:
            node["input"], node["source"] = listed, source
            giver = givers.get(listed)
            if giver is not None:
                node["given_by"] = giver
        return node

    return tell


CHOICES: Mapping[type, Operator] = {
    InBand: _band,
    InSlices: _slices,
    LookUp: _look_up,
    Choose: _choose,
    When: _when,
    Each: _over,
    Largest: _over,
}
