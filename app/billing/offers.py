"""What cover would be and cost: one pure function per kind, for quote, eligibility and order."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy.dialects.postgresql import Range

from app.billing.errors import (
    RenewalNotOffered,
    RenewalNotOpen,
    UpgradeNotOffered,
    UpgradeNotOpen,
)
from app.billing.price_inputs import Buyer, Choice, price_inputs, price_of
from app.billing.shares_of_price import Split, split_of
from app.kernel.clock import business_day, day_start
from app.kernel.problems import FieldError
from app.kernel.text import Text
from app.plans.expressions import Node
from app.plans.inputs import PRICE_CONTEXT, UPGRADE_CONTEXT, Input
from app.plans.literals import Yuan
from app.plans.prices import ContributionOption, Span
from app.plans.pricing import Priced, priced
from app.plans.terms import PlanTerms
from app.policies.calendar import (
    first_covered_day,
    term_period,
)
from app.policies.eligibility import Kind
from app.policies.standing import Standing, renewal_window

# How far ahead of the first possible day a buyer may let cover begin.
LATEST_START = timedelta(days=30)

NO_OPTION = Text("该保障活动没有此档次", "The plan has no such contribution option.")
DAYS_OUT_OF_RANGE = Text(
    "保障天数须为 {least} 至 {most} 天", "From {least} to {most} days can be chosen."
)
DAYS_FIXED = Text("该档次的保障期限不可选择", "This option's term leaves no choice of days.")
START_OUT_OF_RANGE = Text(
    "开始日期须在 {earliest} 至 {latest} 之间", "Cover can begin from {earliest} to {latest}."
)
TERM_IS_OVER = Text("本期保障已于 {day} 结束", "This term ended on {day}.")
NOT_RAISED = Text(
    "该保障活动不能在保障期内由 {held} 档提高为 {wanted} 档",
    "The plan does not raise option {held} to {wanted} during the term.",
)
MISSING = Text("计算互助费需要此项信息", "The price depends on this; state it.")


@dataclass(frozen=True, slots=True)
class Offer:
    """Cover with its period and price; `faults` are choices that the plan does not leave.

    `price` was evaluated under `price_name` with the vocabulary `context`; amounts are
    nothing to go by while it has `missing` facts.
    """

    kind: Kind
    option_code: str | None
    term_days: int | None
    starts_on: date | None
    first_day: date
    period: Range[datetime]
    price: Priced
    price_name: str
    context: Mapping[str, Input]
    split: Split
    faults: tuple[FieldError, ...]
    # How many shares take a place that nobody holds yet.
    places: int
    # When it is too late to pay for this period; None: payment moves the period.
    pay_before: datetime | None = None
    statements_due: bool = True

    @property
    def amount_fen(self) -> int:
        """What the payer at hand pays."""
        return self.split.member_fen

    def problems(self) -> list[FieldError]:
        """Faults of the choice, and facts that the price depends on."""
        missing = [FieldError(f"/{name}", "fact-missing", MISSING) for name in self.price.missing]
        return [*self.faults, *missing]


def new_offer(terms: PlanTerms, choice: Choice, buyer: Buyer, now: datetime) -> Offer:
    """Cover from the day after the last of payment and identity, or a later day of choice."""
    earliest = first_covered_day(now, buyer.verified_at)
    option, faults = _option(terms, choice.option)
    first_day = earliest
    if choice.starts_on is not None:
        if earliest <= choice.starts_on <= earliest + LATEST_START:
            first_day = choice.starts_on
        else:
            fields = {
                "earliest": earliest.isoformat(),
                "latest": (earliest + LATEST_START).isoformat(),
            }
            faults.append(
                FieldError("/starts_on", "start-out-of-range", START_OUT_OF_RANGE, fields)
            )
    days = _term_days(option.term, choice.term_days, faults)
    return _offered("new", terms, option, choice, buyer, first_day, days, faults)


def renewal_offer(
    terms: PlanTerms,
    choice: Choice,
    buyer: Buyer,
    standing: Standing,
    old_terms: PlanTerms,
    now: datetime,
    *,
    automatic: bool = False,
) -> Offer:
    """The next term: it begins where the old one ends, by the version on sale.

    Without a choice the option and the number of days stay. Raises RenewalNotOffered
    (409), RenewalNotOpen (409) outside the window, and where the next fixed term begins
    after the grace days.
    """
    if ("automatic" if automatic else "manual") not in old_terms.renewal.modes:
        raise RenewalNotOffered
    window = renewal_window(old_terms, standing.policy.ends_at, standing.moratoriums)
    if not window.is_open(now) or standing.policy.status != "in_force":
        raise RenewalNotOpen(window)
    codes = {option.code for option in terms.contribution.options}
    kept = standing.option_code
    option, faults = _option(terms, choice.option or (kept if kept in codes else None))
    chosen = choice.term_days
    if chosen is None and option.term.days_from is not None and option.term.days_to is not None:
        chosen = max(option.term.days_from, min(standing.days, option.term.days_to))
    days = _term_days(option.term, chosen, faults)
    due = choice.shares > sum(layer.shares for layer in standing.layers)
    offer = _offered("renewal", terms, option, choice, buyer, standing.ends_on, days, faults, due)
    if offer.period.lower is not None and offer.period.lower > window.closes_at:
        raise RenewalNotOpen(window)
    return replace(offer, pay_before=window.closes_at)


def upgrade_offer(
    terms: PlanTerms, choice: Choice, buyer: Buyer, standing: Standing, now: datetime
) -> Offer:
    """Shares added, or another option, from the day after payment to the end of the term.

    `terms` are those the policy was sold under. The price sees `shares` as they are
    afterwards; an option is raised for all of them. Raises UpgradeNotOffered,
    UpgradeNotOpen (409).
    """
    policy = standing.policy
    if terms.upgrade is None:
        raise UpgradeNotOffered
    first_day = max(first_covered_day(now, buyer.verified_at), business_day(policy.starts_at))
    if policy.status != "in_force" or first_day >= standing.ends_on:
        raise UpgradeNotOpen
    held = terms.option(standing.option_code)
    period = Range(day_start(first_day), policy.ends_at, bounds="[)")
    inputs = price_inputs(held.term, choice, buyer, first_day, period)
    inputs["term_days"] = standing.days
    name, node, faults = _upgraded(terms, held.code, choice)
    raised = choice.option not in (None, held.code)
    if not raised:
        inputs |= {"shares": policy.shares + choice.shares, "added_shares": choice.shares}
    price = priced(terms, name, node, inputs)
    return Offer(
        kind="upgrade",
        option_code=choice.option if raised and not faults else standing.option_code,
        term_days=None,
        starts_on=None,
        first_day=first_day,
        period=period,
        price=price,
        price_name=name,
        context=PRICE_CONTEXT if raised else UPGRADE_CONTEXT,
        split=Split(price.amount_fen),
        faults=tuple(faults),
        places=0 if raised else choice.shares,
        pay_before=day_start(standing.ends_on - timedelta(days=1)),
    )


def _upgraded(terms: PlanTerms, held: str, choice: Choice) -> tuple[str, Node, list[FieldError]]:
    """What an upgrade costs: shares that are added, or an option that all shares are raised to.

    Raises UpgradeNotOffered (409) where the plan adds no shares.
    """
    assert terms.upgrade is not None  # noqa: S101  judged before
    wanted = choice.option
    if wanted is None or wanted == held:
        if terms.upgrade.price is None:
            raise UpgradeNotOffered
        return "upgrade", terms.upgrade.price, []
    raising = terms.upgrade.raising(held, wanted)
    if raising is not None:
        return f"upgrade:{held}:{wanted}", raising.price, []
    known = any(option.code == wanted for option in terms.contribution.options)
    fields = {"held": held, "wanted": wanted}
    fault = (
        FieldError("/option", "option-not-raised", NOT_RAISED, fields)
        if known
        else FieldError("/option", "contribution-option-not-found", NO_OPTION)
    )
    return "nothing", Yuan(yuan=0), [fault]


def _offered(
    kind: Kind,
    terms: PlanTerms,
    option: ContributionOption,
    choice: Choice,
    buyer: Buyer,
    first_day: date,
    days: int | None,
    faults: list[FieldError],
    statements_due: bool = True,
) -> Offer:
    term = option.term
    if term.last_day is not None and first_day > term.last_day:
        fields = {"day": term.last_day.isoformat()}
        faults.append(FieldError("", "term-is-over", TERM_IS_OVER, fields))
    period = term_period(term, first_day, days)
    assert period.lower is not None  # noqa: S101  cover always starts
    begins_on = business_day(period.lower)
    inputs = price_inputs(term, choice, buyer, begins_on, period)
    name, node = price_of(terms, option, begins_on)
    price = priced(terms, name, node, inputs)
    return Offer(
        kind=kind,
        option_code=option.code,
        term_days=days,
        starts_on=choice.starts_on if kind == "new" else None,
        first_day=begins_on,
        period=period,
        price=price,
        price_name=name,
        context=PRICE_CONTEXT,
        split=split_of(terms, option, price.amount_fen, inputs),
        faults=tuple(faults),
        places=choice.shares,
        pay_before=day_start(term.last_day) if term.last_day is not None else None,
        statements_due=statements_due,
    )


def _option(terms: PlanTerms, code: str | None) -> tuple[ContributionOption, list[FieldError]]:
    """The option, or the first and what is wrong with the choice."""
    options = terms.contribution.options
    for option in options:
        if code is None or option.code == code:
            return option, []
    return options[0], [FieldError("/option", "contribution-option-not-found", NO_OPTION)]


def _term_days(term: Span, chosen: int | None, faults: list[FieldError]) -> int | None:
    """The days that the buyer chose, where the option leaves a choice."""
    if term.days_from is None or term.days_to is None:
        if chosen is not None:
            faults.append(FieldError("/term_days", "term-days-fixed", DAYS_FIXED))
        return None
    if chosen is None or term.days_from <= chosen <= term.days_to:
        return chosen or term.days_from
    fields = {"least": term.days_from, "most": term.days_to}
    faults.append(FieldError("/term_days", "term-days-out-of-range", DAYS_OUT_OF_RANGE, fields))
    return term.days_from
