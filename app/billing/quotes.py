"""Quotes: price, period and every failing rule of cover that somebody thinks of buying."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.errors import OrderAlreadyOpen
from app.billing.judging import Judged, Wish, judge
from app.billing.offers import Offer
from app.billing.schemas import (
    EligibilityView,
    PartView,
    QuoteView,
    RuleView,
    WaitingView,
)
from app.kernel import audit
from app.kernel.clock import business_day, day_start, system_now
from app.kernel.principal import Principal
from app.kernel.problems import FieldError, NotFound
from app.kernel.vault import Vault
from app.members.serving import may_serve
from app.plans.explanation import explain_price
from app.plans.pricing import price_of_one
from app.plans.schemas import WordsView
from app.plans.terms import PlanTerms
from app.policies.layers import Layer
from app.policies.standing import kept_layers

_LABELS = {
    "new": ("应缴互助费", "Contribution due"),
    "renewal": ("续保应缴互助费", "Contribution of the renewal"),
    "upgrade": ("提档升级应缴互助费", "Contribution of the upgrade"),
}


async def quote(
    session: AsyncSession, vault: Vault, person_id: UUID, wish: Wish, now: datetime
) -> QuoteView:
    """What an order would be told at `now`; raises as `judging.judge`."""
    judged = await judge(session, vault, person_id, wish, now)
    offer, terms = judged.offer, judged.terms
    split, known = offer.split, not offer.price.missing
    parts = {"member": split.member_fen, **split.others}
    reasons = _reasons(judged)
    assert offer.period.lower is not None and offer.period.upper is not None  # noqa: S101, PT018
    return QuoteView(
        plan_code=terms.code,
        plan_version_id=judged.version_id,
        kind=offer.kind,
        policy_id=wish.policy_id,
        option=offer.option_code or terms.option().code,
        shares=judged.choice.shares,
        term_days=offer.term_days,
        eligible=not reasons,
        reasons=reasons,
        shares_available=judged.available,
        price_fen=split.member_fen if known else None,
        total_fen=split.total_fen if known else None,
        split=[PartView(payer=payer, amount_fen=fen) for payer, fen in parts.items()]
        if known
        else [],
        deposit_fen=split.deposit_fen if known else None,
        first_covered_day=business_day(offer.period.lower),
        last_covered_day=business_day(offer.period.upper) - timedelta(days=1),
        starts_at=offer.period.lower,
        ends_at=offer.period.upper,
        pay_before=offer.pay_before,
        follows_without_gap=offer.kind == "renewal",
        waits=list(_waits(terms, judged)),
        explanation=explain_price(
            terms, offer.price_name, offer.price, offer.context, _LABELS[offer.kind]
        ),
    )


async def quote_for_staff(
    session: AsyncSession,
    vault: Vault,
    staff: Principal,
    person_id: UUID,
    wish: Wish,
    now: datetime,
) -> QuoteView:
    """A quote for somebody whom the caller manages or serves; recorded. NotFound (404)."""
    if not await may_serve(session, staff, person_id, system_now()):
        raise NotFound
    view = await quote(session, vault, person_id, wish, now)
    details = {"plan_code": wish.plan_code, "kind": wish.kind}
    await audit.record(
        session, staff, "quote.read", subject="person", subject_ids=[person_id], details=details
    )
    return view


async def eligibility(
    session: AsyncSession, vault: Vault, person_id: UUID, wish: Wish, now: datetime
) -> EligibilityView:
    """Whether an order would be accepted, and every reason why not; raises as `judge`."""
    judged = await judge(session, vault, person_id, wish, now)
    reasons = _reasons(judged)
    offer = judged.offer
    return EligibilityView(
        plan_code=judged.terms.code,
        eligible=not reasons,
        reasons=reasons,
        shares_available=judged.available,
        price_fen=None if offer.price.missing else offer.amount_fen,
        price_per_share_fen=price_of_one(judged.terms),
        first_covered_day=offer.first_day,
    )


def _reasons(judged: Judged) -> list[RuleView]:
    failures = list(judged.failures)
    if judged.open_order_id is not None:
        failures.append(FieldError("", OrderAlreadyOpen.code, OrderAlreadyOpen.detail))
    return [rule_view(failure) for failure in failures]


def rule_view(failure: FieldError) -> RuleView:
    """A failing rule in both languages."""
    fields = failure.fields or {}
    statement = fields.get("statement")
    return RuleView(
        code=failure.code,
        pointer=failure.pointer,
        message=WordsView(
            zh=failure.message.in_language("zh", **fields),
            en=failure.message.in_language("en", **fields),
        ),
        statement=str(statement) if statement else None,
    )


def _waits(terms: PlanTerms, judged: Judged) -> Iterator[WaitingView]:
    """Which of the shares bought wait, for which benefit and cause, until when."""
    layers = _layers(judged)
    for benefit in terms.benefits:
        for cause in benefit.causes:
            days = timedelta(days=terms.waiting_days(benefit.code, cause))
            for layer, begins_on in layers:
                if layer.since_on + days > begins_on:
                    yield WaitingView(
                        benefit=benefit.code,
                        name=WordsView(zh=benefit.name.zh, en=benefit.name.en),
                        cause=cause,
                        until=day_start(layer.since_on + days),
                        shares=layer.shares,
                    )


def _layers(judged: Judged) -> list[tuple[Layer, date]]:
    """The shares bought, since when they count, and the first day on which they cover."""
    offer: Offer = judged.offer
    bought, standing = judged.choice.shares, judged.standing
    if offer.kind != "renewal" or standing is None:
        return [(Layer(bought, offer.first_day), offer.first_day)]
    kept = kept_layers(standing.layers, bought)
    layers = [(layer, offer.first_day) for layer in kept]
    extra = bought - sum(layer.shares for layer in kept)
    if extra > 0:
        layers.append((Layer(extra, judged.extra_from), judged.extra_from))
    return layers
