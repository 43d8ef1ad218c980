"""A member orders cover: the plain case by one look and one statement, the rest step by step."""

from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing import queries
from app.billing.order_statements import LOOK, opening
from app.billing.orders import Wish, fulfils, new_order, open_order, opened_facts, parameters
from app.billing.schemas import OrderBody, OrderView
from app.billing.views import order_view, order_views
from app.kernel.clock import business_now
from app.kernel.database import Database
from app.kernel.idempotency import Claim
from app.kernel.principal import Principal
from app.kernel.problems import RequestInFlight
from app.plans import service as plans


async def place_order(
    database: Database, claim: Claim, member: Principal, body: OrderBody
) -> bytes:
    """Open the order and return its view as JSON, stored under the caller's key.

    Raises as `orders.open_order`, RequestInFlight (409), IdempotencyKeyReused (422) and
    Replay.
    """
    row = await database.once(LOOK, member.id, body.plan_code, claim.key_hash)
    if row is not None:
        if row["request_hash"] is not None:
            claim.replay(row)
        content = await _plainly(database, claim, member, body, row)
        if content is not None:
            return content
    return await _step_by_step(database, claim, member, body)


async def _plainly(
    database: Database, claim: Claim, member: Principal, body: OrderBody, row: Any
) -> bytes | None:
    """None when anything is out of the ordinary: nothing is written then."""
    if row["verified_at"] is None or row["version_id"] is None or row["open_order_id"]:
        return None
    terms = await plans.terms_of(database.reads, row["version_id"])
    if body.shares > terms.max_shares:
        return None
    now: datetime = row["now"]
    wish = Wish(body.plan_code, body.shares, occupation=body.occupation)
    order = new_order(wish, row, terms, member.id, now)
    if order.amount_fen == 0 or body.price_fen not in (None, order.amount_fen):
        return None
    if not fulfils(order, wish, row, terms):
        return None
    content = order_view(order).model_dump_json().encode()
    answer_id, sealed, expires_at = claim.sealed(content)
    stated = opened_facts(order, database.subscriptions, member)
    try:
        written = await database.once(
            opening(len(stated.arguments), jobs=stated.jobs, keyed=True),
            *parameters(order, terms, member, stated),
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


async def _step_by_step(
    database: Database, claim: Claim, member: Principal, body: OrderBody
) -> bytes:
    """Whatever is not plain: gifts, refusals with their reasons, and lost races."""
    async with database.transaction() as session:
        keyed = await claim.hold(session)
        view = await _opened(session, database, member, body)
        await keyed.reply(201, view)
    return view.model_dump_json().encode()


async def _opened(
    session: AsyncSession, database: Database, member: Principal, body: OrderBody
) -> OrderView:
    order = await open_order(
        session,
        person_id=await queries.person_id_of(session, member.id),
        account_id=member.id,
        plan_code=body.plan_code,
        shares=body.shares,
        price_fen=body.price_fen,
        occupation=body.occupation,
        actor=member,
        now=await business_now(session, sandbox=database.settings.sandbox),
    )
    [view] = await order_views(session, [order])
    return view
