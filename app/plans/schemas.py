"""The public catalogue: what a plan costs and pays, in words and as data."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.kernel.schema import View
from app.plans.benefits import Benefit, Cause, DocumentKind, Words
from app.plans.facts import facts_needed
from app.plans.models import PlanVersion
from app.plans.terms import Clock, ContributionOption, Eligibility, Occupation, Sex, Waiting


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
    price_per_share_fen: int = Field(examples=[2500])
    term_months: int | None = Field(examples=[12])
    term_days: int | None = Field(examples=[None])


class FactView(View):
    """A fact that a claim for the benefit must state before it can be calculated."""

    name: str = Field(examples=["self_pay_fen"])
    words: WordsView
    many: bool = Field(examples=[False])


class BenefitView(View):
    """One promise of the plan; `terms` is the benefit as data."""

    code: str = Field(examples=["MED"])
    shape: str = Field(examples=["percent_after_deductible"])
    name: WordsView
    trigger: WordsView
    causes: list[Cause]
    per_share: bool
    waiting_days: dict[Cause, int]
    documents: list[DocumentKind]
    facts: list[FactView]
    terms: dict[str, Any] = Field(
        examples=[{"deductible_fen": 10000, "rate": "1.0", "max_fen": 1000000}]
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

    version_id: UUID
    issuer: WordsView
    published_plan: str = Field(examples=["HA-TRUCK-2024"])
    demonstration: list[WordsView] = Field(
        description="Terms that nobody published: parameters of this demonstration."
    )
    ages: dict[Sex, AgesView]
    occupations: list[Occupation]
    refund: str = Field(examples=["full_before_start"])
    benefits: list[BenefitView]
    claim_deadline_days: int = Field(examples=[730])
    review: ClockView
    payout: ClockView


class PlanList(View):
    """All plans that can be joined now."""

    items: list[PlanSummary]


def _words(words: Words) -> WordsView:
    return WordsView(zh=words.zh, en=words.en)


def _option(option: ContributionOption) -> OptionView:
    return OptionView.model_validate(option)


def _clock(clock: Clock) -> ClockView:
    return ClockView(length=clock.length, unit=clock.unit)


def _ages(eligibility: Eligibility) -> dict[Sex, AgesView]:
    return {
        sex: AgesView(minimum=ages.minimum, maximum=ages.maximum)
        for sex, ages in eligibility.ages.items()
    }


_SHOWN_APART = {"code", "shape", "name", "trigger", "causes", "per_share", "waiting_days"}


def _benefit(benefit: Benefit, waiting: Waiting) -> BenefitView:
    illness = waiting.illness_days if benefit.waiting_days is None else benefit.waiting_days
    days: dict[Cause, int] = {"accident": waiting.accident_days, "illness": illness}
    return BenefitView(
        code=benefit.code,
        shape=benefit.shape,
        name=_words(benefit.name),
        trigger=_words(benefit.trigger),
        causes=list(benefit.causes),
        per_share=benefit.per_share or benefit.shape == "lump_per_share",
        waiting_days={cause: days[cause] for cause in benefit.causes},
        documents=list(benefit.documents),
        facts=[
            FactView(
                name=rule.name, words=WordsView(zh=rule.text.zh, en=rule.text.en), many=rule.many
            )
            for rule in facts_needed(benefit)
        ],
        terms=benefit.model_dump(mode="json", exclude=_SHOWN_APART | {"documents"}),
    )


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
        options=[_option(option) for option in terms.contribution.options],
    )


def plan_view(version: PlanVersion) -> PlanView:
    """Everything a member is promised, generated from the document itself."""
    terms = version.terms
    return PlanView(
        **plan_summary(version).model_dump(),
        version_id=version.id,
        issuer=_words(terms.source.issuer),
        published_plan=terms.source.published_plan,
        demonstration=[_words(words) for words in terms.source.demonstration],
        ages=_ages(terms.eligibility),
        occupations=list(terms.eligibility.occupations),
        refund=terms.contribution.refund,
        benefits=[_benefit(benefit, terms.waiting) for benefit in terms.benefits],
        claim_deadline_days=terms.claims.deadline_days,
        review=_clock(terms.claims.review),
        payout=_clock(terms.claims.payout),
    )
