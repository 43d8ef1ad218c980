"""Orders and payments of members, and the gateway's own door."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Request, Response

from app.billing import cancelling, closing, payments, purchases, queries, receiving
from app.billing.errors import OrderNotFound, UntrustedNotice
from app.billing.reconciliation import ask_about_order
from app.billing.schemas import OrderBody, OrderPage, OrderView, PaymentBody, PaymentView
from app.billing.views import order_view, order_views
from app.integrations.errors import Untrusted
from app.integrations.outside import OutsideDep
from app.integrations.wechat_pay import WeChatPay
from app.kernel.api_document import refused
from app.kernel.clock import system_now
from app.kernel.database import DatabaseDep, SessionDep
from app.kernel.dependencies import NowDep, VaultDep
from app.kernel.idempotency import ClaimDep, KeyedDep
from app.kernel.pagination import CursorParameter, PageSize, decode_cursor, encode_cursor
from app.kernel.principal import Caseworker, Member
from app.kernel.routing import hot_router, router

routes = router("orders")
hot_routes = hot_router("orders")
callback_routes = hot_router("callbacks")
OrderId = Annotated[UUID, Path(description="The order's id.")]


@hot_routes.post("/v1/me/orders", status_code=201, response_model=OrderView, responses=refused(404))
async def open_order(
    member: Member, request: Request, claim: ClaimDep, body: OrderBody
) -> Response:
    """Order cover: eligibility is judged, the price is ours, the shares are reserved.

    An unpaid order closes after 30 minutes; there is one open order per member and plan.
    A gifted plan is complete at once, without a payment. Not eligible: 422 naming every
    rule; over the limit of shares or another price than shown: 409.

    `kind` renewal orders the next term of a policy without a gap, `upgrade` adds shares
    to a running one. Outside its window a renewal is 409 `renewal-not-open` with the
    dates; a plan without upgrades answers 409 `upgrade-not-offered`.
    """
    state = request.app.state
    content = await purchases.place_order(state.database, state.vault, claim, member, body)
    return claim.respond(201, content)


@routes.get("/v1/me/orders")
async def list_orders(
    member: Member,
    vault: VaultDep,
    session: SessionDep,
    limit: PageSize = 20,
    cursor: CursorParameter = None,
) -> OrderPage:
    """My orders, newest first."""
    listing = f"orders:{member.id}"
    position = decode_cursor(vault, listing, cursor)
    before = UUID(position[0]) if position else None
    found = await queries.orders_of_account(session, member.id, before, limit)
    more = len(found) > limit
    return OrderPage(
        items=await order_views(session, found[:limit]),
        next_cursor=encode_cursor(vault, listing, [str(found[limit - 1].id)]) if more else None,
    )


@routes.get("/v1/me/orders/{order_id}")
async def show_order(
    member: Member, database: DatabaseDep, outside: OutsideDep, order_id: OrderId
) -> OrderView:
    """One of my orders. If it is unpaid after a try to pay, the gateway is asked first."""
    async with database.transaction() as session:
        order = await queries.order_of_account(session, member.id, order_id)
    if order is None:
        raise OrderNotFound
    if order.status == "open":
        await ask_about_order(database, outside.wechat_pay, order_id)
    async with database.transaction() as session:
        [view] = await order_views(session, [await queries.order(session, order_id)])
    return view


@routes.post("/v1/me/orders/{order_id}/cancellation", responses=refused(409))
async def cancel_order(
    member: Member, session: SessionDep, now: NowDep, order_id: OrderId
) -> OrderView:
    """Close my open order and give its shares back; repeating it changes nothing."""
    order = await closing.cancel_order(session, member.id, order_id, actor=member, now=now)
    return order_view(order)


@routes.post(
    "/v1/me/orders/{order_id}/refund",
    status_code=202,
    response_model=OrderView,
    responses=refused(409),
)
async def refund_order(
    member: Member, keyed: KeyedDep, session: SessionDep, now: NowDep, order_id: OrderId
) -> Response:
    """Before cover starts: cancel the policy and get back what the plan gives back then."""
    order = await cancelling.refund_before_start(
        session, member.id, order_id, actor=member, now=now
    )
    [view] = await order_views(session, [order])
    return await keyed.reply(202, view)


@routes.post("/v1/me/orders/{order_id}/payments", status_code=201, response_model=PaymentView)
async def start_payment(
    member: Member,
    claim: ClaimDep,
    database: DatabaseDep,
    outside: OutsideDep,
    order_id: OrderId,
    body: PaymentBody,
) -> Response:
    """Begin to pay: parameters for the mini-program, or a code for any phone to scan.

    An order has one live attempt for each way of paying. The same key gives the same
    answer; a new one resumes the attempt. After a 503 repeat with the same key.
    """
    content = await payments.start_payment(
        database, claim, outside.wechat_pay, member, order_id, body.trade_type
    )
    return claim.respond(201, content)


@routes.post(
    "/v1/staff/orders/{order_id}/payments",
    status_code=201,
    response_model=PaymentView,
    responses=refused(409),
)
async def start_payment_on_site(
    caseworker: Caseworker,
    claim: ClaimDep,
    database: DatabaseDep,
    outside: OutsideDep,
    order_id: OrderId,
) -> Response:
    """A code on the tablet for a rider to scan, for an order that this caseworker opened."""
    content = await payments.start_payment(
        database, claim, outside.wechat_pay, caseworker, order_id, "native"
    )
    return claim.respond(201, content)


async def _take_notice(request: Request) -> Response:
    raw = await request.body()
    gateway: WeChatPay = request.app.state.outside.wechat_pay
    try:
        notice = gateway.decrypt_and_verify_notice(request.headers, raw, system_now())
    except Untrusted as error:
        raise UntrustedNotice from error
    await receiving.take_notice(request.app.state.database, gateway, notice)
    return Response(status_code=204)


@callback_routes.post(
    "/v1/gateway/wechat-pay/payments", status_code=204, responses=refused(401, 404, 409)
)
async def take_payment_notice(request: Request) -> Response:
    """WeChat Pay's notice of a payment, proven on the raw body; safe to repeat.

    204 when taken, 401 when unproven or stale, 404 for an unknown trade, 409 when the
    amount or the merchant is not the order's.
    """
    return await _take_notice(request)


@callback_routes.post(
    "/v1/gateway/wechat-pay/refunds", status_code=204, responses=refused(401, 404, 409)
)
async def take_refund_notice(request: Request) -> Response:
    """WeChat Pay's notice of a refund; answers as for payments."""
    return await _take_notice(request)
