"""What a member sees of their policies: lists, and one policy."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.plans import service as plans
from app.plans.benefits import Words
from app.plans.schemas import WordsView
from app.policies import queries
from app.policies.errors import PolicyNotFound
from app.policies.models import Policy
from app.policies.schemas import (
    PolicyState,
    PolicyView,
    TransactionView,
)


def policy_state(status: str, starts_at: datetime, ends_at: datetime, now: datetime) -> PolicyState:
    """The stored status seen from an instant: expiry is derived, never stored."""
    if status == "in_force":
        if now < starts_at:
            return "not_started"
        return "in_force" if now < ends_at else "expired"
    if status == "pending" and now >= ends_at:
        return "expired"
    return status  # type: ignore[return-value]


def policy_line(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """A list's row as the `PolicyLine` schema has it; plain values, for a hot answer."""
    return {
        "id": row["id"],
        "number": row["number"],
        "plan_code": row["plan_code"],
        "plan_name": {"zh": row["name_zh"], "en": row["name_en"]},
        "version": row["version"],
        "shares": row["shares"],
        "state": policy_state(row["status"], row["starts_at"], row["ends_at"], now),
        "channel": row["channel"],
        "starts_at": row["starts_at"],
        "ends_at": row["ends_at"],
        "order_id": row["order_id"],
        "issued_at": row["issued_at"],
    }


async def show_policy(
    session: AsyncSession, account_id: UUID, policy_id: UUID, now: datetime
) -> PolicyView:
    """One of the caller's own policies; raises PolicyNotFound (404)."""
    policy = await queries.policy_of_account(session, account_id, policy_id)
    if policy is None:
        raise PolicyNotFound
    return await policy_view(session, policy, now)


async def policy_view(session: AsyncSession, policy: Policy, now: datetime) -> PolicyView:
    version = await plans.version_of(session, policy.plan_version_id)
    state = policy_state(policy.status, policy.starts_at, policy.ends_at, now)
    return PolicyView(
        id=policy.id,
        number=policy.number,
        plan_code=policy.plan_code,
        plan_name=_words(version.terms.name),
        version=version.number,
        shares=policy.shares,
        state=state,
        channel=policy.channel,
        starts_at=policy.starts_at,
        ends_at=policy.ends_at,
        order_id=policy.order_id,
        issued_at=policy.issued_at,
        plan_version_id=version.id,
        certificate=policy.status == "in_force",
        transactions=[
            TransactionView(
                kind=change.kind,
                status=change.status,
                shares=change.shares,
                option_code=change.option_code,
                starts_at=change.period.lower,
                ends_at=change.period.upper,
                effective_at=change.effective_at,
                recorded_at=change.recorded_at,
                reason_code=change.reason_code,
            )
            for change in await queries.transactions(session, policy.id)
        ],
    )


def _words(words: Words) -> WordsView:
    return WordsView(zh=words.zh, en=words.en)
