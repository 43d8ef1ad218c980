"""How an amount was reached, in words: the tree that is kept with a decision and shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from app.kernel.money import yuan
from app.plans.assessment import Assessment, LimitStep, program_of
from app.plans.benefits import Benefit, Condition, Limit
from app.plans.choice_words import CHOICES
from app.plans.inputs import PRICE_CONTEXT, Input
from app.plans.lexicon import Lexicon
from app.plans.literals import Within
from app.plans.operator_words import SUMS
from app.plans.pricing import Priced
from app.plans.steps import Step
from app.plans.telling import Givers, Operator, Part, Speaker, Told, leaf, told
from app.plans.terms import PlanTerms
from app.plans.truth_words import TRUTHS
from app.plans.wording import MONEY, TRUTH, Said, exact

OPERATORS: Mapping[type, Operator] = {**SUMS, **CHOICES, **TRUTHS}
NOBODY: Givers = {}
_PRICE: Said = ("应缴互助费", "Contribution due")


@dataclass(frozen=True, slots=True)
class Script:
    """A benefit made ready to be explained."""

    conditions: tuple[Part, ...]
    steps: tuple[tuple[Said, Part], ...]
    pays: Part
    limits: tuple[tuple[Said, Part], ...]


def explain(terms: PlanTerms, assessment: Assessment, sources: Givers = NOBODY) -> dict[str, Any]:
    """The assessment as a tree of steps in both languages, ready for JSON.

    The root is the result; below it come the conditions, the named steps, what the
    benefit pays, the limits and the rounding. A node is `{code, zh, en, value, unit,
    steps}`; money is fen, a value is a whole number or exact text, never a float, and null
    while facts are missing. A node without steps has `source` (`inputs.Source` or "plan"),
    an input also `input`, its name, and `given_by` where `sources` says who gave it. A
    condition has `reason`; a limit has `maximum`, `used`, `left` (fen) and `bit`.
    Where a condition failed nothing is paid, and what would have been is not told.
    """
    script = _script(terms, assessment.benefit)
    nodes = [
        _condition(condition, part, step, sources)
        for (condition, step), part in zip(assessment.conditions, script.conditions, strict=True)
    ]
    if assessment.failed:
        asked = len(assessment.benefit.conditions)
        own = {condition.code for condition, _ in assessment.conditions} if asked else ()
        nodes += [_ended(each) for each in assessment.failed if each.code not in own]
    else:
        nodes += _amount(script, assessment, sources)
    return _root(assessment, nodes)


def _root(assessment: Assessment, nodes: list[Told]) -> Told:
    text = yuan(assessment.amount_fen)
    value: int | None = assessment.amount_fen
    if assessment.failed:
        words = f"不符合给付条件，应付互助金 {text} 元", f"Not payable: {text} yuan"
    elif assessment.missing:
        value = None
        words = "信息不全，暂不能核定应付互助金", "Facts are missing: the amount is not known yet"
    else:
        words = f"应付互助金 {text} 元", f"Payable: {text} yuan"
    root = told("result", words, value, MONEY, nodes)
    if assessment.missing:
        root["missing"] = list(assessment.missing)
    return root


def _amount(script: Script, assessment: Assessment, givers: Givers) -> list[Told]:
    nodes = [
        _labelled("step", words, part.tell(step, givers))
        for (_, step), (words, part) in zip(assessment.steps, script.steps, strict=True)
    ]
    nodes.append(_labelled("pays", _PAYS, script.pays.tell(assessment.pays, givers)))
    amount: Any = assessment.pays.value
    known = amount is not None
    for reached, (words, part) in zip(assessment.limits, script.limits, strict=True):
        nodes.append(_limit(reached, words, part, givers, known))
        known = known and reached.max.value is not None
        amount = reached.after
    if amount is not None and not assessment.missing and amount.denominator != 1:
        nodes.append(_rounding(amount, assessment.amount_fen))
    return nodes


_PAYS = ("应计金额", "Amount")


def _labelled(code: str, label: Said, node: Told) -> Told:
    """A node under the plan's own name for it."""
    node["code"] = code
    node["zh"] = f"{label[0]}：{node['zh']}"
    node["en"] = f"{label[1]}: {node['en']}"
    return node


_VERDICTS: Mapping[bool | None, Said] = {
    True: ("符合", "Fulfilled"),
    False: ("不符合", "Not fulfilled"),
    None: ("待确认", "Not known yet"),
}


def _condition(condition: Condition, part: Part, step: Step, givers: Givers) -> Told:
    """A condition in the plan's words, above the values that it looked at."""
    value: Any = step.value
    test = part.tell(step, givers)
    known = None if value is None else bool(value)
    verdict = _VERDICTS[known]
    words = f"{verdict[0]}：{condition.words.zh}", f"{verdict[1]}: {condition.words.en}"
    steps = test["steps"]
    node = told("condition", words, known, TRUTH, [test] if test["code"] != "all" else steps)
    node["reason"] = condition.code
    return node


def _ended(condition: Condition) -> Told:
    """A reason that lies in what was paid before."""
    words = f"不予给付：{condition.words.zh}", f"Not payable: {condition.words.en}"
    node = leaf("condition", words, False, TRUTH, "history")
    node["reason"] = condition.code
    return node


