"""Orders and payments as they are shown: with the cover and the money on its way back."""

import io
from collections.abc import Sequence
from uuid import UUID

import segno
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing import queries
from app.billing.models import ContributionOrder, Refund
from app.billing.orders import NewOrder
from app.billing.schemas import OrderPolicy, OrderRefund, OrderView, PaymentView, TradeType
from app.integrations.wechat_pay import WeChatPay
from app.kernel.clock import business_day
from app.policies.models import Policy


async def order_views(
    session: AsyncSession, orders: Sequence[ContributionOrder]
) -> list[OrderView]:
    """The orders in the order given, with two look-ups for all of them."""
    ids = [order.id for order in orders if order.status != "open"]
    policies = await queries.policies_of_orders(session, orders) if ids else {}
    refunds = await queries.refunds_of_orders(session, ids) if ids else {}
    return [order_view(order, policies.get(order.id), refunds.get(order.id)) for order in orders]


def order_view(
    order: ContributionOrder | NewOrder,
    policy: Policy | None = None,
    refund: Refund | None = None,
) -> OrderView:
    assert order.reserved_period.lower is not None  # noqa: S101  a period always starts
    return OrderView(
        id=order.id,
        number=order.number,
        plan_code=order.plan_code,
        plan_version_id=order.plan_version_id,
        kind=order.kind,
        policy_id=order.policy_id,
        option_code=order.option_code,
        term_days=order.term_days,
        split=order.split,
        deposit_fen=order.deposit_fen,
        shares=order.shares,
        amount_fen=order.amount_fen,
        status=order.status,
        channel=order.channel,
        payer=order.payer,
        opened_at=order.opened_at,
        expires_at=order.expires_at,
        paid_at=order.paid_at,
        first_covered_day=business_day(order.reserved_period.lower),
        policy=_policy(policy),
        refund=OrderRefund.model_validate(refund) if refund else None,
    )


def _policy(policy: Policy | None) -> OrderPolicy | None:
    if policy is None:
        return None
    return OrderPolicy(
        id=policy.id,
        number=policy.number,
        status=policy.status,
        starts_at=policy.starts_at,
        ends_at=policy.ends_at,
    )


def payment_view(
    gateway: WeChatPay, attempt_id: UUID, trade_type: TradeType, prepay: str
) -> PaymentView:
    """What the phone needs, of the prepay id or the code that the gateway gave."""
    if trade_type == "jsapi":
        parameters = gateway.client_parameters(prepay)
        return PaymentView(
            attempt_id=attempt_id,
            trade_type="jsapi",
            client_parameters=parameters,
            code_url=None,
            code_svg=None,
        )
    image = io.BytesIO()
    segno.make(prepay, error="m").save(image, kind="svg", scale=4, xmldecl=False)
    return PaymentView(
        attempt_id=attempt_id,
        trade_type="native",
        client_parameters=None,
        code_url=prepay,
        code_svg=image.getvalue().decode(),
    )
