"""Reminders of the end of cover: 30, 14, 3 and 0 days before the last day, and 5 after it.

One thing is due for each policy: the next reminder. When it comes, everything is looked at
anew, so that cover that was renewed, cancelled or extended meanwhile is not reminded of.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.agreement_models import PaymentAgreement
from app.billing.agreement_queries import active_agreement, follower_of
from app.billing.events import REMIND
from app.kernel.clock import SHANGHAI, business_day
from app.kernel.database import raw_connection
from app.kernel.jobs import JobContext, schedule, unschedule
from app.kernel.vault import Vault
from app.notifications.service import notify
from app.plans import service as plans
from app.plans.terms import PlanTerms
from app.policies.grace import moratoriums_of, renewal_closes_at
from app.policies.models import Policy

DAYS_BEFORE = (30, 14, 3, 0)
# Inside the grace days only: a plan without that many has no such reminder.
DAYS_AFTER = 5
CHARGE_DAYS_BEFORE = 3
REMIND_AT = time(10)
TEMPLATES = ("renewal_reminder", "renewal_automatic", "renewal_grace")


@dataclass(frozen=True, slots=True)
class Reminder:
    """`days` before the last covered day, negative after it."""

    days: int
    at: datetime


def last_day_of(ends_at: datetime) -> date:
    """The last covered day of cover that ends at an instant (half-open)."""
    return business_day(ends_at - timedelta(microseconds=1))


def reminders_of(last_day: date, grace_days: int) -> tuple[Reminder, ...]:
    """Every reminder of a last covered day, in order: at 10:00 in Asia/Shanghai."""
    days = DAYS_BEFORE + ((-DAYS_AFTER,) if grace_days >= DAYS_AFTER else ())
    return tuple(
        Reminder(each, moment(last_day - timedelta(days=each), REMIND_AT)) for each in days
    )


def moment(day: date, at: time) -> datetime:
    """A time of day in Asia/Shanghai as an instant in UTC."""
    return datetime.combine(day, at, SHANGHAI).astimezone(UTC)


async def plan_reminders(session: AsyncSession, policy: Policy, now: datetime) -> None:
    """Let the next reminder of a policy be due, or none where nobody is to be reminded."""
    terms = (await plans.version_of(session, policy.plan_version_id)).terms
    if not await _wanted(session, policy, terms):
        await unschedule(session, REMIND, policy.id)
        return
    upcoming = [each for each in _of_policy(policy, terms) if each.at > now]
    if upcoming:
        await schedule(session, REMIND, policy.id, upcoming[0].at)
    else:
        await unschedule(session, REMIND, policy.id)


def _of_policy(policy: Policy, terms: PlanTerms) -> list[Reminder]:
    """Those that come while the policy exists: a short term has fewer."""
    last_day = last_day_of(policy.ends_at)
    found = reminders_of(last_day, terms.renewal.grace_days)
    return [each for each in found if each.at > max(policy.issued_at, policy.starts_at)]


async def _wanted(session: AsyncSession, policy: Policy, terms: PlanTerms) -> bool:
    """Whether its end concerns the member: a partner renews what its roster covers."""
    if policy.status != "in_force" or policy.channel == "roster" or not terms.renewal.modes:
        return False
    return await follower_of(session, policy.id) is None


async def remind(context: JobContext, payload: Mapping[str, Any]) -> None:
    """A reminder may be due: send the latest one that is, and let the next one be due."""
    async with context.transaction() as session:
        policy = await session.get_one(Policy, UUID(payload["subject_id"]))
        now = await context.business_now(session)
        terms = (await plans.version_of(session, policy.plan_version_id)).terms
        if await _wanted(session, policy, terms):
            due = [each for each in _of_policy(policy, terms) if each.at <= now]
            reaching = await moratoriums_of(await raw_connection(session), [policy.id])
            closes_at = renewal_closes_at(terms, policy.ends_at, reaching.get(policy.id, ()))
            # Nobody is told that cover will end after it has ended.
            if due and now < (policy.ends_at if due[-1].days >= 0 else closes_at):
                await _send(session, context.vault, policy, terms, due[-1], closes_at, now)
        await plan_reminders(session, policy, now)


async def _send(
    session: AsyncSession,
    vault: Vault,
    policy: Policy,
    terms: PlanTerms,
    reminder: Reminder,
    closes_at: datetime,
    now: datetime,
) -> None:
    last_day = last_day_of(policy.ends_at)
    agreement = await active_agreement(session, policy.id)
    template, more = _words(reminder, last_day, closes_at, agreement)
    await notify(
        session,
        vault,
        person_id=policy.person_id,
        template=template,
        subject="policy",
        subject_id=policy.id,
        parameters={"plan": plan_words(terms), "last_day": last_day.isoformat(), **more},
        once_key=f"renewal:{policy.id}:{last_day.isoformat()}:{reminder.days}",
        now=now,
    )


def _words(
    reminder: Reminder, last_day: date, closes_at: datetime, agreement: PaymentAgreement | None
) -> tuple[str, dict[str, Any]]:
    """By hand, by itself, or still possible; each with what only that one says."""
    if reminder.days < 0:
        return "renewal_grace", {"until": last_day_of(closes_at).isoformat()}
    if agreement is None or reminder.days < CHARGE_DAYS_BEFORE:
        return "renewal_reminder", {}
    charge_on = last_day - timedelta(days=CHARGE_DAYS_BEFORE)
    return (
        "renewal_automatic",
        {"charge_on": charge_on.isoformat(), "amount": agreement.most_fen},
    )


def plan_words(terms: PlanTerms) -> dict[str, str]:
    """A plan's name as messages take it."""
    return {"zh": terms.name.zh, "en": terms.name.en}
