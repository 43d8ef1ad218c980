"""What is odd about a claim's days: outside the cover, just after its start, papers too early."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.errors import NotCovered
from app.claims.models import Claim, ClaimReceipt, Incident
from app.claims.opening import outside_cover, policy_cover_at
from app.claims.signals import Noticed
from app.kernel.clock import business_day
from app.plans.inputs import STANDARD_FACTS
from app.plans.terms import PlanTerms
from app.policies.models import Policy


async def outside_or_early(
    session: AsyncSession, claim: Claim, terms: PlanTerms, incident: Incident
) -> list[Noticed]:
    """The cover, as it stands now, does not reach the incident; or its shares, or some of
    them, began within the plan's `early_days` before it.
    """
    policy = await session.get_one(Policy, claim.policy_id)
    occurred_on = business_day(incident.occurred_at)
    evidence: dict[str, Any] = {"occurred_on": occurred_on.isoformat()}
    try:
        cover = await policy_cover_at(session, policy, incident.occurred_at)
    except NotCovered:
        return [Noticed("outside-cover", "void", evidence | {"reason_code": "void"})]
    reason = outside_cover(terms, claim.benefit_code, incident, cover)
    if reason is not None:
        code = reason.replace("_", "-")
        return [Noticed("outside-cover", code, evidence | {"reason_code": code})]
    since = max((layer.since_on for layer in cover.layers), default=business_day(cover.starts_at))
    days = (occurred_on - since).days
    if days >= terms.claims.early_days:
        return []
    evidence |= {
        "covered_from": since.isoformat(),
        "days": days,
        "within_days": terms.claims.early_days,
    }
    return [Noticed("early-incident", since.isoformat(), evidence)]


def dated_before(
    incident: Incident, receipts: Sequence[ClaimReceipt], facts: Mapping[str, Any]
) -> Iterator[Noticed]:
    """Receipts, and days that the papers are about, before the day of the incident.

    Of a fact only how many days too early it is: facts are sealed.
    """
    occurred_on = business_day(incident.occurred_at)
    for receipt in receipts:
        if receipt.issued_on < occurred_on:
            yield Noticed(
                "dated-before",
                str(receipt.id),
                {
                    "receipt_id": str(receipt.id),
                    "dated_on": receipt.issued_on.isoformat(),
                    "occurred_on": occurred_on.isoformat(),
                },
            )
    for name, day in _days(facts):
        if day < occurred_on:
            days = (occurred_on - day).days
            evidence = {"fact": name, "days": days, "occurred_on": occurred_on.isoformat()}
            yield Noticed("dated-before", f"{name}:{days}", evidence)


def _days(facts: Mapping[str, Any]) -> Iterator[tuple[str, date]]:
    """Each fact that is a day of what papers tell, those inside lists as `stays.admitted_on`."""
    for name, value in facts.items():
        known = STANDARD_FACTS.get(name)
        if known is None:
            continue
        if known.kind == "day":
            yield name, date.fromisoformat(value)
        elif known.kind == "list":
            for item in value:
                for field, inner in item.items():
                    if field in known.fields and known.fields[field].kind == "day":
                        yield f"{name}.{field}", date.fromisoformat(inner)
