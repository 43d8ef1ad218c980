"""Settling what is no plain purchase: renewals, upgrades, and contributions of several parties."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing import queries
from app.billing.covering import become_cover, contribution_entries
from app.billing.errors import CoverLost
from app.billing.events import CLOSE_ORDER
from app.billing.models import ATTEMPT, ORDER
from app.integrations.wechat_pay import Payment
from app.kernel.clock import business_day, system_now
from app.kernel.database import Database
from app.kernel.facts import state
from app.kernel.jobs import unschedule
from app.kernel.principal import SYSTEM
from app.kernel.transitions import move
from app.ledger import service as ledger
from app.ledger.accounts import GATEWAY_CLEARING
from app.plans import service as plans
from app.policies.errors import SharesOverLimit
from app.policies.slots import lock_shares


@dataclass(frozen=True, slots=True)
class Told:
    """What the gateway says was paid: by a notice (`notice_id`) or an answer to a query.

    `ours` says whether merchant, app and currency are; `paid_at` is on the gateway's clock.
    """

    payment: Payment
    ours: bool
    notice_id: str | None = None
    event_type: str = "query"


async def settle_step_by_step(
    database: Database, told: Told, row: Any, paid_at: datetime, now: datetime
) -> bool:
    """Write everything in one transaction; False when somebody else was quicker.

    Raises CoverLost, asyncpg.ExclusionViolationError.
    """
    terms = await plans.terms_of(database.reads, row["plan_version_id"])
    async with database.transaction() as session:
        # Before the order: changing its row a second time locks the policy that it continues,
        # and whoever changes a policy takes its holder's places first.
        await lock_shares(session, row["person_id"])
        attempt = await queries.locked_attempt(session, told.payment.out_trade_no)
        order = await queries.order(session, attempt.order_id, lock=True)
        if attempt.status == "succeeded" or order.status != "open":
            return False
        attempt.transaction_id = told.payment.transaction_id
        attempt.succeeded_at = order.paid_at = paid_at
        await move(session, ATTEMPT, attempt, "succeeded", actor=SYSTEM, at=now)
        await move(session, ORDER, order, "paid", actor=SYSTEM, at=now)
        await unschedule(session, CLOSE_ORDER, order.id)
        try:
            facts = await become_cover(
                session,
                order,
                terms,
                paid_at=paid_at,
                verified_at=row["verified_at"],
                actor=SYSTEM,
                now=now,
            )
        except SharesOverLimit as error:
            raise CoverLost("shares_taken") from error
        await ledger.post(
            session,
            "contribution.received",
            contribution_entries(order, GATEWAY_CLEARING),
            event_on=business_day(paid_at),
            reference_id=attempt.id,
            actor=SYSTEM,
        )
        await _note(session, told)
        await state(session, facts, actor=SYSTEM, at=now, on_behalf_of=order.person_id)
    return True


_NOTE = text(
    "insert into gateway_notice (notice_id, event_type, reference, outcome, received_at)"
    " values (:id, :event_type, :reference, 'settled', :at) on conflict (notice_id) do nothing"
)


async def _note(session: AsyncSession, told: Told) -> None:
    """Keep the notice that told it, if it was a notice."""
    if told.notice_id is not None:
        values = {
            "id": told.notice_id,
            "event_type": told.event_type,
            "reference": told.payment.out_trade_no,
            "at": system_now(),
        }
        await session.execute(_NOTE, values)
