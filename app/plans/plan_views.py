"""The catalogue as its readers see it, made from the terms of a version."""

from typing import Any

from app.kernel.clock import business_day
from app.plans.benefits import Benefit, Words
from app.plans.description import describe, describe_price
from app.plans.expressions import Node
from app.plans.facts import facts_of
from app.plans.inputs import PRICE_CONTEXT, Input
from app.plans.models import PlanVersion
from app.plans.prices import ContributionOption
from app.plans.pricing import price_of_one
from app.plans.schemas import (
    AgesView,
    BenefitView,
    BenefitWordsView,
    ClockView,
    DescribedOptionView,
    FactFieldView,
    FactView,
    OptionView,
    PlanSummary,
    PlanView,
    PriceShareView,
    WordsView,
)
from app.plans.terms import Eligibility, PlanTerms, Sex
from app.plans.walking import names_in


def _words(words: Words) -> WordsView:
    return WordsView(zh=words.zh, en=words.en)


def _option(terms: PlanTerms, option: ContributionOption) -> OptionView:
    content = option.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return OptionView(
        code=option.code,
        name=None if option.name is None else _words(option.name),
        price_per_share_fen=price_of_one(terms, option.code),
        price=content["price"],
        term=content["term"],
    )


def _described(terms: PlanTerms, option: ContributionOption) -> DescribedOptionView:
    def said(amount: Node) -> WordsView:
        return WordsView(**describe_price(terms, amount))

    return DescribedOptionView(
        **_option(terms, option).model_dump(),
        price_words=said(option.price),
        depends_on=[
            FactFieldView(**_fact(PRICE_CONTEXT[name]))
            for name in dict.fromkeys(names_in(option.price))
            if name in PRICE_CONTEXT and name != "shares"
        ],
        split=[PriceShareView(payer=part.payer, amount=said(part.amount)) for part in option.split],
        deposit=None if option.deposit is None else said(option.deposit),
    )


def _ages(eligibility: Eligibility) -> dict[Sex, AgesView]:
    return {
        sex: AgesView(minimum=ages.minimum, maximum=ages.maximum)
        for sex, ages in eligibility.ages.items()
    }


_SHOWN_APART = {"code", "name", "trigger", "causes", "waiting_days", "documents", "schemes"}


def _benefit(terms: PlanTerms, benefit: Benefit) -> BenefitView:
    return BenefitView(
        code=benefit.code,
        name=_words(benefit.name),
        trigger=_words(benefit.trigger),
        causes=list(benefit.causes),
        waiting_days={cause: terms.waiting_days(benefit.code, cause) for cause in benefit.causes},
        documents=list(benefit.documents),
        document_names={kind: _words(terms.document_name(kind)) for kind in benefit.documents},
        facts=[fact_view(fact) for fact in facts_of(terms, benefit)],
        schemes=[_words(words) for words in benefit.schemes],
        words=BenefitWordsView.model_validate(describe(terms, benefit)),
        terms=benefit.model_dump(
            mode="json", by_alias=True, exclude_unset=True, exclude=_SHOWN_APART
        ),
    )


def fact_view(fact: Input) -> FactView:
    """A fact as a form needs it."""
    return FactView(
        **_fact(fact), fields=[FactFieldView(**_fact(field)) for field in fact.fields.values()]
    )


def _fact(fact: Input) -> dict[str, Any]:
    counted = fact.kind in ("money", "number")
    return {
        "name": fact.name,
        "words": WordsView(zh=fact.text.zh, en=fact.text.en),
        "kind": fact.kind,
        "least": fact.least if counted else None,
        "most": fact.most if counted else None,
        "choices": {word: WordsView(zh=text.zh, en=text.en) for word, text in fact.words.items()},
    }


def plan_summary(version: PlanVersion) -> PlanSummary:
    """What the list shows."""
    terms = version.terms
    return PlanSummary(
        code=terms.code,
        name=_words(terms.name),
        summary=_words(terms.summary),
        kind=terms.kind,
        version=version.number,
        max_shares=terms.max_shares,
        options=[_option(terms, option) for option in terms.contribution.options],
    )


def plan_view(version: PlanVersion) -> PlanView:
    """Everything a member is promised, generated from the document itself; kept with it."""
    terms = version.terms
    known: PlanView | None = terms.programs.get(_VIEW)
    if known is None:
        known = terms.programs[_VIEW] = _plan(version, terms)
    until = version.effective_to
    # The one thing of a published version that may still change.
    return known.model_copy(update={"effective_to": None if until is None else business_day(until)})


_VIEW = "catalogue:view"


def _plan(version: PlanVersion, terms: PlanTerms) -> PlanView:
    return PlanView(
        **plan_summary(version).model_dump(exclude={"options"}),
        options=[_described(terms, option) for option in terms.contribution.options],
        effective_from=business_day(version.effective_from),
        effective_to=None,
        version_id=version.id,
        issuer=_words(terms.source.issuer),
        published_plan=terms.source.published_plan,
        demonstration=[_words(words) for words in terms.source.demonstration],
        ages=_ages(terms.eligibility),
        occupations=list(terms.eligibility.occupations),
        refundable={
            "before_start": terms.cancellation.before_start is not None,
            "after_start": terms.cancellation.after_start is not None,
        },
        benefits=[_benefit(terms, benefit) for benefit in terms.benefits],
        claim_deadline_days=terms.claims.deadline_days,
        review=ClockView.model_validate(terms.claims.review),
        payout=ClockView.model_validate(terms.claims.payout),
    )
