"""A member orders cover: the plain case by one look and one statement, the rest step by step."""

from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing import queries
from app.billing.judging import Wish
from app.billing.offers import new_offer
from app.billing.order_statements import LOOK, opening
from app.billing.orders import NewOrder, new_order, open_order, opened_facts, parameters
from app.billing.plainness import excluded, is_plain
from app.billing.price_inputs import Buyer
from app.billing.schemas import OrderBody, OrderView
from app.billing.views import order_view, order_views
from app.kernel.clock import business_day, business_now
from app.kernel.database import Database
from app.kernel.idempotency import Claim
from app.kernel.principal import Principal
from app.kernel.problems import RequestInFlight
from app.kernel.vault import Vault
from app.plans import service as plans
from app.plans.terms import PlanTerms
from app.policies.eligibility import Wanted, failing_rules


async def place_order(
    database: Database, vault: Vault, claim: Claim, member: Principal, body: OrderBody
) -> bytes:
    """Open the order and return its view as JSON, stored under the caller's key.

    Raises as `orders.open_order`, RequestInFlight (409), IdempotencyKeyReused (422) and
    Replay.
    """
    row = await database.once(LOOK, member.id, body.plan_code, claim.key_hash)
    if row is not None:
        if row["request_hash"] is not None:
            claim.replay(row)
        content = await _plainly(database, vault, claim, member, body, row)
        if content is not None:
            return content
    return await _step_by_step(database, vault, claim, member, body)


async def _plainly(
    database: Database, vault: Vault, claim: Claim, member: Principal, body: OrderBody, row: Any
) -> bytes | None:
    """None when anything is out of the ordinary: nothing is written then."""
    if body.kind != "new" or row["verified_at"] is None or row["version_id"] is None:
        return None
    if row["blocked_at"] is not None:
        return None
    terms = await plans.terms_of(database.reads, row["version_id"])
    if row["open_order_id"] or not is_plain(terms):
        return None
    if await excluded.has(database.reads, terms.code):
        return None
    order = _plain_order(terms, vault, member, body, row)
    if order is None:
        return None
    content = order_view(order).model_dump_json().encode()
    answer_id, sealed, expires_at = claim.sealed(content)
    stated = opened_facts(order, database.subscriptions, member)
    try:
        written = await database.once(
            opening(len(stated.arguments), jobs=stated.jobs, keyed=True),
            *parameters(order, terms, member, stated, order.shares),
            claim.lock,
            claim.key_hash,
            answer_id,
            claim.request_hash,
            sealed,
            expires_at,
        )
    except (asyncpg.UniqueViolationError, asyncpg.ExclusionViolationError):
        # Somebody was quicker: the same key, an order of this plan, or the places.
        return None
    if written is None or not written["held"]:
        raise RequestInFlight
    return content if written["opened"] else None


def _plain_order(
    terms: PlanTerms, vault: Vault, member: Principal, body: OrderBody, row: Any
) -> NewOrder | None:
    """The order, if its price is what was shown and every rule about the person is met."""
    now: datetime = row["now"]
    choice = body.choice()
    buyer = Buyer(row["birth_on"], row["sex"], row["verified_at"])
    offer = new_offer(terms, choice, buyer, now)
    if offer.problems() or offer.amount_fen == 0:
        return None
    if body.price_fen not in (None, offer.amount_fen):
        return None
    wanted = Wanted(
        first_day=offer.first_day,
        shares=choice.shares,
        available=terms.max_shares,
        channel="bought",
        today=business_day(now),
    )
    if failing_rules(terms, buyer.applicant(choice), wanted):
        return None
    return new_order(Wish(terms.code, choice), offer, terms, row, member.id, vault, now)


async def _step_by_step(
    database: Database, vault: Vault, claim: Claim, member: Principal, body: OrderBody
) -> bytes:
    """Whatever is not plain: gifts, renewals, refusals with their reasons, and lost races."""
    async with database.transaction() as session:
        keyed = await claim.hold(session)
        view = await _opened(session, database, vault, member, body)
        await keyed.reply(201, view)
    return view.model_dump_json().encode()


async def _opened(
    session: AsyncSession, database: Database, vault: Vault, member: Principal, body: OrderBody
) -> OrderView:
    order = await open_order(
        session,
        vault,
        body.wish(price_fen=body.price_fen),
        person_id=await queries.person_id_of(session, member.id),
        account_id=member.id,
        actor=member,
        now=await business_now(session, sandbox=database.settings.sandbox),
    )
    [view] = await order_views(session, [order])
    return view