def _limit(reached: LimitStep, label: Said, part: Part, givers: Givers, known: bool) -> Told:
    """A limit: its maximum, what was used of it, what is left, and whether it bit.

    `known` says whether there is an amount to hold against it.
    """
    maximum: Any = reached.max.value
    used = reached.used_fen
    steps = [] if part.literal else [part.tell(reached.max, givers)]
    left: Any = None if maximum is None else maximum - used if maximum > used else 0
    known, bit = known and left is not None, left is not None and reached.before > left
    top = MONEY.say(maximum)
    zh, en = f"{label[0]} {top[0]}", f"{label[1]}: {top[1]}"
    if used:
        paid, rest = MONEY.say(used), MONEY.say(left)
        zh = f"{zh}，此前已给付 {paid[0]}，剩余 {rest[0]}"
        en = f"{en}; paid before: {paid[1]}; left: {rest[1]}"
        words = f"此前已给付 {paid[0]}", f"Paid before: {paid[1]}"
        steps.append(leaf("used", words, used, MONEY, "history"))
    if known and bit:
        after = MONEY.say(reached.after)
        zh, en = f"{zh}，按 {after[0]}给付", f"{en}; limited to {after[1]}"
    elif known:
        zh, en = f"{zh}，未超过", f"{en}; not exceeded"
    node = told("limit", (zh, en), reached.after if known else None, MONEY, steps)
    node["maximum"], node["used"], node["left"] = exact(maximum), used, exact(left)
    node["bit"] = bit
    return node


def _rounding(amount: Fraction, fen: int) -> Told:
    before, after = MONEY.say(amount), MONEY.say(fen)
    words = (
        f"四舍五入到分：{before[0]}，计 {after[0]}",
        f"Rounded half-up to the fen: {before[1]} becomes {after[1]}",
    )
    return leaf("rounding", words, fen, MONEY, "plan")


def explain_price(
    terms: PlanTerms,
    name: str,
    found: Priced,
    context: Mapping[str, Input] = PRICE_CONTEXT,
    label: Said = _PRICE,
) -> dict[str, Any]:
    """A price, an upgrade or a refund as such a tree; `name` is what `priced` was given.

    `context` is the vocabulary of the expression (`inputs`), `label` what the amount is.
    The root's code is "price".
    """
    key = f"told:{name}"
    part: Part | None = terms.programs.get(key)
    if part is None:
        speaker = Speaker(Lexicon.of(terms, inputs=context), OPERATORS)
        part = terms.programs[key] = speaker.part(found.step.node, MONEY)
    node = part.tell(found.step, NOBODY)
    steps = [node]
    value: Any = found.step.value
    if value is not None and value.denominator != 1:
        steps.append(_rounding(value, found.amount_fen))
    result = MONEY.say(None if found.missing else found.amount_fen)
    words = f"{label[0]} {result[0]}", f"{label[1]}: {result[1]}"
    return told("price", words, None if found.missing else found.amount_fen, MONEY, steps)


def _script(terms: PlanTerms, benefit: Benefit) -> Script:
    """The benefit made ready; once per document and process, beside its program."""
    key = f"explained:{benefit.code}"
    known: Script | None = terms.programs.get(key)
    if known is None:
        known = terms.programs[key] = _ready(terms, benefit)
    return known


def _ready(terms: PlanTerms, benefit: Benefit) -> Script:
    speaker = Speaker(Lexicon.of(terms, benefit), OPERATORS)
    return Script(
        conditions=tuple(speaker.part(each.require) for each in benefit.conditions),
        steps=tuple(
            ((each.words.zh, each.words.en), speaker.part(each.value)) for each in benefit.steps
        ),
        pays=speaker.part(benefit.pays, MONEY),
        limits=tuple(
            (limit_words(limit, speaker.lexicon), speaker.part(limit.max, MONEY))
            for limit, _ in program_of(terms, benefit.code).limits
        ),
    )


_PER: Mapping[Within, Said] = {
    "claim": ("每次申领最高", "Maximum for a claim"),
    "incident": ("每次事故最高", "Maximum for an incident"),
    "year": ("每个保障年度累计最高", "Maximum for a year of cover"),
    "term": ("本保障期累计最高", "Maximum for the term"),
    "lifetime": ("历年累计最高", "Maximum over all years"),
}


def limit_words(limit: Limit, lexicon: Lexicon) -> Said:
    """What a limit limits: the period, whose policies, which benefits and plans together."""
    zh, en = _PER[limit.per]
    own = () if lexicon.benefit is None else (lexicon.benefit.code,)
    if not limit.benefits:
        zh, en = f"各项互助金合计，{zh}", f"{en} for all benefits together"
    elif limit.benefits != own:
        named = [lexicon.benefit_name(code) for code in limit.benefits]
        zh = f"{'、'.join(each[0] for each in named)}合计，{zh}"
        en = f"{en} for “{', '.join(each[1] for each in named)}” together"
    if limit.plans:
        zh = f"连同 {'、'.join(limit.plans)}，{zh}"
        en = f"{en}, plans {', '.join(limit.plans)} included"
    elif limit.across == "member":
        zh, en = f"本人全部保障合并计算，{zh}", f"{en}, over all policies of the member"
    return zh, en
