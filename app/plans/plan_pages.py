"""A plan's page: what it promises, and by which rules it is joined, renewed and cancelled."""

from collections.abc import Mapping
from datetime import date
from typing import Literal

from pydantic import Field

from app.kernel.schema import View
from app.plans.description import describe_price
from app.plans.expressions import Node
from app.plans.inputs import PRICE_CONTEXT, REFUND_CONTEXT, UPGRADE_CONTEXT, Input
from app.plans.models import PlanVersion
from app.plans.plan_views import plan_view
from app.plans.schemas import PlanView, WordsView
from app.plans.terms import Channel, PlanTerms


class StatedView(View):
    """What the applicant states and answers for; orders send the `code`."""

    code: str = Field(examples=["healthy"])
    words: WordsView


class GroupView(View):
    """What a unit fulfils that joins as a whole."""

    minimum_participation: str | None = Field(examples=["0.75"])
    everybody_up_to: int | None = Field(
        description="Units up to this size join with everybody.", examples=[10]
    )
    equal_shares: bool


class JoiningView(View):
    """When, how and by whom it may be joined; no window: at any time."""

    opens_on: date | None
    closes_on: date | None
    channels: list[Channel] = Field(description="Empty: any.")
    unit_required: bool
    card_required: bool
    group: GroupView | None
    late_price: WordsView | None = Field(description="Of who joins after a fixed term began.")


class RenewalView(View):
    """How cover goes on; a renewal inside the grace days follows the old end and does not wait."""

    modes: list[Literal["manual", "automatic"]]
    opens_days_before: int = Field(examples=[30])
    grace_days: int = Field(examples=[30])
    covered_in_grace: bool


class RaiseView(View):
    """An option that may become a higher one during the term."""

    held: str = Field(examples=["A"])
    wanted: str = Field(examples=["B"])
    price: WordsView


class UpgradeView(View):
    """What may be added to running cover, and its price."""

    shares: WordsView | None = Field(description="The price of shares; null: none are added.")
    options: list[RaiseView]


class GoesBackView(View):
    """What goes back on cancelling; null: it cannot be cancelled then."""

    before_start: WordsView | None
    after_start: WordsView | None


class RelationsView(View):
    """Codes of other plans: not to be held as well, to be held as well, paying first."""

    excludes: list[str]
    requires: list[str]
    pays_after: list[str]


class PlanPage(PlanView):
    """A plan with everything that a member is promised, and every rule about it."""

    statements: list[StatedView]
    joining: JoiningView
    renewal: RenewalView
    renewal_maximum_age: int | None = Field(description="Of who renews without a gap.")
    upgrade: UpgradeView | None
    cancellation: GoesBackView
    relations: RelationsView


_RULES = "catalogue:rules"


def plan_page(version: PlanVersion) -> PlanPage:
    """The page of a version, generated from its document; the rules are kept with it."""
    terms = version.terms
    rules = terms.programs.get(_RULES)
    if rules is None:
        rules = terms.programs[_RULES] = _rules(terms)
    return PlanPage(**dict(plan_view(version)), **rules)


def _rules(terms: PlanTerms) -> dict[str, object]:
    eligibility, relations = terms.eligibility, terms.relations
    return {
        "statements": [
            StatedView(code=each.code, words=WordsView(zh=each.words.zh, en=each.words.en))
            for each in eligibility.statements
        ],
        "joining": _joining(terms),
        "renewal": RenewalView.model_validate(terms.renewal.model_dump()),
        "renewal_maximum_age": eligibility.renewal_maximum_age,
        "upgrade": _upgrade(terms),
        "cancellation": GoesBackView(
            before_start=_said(terms, terms.cancellation.before_start, REFUND_CONTEXT),
            after_start=_said(terms, terms.cancellation.after_start, REFUND_CONTEXT),
        ),
        "relations": RelationsView(
            excludes=list(relations.excludes),
            requires=list(relations.requires),
            pays_after=list(relations.pays_after),
        ),
    }


def _joining(terms: PlanTerms) -> JoiningView:
    joining, group = terms.joining, terms.joining.group
    return JoiningView(
        opens_on=joining.opens_on,
        closes_on=joining.closes_on,
        channels=list(joining.channels),
        unit_required=terms.eligibility.unit_required,
        card_required=terms.eligibility.card_required,
        group=None
        if group is None
        else GroupView(
            minimum_participation=group.minimum_participation,
            everybody_up_to=group.everybody_up_to,
            equal_shares=group.equal_shares,
        ),
        late_price=_said(terms, terms.contribution.late_price, PRICE_CONTEXT),
    )


def _upgrade(terms: PlanTerms) -> UpgradeView | None:
    if terms.upgrade is None:
        return None
    return UpgradeView(
        shares=_said(terms, terms.upgrade.price, UPGRADE_CONTEXT),
        options=[
            RaiseView(
                held=each.from_,
                wanted=each.to,
                price=WordsView(**describe_price(terms, each.price, PRICE_CONTEXT)),
            )
            for each in terms.upgrade.options
        ],
    )


def _said(terms: PlanTerms, amount: Node | None, context: Mapping[str, Input]) -> WordsView | None:
    return None if amount is None else WordsView(**describe_price(terms, amount, context))
