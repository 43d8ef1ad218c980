"""Truth and history in words: what holds, what is listed, what was paid and counted before."""

from collections.abc import Mapping
from typing import Any

from app.plans.operators.conditions import All, Any_, Holds, Listed, Not, OneOf
from app.plans.operators.tallies import Before, Count, Occurrence, PaidBefore, Total
from app.plans.steps import Step
from app.plans.telling import (
    Below,
    Givers,
    Operator,
    Speaker,
    Teller,
    Told,
    leaf,
    occurrence_named,
    told,
)
from app.plans.wording import MONEY, WITHIN, Form, Said

# As many words of a list as a line may name.
NAMED_WORDS = 4


def _many(code: str, words: Mapping[bool | None, Said]) -> Operator:
    def operator(node: Any, speaker: Speaker, form: Form) -> Teller:
        below = Below([speaker.part(each) for each in getattr(node, code)])

        def tell(step: Step, givers: Givers) -> Told:
            value: Any = step.value
            return told(code, words[value], value, form, below(step, givers))

        return tell

    return operator


_ALL: Mapping[bool | None, Said] = {
    True: ("以下各项均符合", "All of these hold"),
    False: ("以下各项未全部符合", "Not all of these hold"),
    None: ("以下各项是否均符合，待确认", "Whether all of these hold is not known yet"),
}
_ANY: Mapping[bool | None, Said] = {
    True: ("符合以下至少一项", "At least one of these holds"),
    False: ("以下各项均不符合", "None of these holds"),
    None: ("是否符合以下至少一项，待确认", "Whether one of these holds is not known yet"),
}


def _not(node: Not, speaker: Speaker, _form: Form) -> Teller:
    """The words of a test say what was found, either way: only the value turns round."""
    of = speaker.part(node.not_)

    def tell(step: Step, givers: Givers) -> Told:
        found = of.tell(step.parts[0], givers)
        found["code"], found["value"] = "not", step.value
        return found

    return tell


def _one_of(node: OneOf, speaker: Speaker, form: Form) -> Teller:
    of = speaker.part(node.one_of.of)
    below, (zh, en) = Below([of]), words_named(node.one_of.words, of.form)

    def tell(step: Step, givers: Givers) -> Told:
        first = of.named(step.parts[0].value)
        words = {
            True: (f"{first[0]}，属于“{zh}”", f"{first[1]}, one of “{en}”"),
            False: (f"{first[0]}，不属于“{zh}”", f"{first[1]}, none of “{en}”"),
            None: (f"{first[0]}，是否属于“{zh}”待确认", f"{first[1]}: whether one of “{en}”"),
        }[_truth(step)]
        return told("one_of", words, step.value, form, below(step, givers))

    return tell


def _truth(step: Step) -> bool | None:
    value: Any = step.value
    return value if value is None else bool(value)


def words_named(words: tuple[str, ...], form: Form) -> Said:
    """The first few words of a list by their names."""
    named = [form.say(word) for word in words[:NAMED_WORDS]]
    zh, en = "、".join(each[0] for each in named), ", ".join(each[1] for each in named)
    if len(words) > NAMED_WORDS:
        return f"{zh}等{len(words)}项", f"{en} and {len(words) - NAMED_WORDS} more"
    return zh, en


def _listed(node: Listed, speaker: Speaker, form: Form) -> Teller:
    of = speaker.part(node.listed.of)
    below, (zh, en) = Below([of]), speaker.lexicon.table(node.listed.table)

    def tell(step: Step, givers: Givers) -> Told:
        first = of.named(step.parts[0].value)
        words = {
            True: (f"{first[0]}，在“{zh}”之列", f"{first[1]}, listed in “{en}”"),
            False: (f"{first[0]}，不在“{zh}”之列", f"{first[1]}, not listed in “{en}”"),
            None: (f"{first[0]}，是否在“{zh}”之列待确认", f"{first[1]}: whether listed in “{en}”"),
        }[_truth(step)]
        return told("listed", words, step.value, form, below(step, givers))

    return tell


