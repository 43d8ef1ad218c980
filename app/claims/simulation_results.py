"""The document that a finished simulation leaves: ids, codes and sums."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.decision_models import ClaimLine
from app.claims.simulation_sums import Example, Sums

_COUNTS = ("claims", "up", "down", "same", "judged", "clouded")


async def result_of(
    session: AsyncSession, sums: Sums, membership: Mapping[str, Any]
) -> dict[str, Any]:
    """Totals, each benefit by code, the examples with the limits of both sides, members."""
    benefits = [_benefit(code, sums["benefits"][code]) for code in sorted(sums["benefits"])]
    ends = [*sums["worst"], *sums["best"]]
    limits = await _limits_now(session, [UUID(each["claim_id"]) for each in ends])
    return {
        "totals": _totals(benefits),
        "benefits": benefits,
        "worst": [_example(each, limits) for each in sums["worst"]],
        "best": [_example(each, limits) for each in sums["best"]],
        "membership": dict(membership),
    }


def _benefit(code: str, sums: Mapping[str, Any]) -> dict[str, Any]:
    difference = sums["paid_then_fen"] - sums["paid_now_fen"]
    return {"benefit_code": code, "difference_fen": difference, **sums}


def _totals(benefits: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    names = (*_COUNTS, "paid_now_fen", "paid_then_fen", "difference_fen")
    totals = {name: sum(each[name] for each in benefits) for name in names}
    for name in ("claims", "paid_now_fen"):
        apart = sum(each["not_comparable"][name] for each in benefits)
        totals[f"not_comparable_{name}"] = apart
    return totals


async def _limits_now(session: AsyncSession, claim_ids: Sequence[UUID]) -> dict[str, list[str]]:
    """The limits that bit when the claims were decided."""
    rows = await session.execute(
        select(ClaimLine.claim_id, ClaimLine.outcome)
        .where(ClaimLine.claim_id.in_(claim_ids))
        .order_by(ClaimLine.id)
    )
    return {str(claim_id): list(outcome.get("limits", ())) for claim_id, outcome in rows}


def _example(example: Example, limits: Mapping[str, list[str]]) -> Example:
    difference = example["paid_then_fen"] - example["paid_now_fen"]
    limits_now = limits.get(example["claim_id"], [])
    return {**example, "difference_fen": difference, "limits_now": limits_now}
