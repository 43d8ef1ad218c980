"""Arithmetic and comparison in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.plans.literals import edge_value
from app.plans.operators import conditions
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
from app.plans.steps import Step
from app.plans.telling import Below, Givers, Operator, Speaker, Teller, Told, told
from app.plans.wording import RATE, Form, Said


def _joined(code: str, sign: str, same: bool) -> Operator:
    """Parts with a sign between them; `same` where all are of one form."""

    def teller(node: Any, speaker: Speaker, form: Form) -> Teller:
        parts = [speaker.part(each, form if same else None) for each in getattr(node, code)]
        says, below = [each.say for each in parts], Below(parts)

        def tell(step: Step, givers: Givers) -> Told:
            value: Any = step.value
            said = [say(of.value) for say, of in zip(says, step.parts, strict=True)]
            zh = sign.join([each[0] for each in said])
            en = sign.join([each[1] for each in said])
            result = form.say(value)
            if value == 0 and code == "minus" and _falls_short(step.parts):
                words = (
                    f"{zh}，不足减，计{form.lead}{result[0]}",
                    f"{en}: nothing is left, {result[1]}",
                )
            else:
                words = f"{zh} = {result[0]}", f"{en} = {result[1]}"
            return told(code, words, value, form, below(step, givers))

        return tell

    return teller


def _falls_short(parts: Sequence[Step]) -> bool:
    first, *others = (each.value for each in parts)
    return first < sum(others)  # type: ignore[arg-type,operator]


def _percent(node: Percent, speaker: Speaker, form: Form) -> Teller:
    of, rate = speaker.part(node.percent.of, form), speaker.part(node.percent.rate, RATE)
    say_rate = rate.say if rate.literal else RATE.say
    below = Below((of, rate))
    if rate.literal and edge_value(node.percent.rate) == 1:  # type: ignore[arg-type]
        # All of it: nothing that anybody would want to see calculated.
        return lambda step, givers: of.tell(step.parts[0], givers)

    def tell(step: Step, givers: Givers) -> Told:
        first, second = step.parts
        amount, share, result = of.say(first.value), say_rate(second.value), form.say(step.value)
        words = (
            f"{amount[0]} × {share[0]} = {result[0]}",
            f"{amount[1]} × {share[1]} = {result[1]}",
        )
        return told("percent", words, step.value, form, below(step, givers))

    return tell


def _bounded(code: str, other: str) -> Operator:
    """`at_most` and `at_least`: whether the bound counted, or the amount."""
    upper = code == "at_most"

    def teller(node: Any, speaker: Speaker, form: Form) -> Teller:
        inner = getattr(node, code)
        of, bound = speaker.part(inner.of, form), speaker.part(getattr(inner, other), form)
        below = Below((of, bound))

        def tell(step: Step, givers: Givers) -> Told:
            first, second = step.parts
            one, (zh, en) = of.named(first.value), bound.say(second.value)
            two = f"{form.lead}{zh}", en
            value: Any = step.value
            if value is None:
                words = _unknown_bound(upper, one, two)
            elif value == first.value:
                words = _kept(upper, one, two)
            else:
                words = _bound(upper, one, two)
            return told(code, words, value, form, below(step, givers))

        return tell

    return teller


def _unknown_bound(upper: bool, of: Said, bound: Said) -> Said:
    if upper:
        return f"{of[0]}，最高{bound[0]}", f"{of[1]}, at most {bound[1]}"
    return f"{of[0]}，最低{bound[0]}", f"{of[1]}, at least {bound[1]}"


def _kept(upper: bool, of: Said, bound: Said) -> Said:
    if upper:
        return (
            f"{of[0]}，未超过上限{bound[0]}",
            f"{of[1]}, within the maximum of {bound[1]}",
        )
    return (
        f"{of[0]}，不低于最低{bound[0]}",
        f"{of[1]}, not below the minimum of {bound[1]}",
    )


def _bound(upper: bool, of: Said, bound: Said) -> Said:
    if upper:
        return (
            f"{of[0]}，超过上限，按{bound[0]}计",
            f"{of[1]}, above the maximum: {bound[1]}",
        )
    return f"{of[0]}，低于最低标准，按{bound[0]}计", f"{of[1]}, below the minimum: {bound[1]}"


def _pro_rata(node: ProRata, speaker: Speaker, form: Form) -> Teller:
    asked = node.pro_rata
    of = speaker.part(asked.of, form)
    measure = speaker.lexicon.form(asked.part) or speaker.lexicon.form(asked.whole)
    share, whole = speaker.part(asked.part, measure), speaker.part(asked.whole, measure)
    below = Below((of, share, whole))

    def tell(step: Step, givers: Givers) -> Told:
        first, second, third = step.parts
        one, two, three = of.say(first.value), share.say(second.value), whole.say(third.value)
        result = form.say(step.value)
        words = (
            f"{one[0]} × {two[0]} ÷ {three[0]} = {result[0]}",
            f"{one[1]} × {two[1]} ÷ {three[1]} = {result[1]}",
        )
        if step.value is not None and not third.value:
            words = (
                f"{one[0]}，折算基数为0，计{form.lead}{result[0]}",
                f"{one[1]}, a part of nothing: {result[1]}",
            )
        elif step.value is not None and second.value >= third.value:  # type: ignore[operator]
            words = f"{one[0]}，全额计", f"{one[1]}, in full"
        return told("pro_rata", words, step.value, form, below(step, givers))

    return tell


def _full(node: Full, speaker: Speaker, form: Form) -> Teller:
    of = speaker.part(node.full.of)
    per, below = of.form.short(edge_value(node.full.per)), Below((of,))

    def tell(step: Step, givers: Givers) -> Told:
        one, result = of.named(step.parts[0].value), form.say(step.value)
        words = (
            f"{one[0]}，每满{of.form.lead}{per[0]}计1，共{result[0]}",
            f"{one[1]}: {result[1]} full units of {per[1]}",
        )
        return told("full", words, step.value, form, below(step, givers))

    return tell


def _days_between(node: DaysBetween, speaker: Speaker, form: Form) -> Teller:
    first, last = speaker.part(node.days_between.first), speaker.part(node.days_between.last)
    below = Below((first, last))

    def tell(step: Step, givers: Givers) -> Told:
        one, two = (each.say(of.value) for each, of in zip((first, last), step.parts, strict=True))
        result = form.say(step.value)
        words = (
            f"{one[0]}至{two[0]}，共{result[0]}",
            f"from {one[1]} to {two[1]}: {result[1]}",
        )
        return told("days_between", words, step.value, form, below(step, givers))

    return tell


# What a comparison found: where it holds, where it does not, where nobody knows yet.
_RELATIONS: Mapping[str, tuple[Said, Said]] = {
    "equals": (("等于", "equals"), ("不等于", "is not")),
    "reaches": (("不低于", "is at least"), ("低于", "is below")),
    "exceeds": (("超过", "is above"), ("不超过", "is at most")),
    "up_to": (("不超过", "is at most"), ("超过", "is above")),
    "below": (("低于", "is below"), ("不低于", "is at least")),
}
_DAY_RELATIONS: Mapping[str, tuple[Said, Said]] = {
    "equals": (("等于", "is"), ("不同于", "is not")),
    "reaches": (("不早于", "is not before"), ("早于", "is before")),
    "exceeds": (("晚于", "is after"), ("不晚于", "is not after")),
    "up_to": (("不晚于", "is not after"), ("晚于", "is after")),
    "below": (("早于", "is before"), ("不早于", "is not before")),
}


def _compared(code: str) -> Operator:
    def teller(node: Any, speaker: Speaker, form: Form) -> Teller:
        first, second = getattr(node, code)
        measure = speaker.lexicon.form(first) or speaker.lexicon.form(second)
        left, right = speaker.part(first, measure), speaker.part(second, measure)
        spoken, lead = relation_words(code, left.form), right.form.lead if right.literal else ""
        below = Below((left, right))

        def tell(step: Step, givers: Givers) -> Told:
            one, two = step.parts
            a, b = left.named(one.value), right.named(two.value)
            if step.value is None:
                (zh, en), _ = spoken
                words = (
                    f"{a[0]}，是否{zh}{lead}{b[0]}，待确认",
                    f"{a[1]}: whether it {en} {b[1]} is not known yet",
                )
            else:
                zh, en = spoken[0] if step.value else spoken[1]
                words = f"{a[0]}，{zh}{lead}{b[0]}", f"{a[1]} {en} {b[1]}"
            return told(code, words, step.value, form, below(step, givers))

        return tell

    return teller


def relation_words(code: str, form: Form) -> tuple[Said, Said]:
    """How a comparison is said of values of this form: where it holds, and where not."""
    return (_DAY_RELATIONS if form.unit == "day" else _RELATIONS)[code]


SUMS: Mapping[type, Operator] = {
    Sum: _joined("sum", " + ", same=True),
    Minus: _joined("minus", " − ", same=True),
    Times: _joined("times", " × ", same=False),
    Percent: _percent,
    AtMost: _bounded("at_most", "limit"),
    AtLeast: _bounded("at_least", "floor"),
    ProRata: _pro_rata,
    Full: _full,
    DaysBetween: _days_between,
    conditions.Equals: _compared("equals"),
    conditions.Reaches: _compared("reaches"),
    conditions.Exceeds: _compared("exceeds"),
    conditions.UpTo: _compared("up_to"),
    conditions.Below: _compared("below"),
}
