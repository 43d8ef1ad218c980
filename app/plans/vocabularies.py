"""Which names each part of a document may use, and how far their values can reach."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from itertools import count

from app.kernel.clock import add_months
from app.kernel.text import Text
from app.plans.drafts import Draft
from app.plans.facts import claim_inputs
from app.plans.inputs import PRICE_CONTEXT, REFUND_CONTEXT, UPGRADE_CONTEXT, Input
from app.plans.kinds import Vocabulary
from app.plans.mending import UNREAD
from app.plans.prices import Span


def words_used(draft: Draft) -> dict[str, frozenset[str]]:
    """The words that can occur because of who may join."""
    if draft.eligibility is None:
        return {}
    needed = {"sex": frozenset[str](draft.eligibility.ages)}
    if draft.eligibility.occupations:
        needed["occupation"] = frozenset(draft.eligibility.occupations)
    return needed


def benefit_vocabulary(draft: Draft) -> Vocabulary:
    """What the benefits and the limits of a plan may name."""
    inputs = claim_inputs(draft.facts)
    most = draft.max_shares or inputs["shares"].most
    inputs["shares"] = replace(inputs["shares"], most=most)
    layers = inputs["layers"]
    inputs["layers"] = replace(
        layers,
        fields={**layers.fields, "shares": replace(layers.fields["shares"], most=most)},
    )
    codes = [code for code in draft.option_codes if isinstance(code, str)]
    if codes and len(codes) == len(draft.option_codes):
        words = {code: Text(code, code) for code in codes}
        inputs["option"] = replace(inputs["option"], words=words)
    return Vocabulary(
        inputs=inputs,
        tables=draft.tables,
        benefits=frozenset(code for code in draft.benefit_codes if isinstance(code, str)),
        in_benefit=True,
        plan=draft.code,
        unclear=frozenset(draft.unclear),
        needed=words_used(draft),
    )


def order_vocabulary(draft: Draft, context: str, spans: list[Span]) -> Vocabulary:
    """What prices (`price`), upgrades and refunds may name, for terms of these lengths."""
    contexts: dict[str, Mapping[str, Input]] = {
        "price": PRICE_CONTEXT,
        "upgrade": UPGRADE_CONTEXT,
        "refund": REFUND_CONTEXT,
    }
    inputs = dict(contexts[context])
    reach: dict[str, tuple[int, int]] = _span_inputs(spans) if spans else {}
    if draft.max_shares is not None:
        reach["shares"] = (1, draft.max_shares)
        reach["added_shares"] = (1, draft.max_shares)
    for name, (least, most) in reach.items():
        if name in inputs:
            inputs[name] = replace(inputs[name], least=least, most=most)
    return Vocabulary(
        inputs=inputs,
        tables=draft.tables,
        plan=draft.code,
        unclear=frozenset(name for name in draft.unclear if "/" in name or name in ("*", UNREAD)),
        needed=words_used(draft),
    )


def _span_inputs(spans: list[Span]) -> dict[str, tuple[int, int]]:
    """From where to where the length of a term can be, in days and in months."""
    days: list[int] = []
    months: list[int] = []
    for span in spans:
        if span.months is not None:
            months.append(span.months)
            days += [span.months * 28, span.months * 31]
            continue
        if span.first_day is not None and span.last_day is not None:
            end = span.last_day + timedelta(days=1)
            days.append((end - span.first_day).days)
            months.append(_full_months(span.first_day, end))
            continue
        lengths = [each for each in (span.days, span.days_from, span.days_to) if each]
        days += lengths
        months += [min(lengths) // 31, _months_in(max(lengths))]
    return {
        "term_days": (min(days), max(days)),
        "term_months": (min(months), max(months)),
        "remaining_days": (0, max(days)),
        "used_days": (0, max(days)),
        "remaining_months": (0, max(months)),
    }


def _full_months(first_day: date, end: date) -> int:
    """How many months fit between two days; from a later day there are never more."""
    return next(n for n in count() if add_months(first_day, n + 1) > end)


def _months_in(days: int) -> int:
    """The most full months of so many days: those that begin about February are shortest."""
    firsts = [date(2023, month, 1) for month in range(1, 13)]
    return max(_full_months(first, first + timedelta(days)) for first in firsts)