def _holds(node: Holds, _speaker: Speaker, form: Form) -> Teller:
    code = node.holds

    def tell(step: Step, _givers: Givers) -> Told:
        if step.value:
            words = f"当时也参加了 {code}", f"Also covered by {code} at the time"
        else:
            words = f"当时未参加 {code}", f"Not covered by {code} at the time"
        return leaf("holds", words, step.value, form, "policy")

    return tell


def _count(node: Count, speaker: Speaker, form: Form) -> Teller:
    zh, en, _, source = speaker.lexicon.named(node.count)
    measure = speaker.lexicon.measure(node.count)

    def tell(step: Step, givers: Givers) -> Told:
        if step.value is None:
            words = f"{zh}：待提供", f"{en}: not given yet"
        else:
            words = f"{zh}共{step.value}{measure}", f"{en}: {step.value}"
        found = leaf("count", words, step.value, form, source)
        found["input"] = node.count
        giver = givers.get(node.count)
        if giver is not None:
            found["given_by"] = giver
        return found

    return tell


def _occurrence(node: Occurrence, _speaker: Speaker, form: Form) -> Teller:
    named = occurrence_named(node)

    def tell(step: Step, _givers: Givers) -> Told:
        return leaf("occurrence", named(step.value), step.value, form, "history")

    return tell


def _paid_before(node: PaidBefore, speaker: Speaker, _form: Form) -> Teller:
    zh, en = WITHIN[node.paid_before.within]
    named = [speaker.lexicon.benefit_name(code) for code in node.paid_before.benefits]
    zh += "、".join(node.paid_before.plans)
    by = f" by {', '.join(node.paid_before.plans)}" if node.paid_before.plans else ""
    of = f"（{'、'.join(each[0] for each in named)}）" if named else ""
    under = f" ({', '.join(each[1] for each in named)})" if named else ""

    def tell(step: Step, _givers: Givers) -> Told:
        paid = MONEY.say(step.value)
        words = f"{zh}此前已给付{of} {paid[0]}", f"Paid before{by} {en}{under}: {paid[1]}"
        return leaf("paid_before", words, step.value, MONEY, "history")

    return tell


def _before(node: Before, speaker: Speaker, form: Form) -> Teller:
    zh, en, _, source = speaker.lexicon.counter(node.before)

    def tell(step: Step, _givers: Givers) -> Told:
        had = form.say(step.value)
        words = f"{zh}，本次之前 {had[0]}", f"{en}, before this claim: {had[1]}"
        return leaf("before", words, step.value, form, source)

    return tell


def _total(node: Total, speaker: Speaker, form: Form) -> Teller:
    zh, en, _, source = speaker.lexicon.counter(node.total)
    benefit = speaker.lexicon.benefit
    of = speaker.part(benefit.counters[node.total].of if benefit else 0, form)

    def tell(step: Step, givers: Givers) -> Told:
        now = step.parts[0]
        result = form.say(step.value)
        if step.value is None:
            words = f"{zh}，待确认", f"{en}: not known yet"
            return told("total", words, None, form, [of.tell(now, givers)])
        had, adds = form.say(step.note), form.say(now.value)
        words = (
            f"{zh}：此前 {had[0]} + 本次 {adds[0]} = {result[0]}",
            f"{en}: {had[1]} before + {adds[1]} now = {result[1]}",
        )
        before = f"此前：{had[0]}", f"Before: {had[1]}"
        steps = [leaf("before", before, step.note, form, source)]
        if not of.literal:
            steps.append(of.tell(now, givers))
        return told("total", words, step.value, form, steps)

    return tell


TRUTHS: Mapping[type, Operator] = {
    All: _many("all", _ALL),
    Any_: _many("any", _ANY),
    Not: _not,
    OneOf: _one_of,
    Listed: _listed,
    Holds: _holds,
    Count: _count,
    Occurrence: _occurrence,
    PaidBefore: _paid_before,
    Before: _before,
    Total: _total,
}
