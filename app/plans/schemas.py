"""The public catalogue: what a plan costs and pays, in words and as data."""

from datetime import date
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.kernel.schema import View
from app.plans.benefits import Cause, DocumentKind
from app.plans.terms import Occupation, Sex


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
