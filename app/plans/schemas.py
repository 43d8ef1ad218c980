"""The public catalogue: what a plan costs and pays, in words and as data."""

from datetime import date
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.kernel.clock import business_day
from app.kernel.schema import View
from app.plans.benefits import Benefit, Cause, DocumentKind, Words
from app.plans.description import describe, describe_price
from app.plans.expressions import Node
from app.plans.facts import facts_of
from app.plans.inputs import PRICE_CONTEXT, Input
from app.plans.models import PlanVersion
from app.plans.prices import ContributionOption
from app.plans.pricing import price_of_one
from app.plans.terms import Eligibility, Occupation, PlanTerms, Sex
from app.plans.walking import names_in


class WordsView(View):
    """A text in both languages."""

    zh: str = Field(examples=["骑手意外伤害互助保障"])
    en: str = Field(examples=["Rider accident mutual aid"])


class AgesView(View):
    """Whole years on the first covered day, both inclusive."""

    minimum: int = Field(examples=[16])
    maximum: int = Field(examples=[60])


class OptionView(View):
    """A price for a term."""

    code: str = Field(examples=["A"])
    name: WordsView | None
    price_per_share_fen: int | None = Field(
        description="The price of one share; null where it depends on the person.",
        examples=[2500],
    )
    price: Any = Field(
        description="The price of all shares as data.",
        examples=[{"times": [{"yuan": 25}, "shares"]}],
    )
    term: dict[str, Any] = Field(
        description="Months, days, a choice of days, or fixed days.", examples=[{"months": 12}]
    )


class SaidView(WordsView):
    """A part of a benefit in words; a condition has its reason `code`, a step its `name`."""

    code: str | None = None
    name: str | None = None
    cause: Cause | None = None
    days: int | None = None


class BenefitWordsView(View):
    """What a benefit pays and when, in words made from the document that pays it."""

    pays: WordsView
    steps: list[SaidView]
    conditions: list[SaidView]
    waiting: list[SaidView]
    limits: list[SaidView]


class FactFieldView(View):
    """A fact, or a field of a list's items; whole numbers from `least` to `most`."""

    name: str = Field(examples=["self_pay_fen"])
    words: WordsView
    kind: str = Field(description="money (fen), number, truth, word, day", examples=["money"])
    least: int | None = Field(examples=[0])
    most: int | None = Field(examples=[1_000_000_000_000])
    choices: dict[str, WordsView] = Field(description="The only words that a word may be.")


class PriceShareView(View):
    """What one payer gives of a price."""

    payer: Literal["member", "unit", "union", "platform"]
    amount: WordsView


class DescribedOptionView(OptionView):
    """A price with what it follows from, in words."""

    price_words: WordsView
    depends_on: list[FactFieldView] = Field(
        description="What the price depends on besides the shares: age, sex, work …"
    )
    split: list[PriceShareView] = Field(description="Who pays what of it; empty: the member all.")
    deposit: WordsView | None = Field(description="The part that goes back at the end.")


class FactView(FactFieldView):
    """A fact that a claim for the benefit states; a list has `fields`."""

    fields: list[FactFieldView]


class BenefitView(View):
    """One promise of the plan; `terms` is the benefit as data."""

    code: str = Field(examples=["MED"])
    name: WordsView
    trigger: WordsView
    causes: list[Cause]
    waiting_days: dict[Cause, int]
    documents: list[DocumentKind]
    document_names: dict[DocumentKind, WordsView]
    facts: list[FactView]
    schemes: list[WordsView] = Field(description="Public schemes that pay first.")
    words: BenefitWordsView
    terms: dict[str, Any] = Field(
        description="The benefit as data: conditions, steps, what it pays, limits.",
        examples=[{"pays": {"times": [{"yuan": 40000}, "shares"]}}],
    )


class ClockView(View):
    """A promised length of time."""

    length: int = Field(examples=[5])
    unit: str = Field(examples=["calendar_days"])


class PlanSummary(View):
    """A plan that can be joined now."""

    code: str = Field(examples=["RIDER-ACC"])
    name: WordsView
    summary: WordsView
    kind: Literal["purchased", "gifted"]
    version: int = Field(examples=[1])
    max_shares: int = Field(examples=[3])
    options: list[OptionView]


class PlanView(PlanSummary):
    """A plan with everything that a member is promised."""

    options: list[DescribedOptionView]  # type: ignore[assignment]  # more of each
    effective_from: date = Field(examples=["2026-01-01"])
    effective_to: date | None
    version_id: UUID
    issuer: WordsView
    published_plan: str = Field(examples=["HA-TRUCK-2024"])
    demonstration: list[WordsView] = Field(
        description="Terms that nobody published: parameters of this demonstration."
    )
    ages: dict[Sex, AgesView]
    occupations: list[Occupation]
    refundable: dict[str, bool] = Field(
        description="Whether cancelling gives money back, before and after the start.",
        examples=[{"before_start": True, "after_start": False}],
    )
    benefits: list[BenefitView]
    claim_deadline_days: int = Field(examples=[730])
    review: ClockView
    payout: ClockView


class PlanList(View):
    """All plans that can be joined now."""

    items: list[PlanSummary]


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
