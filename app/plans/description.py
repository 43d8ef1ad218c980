"""A benefit in plain words for the catalogue, from the same document that pays it."""

from collections.abc import Mapping
from typing import Any

from app.plans.benefits import Benefit
from app.plans.explanation import limit_words
from app.plans.expressions import Node
from app.plans.inputs import CAUSES, PRICE_CONTEXT, Input
from app.plans.lexicon import Lexicon
from app.plans.phrases import phrase
from app.plans.phrasing import Phrase, upper
from app.plans.terms import PlanTerms
from app.plans.wording import MONEY, Said


def describe(terms: PlanTerms, benefit: Benefit) -> dict[str, Any]:
    """What a benefit pays and when, in both languages.

    `pays` is `{zh, en}`; `steps`, `conditions`, `waiting` and `limits` are lists of such,
    with the step's `name`, the condition's reason `code`, the `cause` and `days` to wait.
    """
    lexicon = Lexicon.of(terms, benefit)
    return {
        "pays": _words(phrase(benefit.pays, lexicon, MONEY)),
        "steps": [
            {
                "name": step.name,
                **_under(step.words.zh, step.words.en, phrase(step.value, lexicon)),
            }
            for step in benefit.steps
        ],
        "conditions": _conditions(terms, benefit, lexicon),
        "waiting": _waiting(terms, benefit),
        "limits": _limits(terms, benefit, lexicon),
    }


def describe_price(
    terms: PlanTerms, price: Node, context: Mapping[str, Input] = PRICE_CONTEXT
) -> dict[str, str]:
    """A price, an upgrade or a refund in words; `context` is its vocabulary (`inputs`)."""
    return _words(phrase(price, Lexicon.of(terms, inputs=context), MONEY))


def _words(said: Phrase) -> dict[str, str]:
    return {"zh": said.zh, "en": upper(said.en)}


def _under(zh: str, en: str, said: Phrase) -> dict[str, str]:
    return {"zh": f"{zh}：{said.zh}", "en": f"{en}: {said.en}"}


_ONCE: Mapping[str, Said] = {
    "term": ("本保障期内只给付一次", "Paid once in a term"),
    "lifetime": ("各保障期合计只给付一次", "Paid once over all years"),
}


def _conditions(terms: PlanTerms, benefit: Benefit, lexicon: Lexicon) -> list[dict[str, str]]:
    """The document's conditions, and what follows from other payments."""
    found = [
        {"code": each.code, "zh": each.words.zh, "en": each.words.en} for each in benefit.conditions
    ]
    if benefit.once is not None:
        zh, en = _ONCE[benefit.once.within]
        found.append({"code": "paid-once", "zh": zh, "en": en})
    for other in terms.benefits:
        zh, en = lexicon.benefit_name(other.code)
        if other is not benefit and other.once and benefit.code in other.once.benefits:
            found.append(
                {
                    "code": "paid-once",
                    "zh": f"给付{zh}后，本项责任终止",
                    "en": f"Ends once this was paid: {en}",
                }
            )
        if other.code in benefit.excludes or benefit.code in other.excludes:
            found.append(
                {
                    "code": "excluded",
                    "zh": f"同一事故不与{zh}同时给付",
                    "en": f"Not paid for the same incident beside: {en}",
                }
            )
    return found


def _waiting(terms: PlanTerms, benefit: Benefit) -> list[dict[str, Any]]:
    """The days to wait for each cause; a cause without any is not named."""
    found = []
    for cause in benefit.causes:
        days = terms.waiting_days(benefit.code, cause)
        if days:
            name = CAUSES[cause]
            found.append(
                {
                    "cause": cause,
                    "days": days,
                    "zh": f"{name.zh}：自生效首日起{days}天内不给付",
                    "en": f"{name.en}: nothing is paid in the first {days} days of cover",
                }
            )
    return found


def _limits(terms: PlanTerms, benefit: Benefit, lexicon: Lexicon) -> list[dict[str, str]]:
    """The benefit's own limits, then those of the plan that count it."""
    own = [
        limit if limit.benefits else limit.model_copy(update={"benefits": (benefit.code,)})
        for limit in benefit.limits
    ]
    found = []
    for limit in (*own, *terms.limits_of(benefit.code)):
        zh, en = limit_words(limit, lexicon)
        top = phrase(limit.max, lexicon, MONEY)
        found.append({"zh": f"{zh}{top.lead}{top.zh}", "en": f"{en}: {top.en}"})
    return found
