"""Paying an order: an attempt is recorded, the gateway asked, its answer recorded."""

from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.models import MemberAccount
from app.billing import queries
from app.billing.errors import (
    NothingToPay,
    OrderNotFound,
    OrderNotOpen,
    PaymentRefused,
    WeChatLoginNeeded,
)
from app.billing.models import ATTEMPT, OPEN_FOR, ContributionOrder, PaymentAttempt
from app.billing.schemas import TradeType
from app.billing.views import payment_view
from app.integrations.errors import OutcomeUnknown, Refused, Unreachable
from app.integrations.wechat_pay import OrderRequest, WeChatPay
from app.kernel import audit
from app.kernel.clock import business_now, system_now
from app.kernel.database import Database
from app.kernel.idempotency import Claim
from app.kernel.ids import new_id, random_code
from app.kernel.principal import SYSTEM, Principal
from app.kernel.problems import Unavailable
from app.kernel.transitions import begin, move
from app.kernel.vault import Vault
from app.plans import service as plans

log = structlog.get_logger("billing")

PAYMENTS_PATH = "/v1/gateway/wechat-pay/payments"
REFUNDS_PATH = "/v1/gateway/wechat-pay/refunds"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the gateway is asked for; everything it takes was read in the transaction."""

    attempt_id: UUID
    prepay: str | None
    request: OrderRequest
    openid: str | None


async def start_payment(
    database: Database,
    claim: Claim,
    gateway: WeChatPay,
    payer: Principal,
    order_id: UUID,
    trade_type: TradeType,
) -> bytes:
    """Two transactions around the gateway's answer; the view as JSON, stored under the key.

    The order has one live attempt for each way of paying: whatever was interrupted sends
    the same trade number again or takes what the gateway gave before, under the same key
    or a new one. Raises OrderNotFound (404), OrderNotOpen, NothingToPay, WeChatLoginNeeded,
    PaymentRefused (409), Unavailable (503) when the gateway does not answer,
    IdempotencyKeyReused (422), RequestInFlight (409) and Replay.
    """
    async with database.transaction() as session:
        keyed = await claim.hold(session)
        asked = await _record_attempt(session, database, claim.vault, payer, order_id, trade_type)
        await keyed.begin()
    prepay = asked.prepay or await _ask(database, gateway, asked)
    view = payment_view(gateway, asked.attempt_id, trade_type, prepay)
    content = view.model_dump_json().encode()
    async with database.transaction() as session:
        keyed = await claim.hold(session)
        attempt = await queries.attempt(session, asked.attempt_id, lock=True)
        if attempt.status == "created":
            attempt.prepay = prepay
            await move(session, ATTEMPT, attempt, "prepared", actor=SYSTEM, at=system_now())
        await keyed.store(201, content)
    return content


async def _record_attempt(
    session: AsyncSession,
    database: Database,
    vault: Vault,
    payer: Principal,
    order_id: UUID,
    trade_type: TradeType,
) -> Asked:
    order = await _payable(session, payer, order_id)
    now = await business_now(session, sandbox=database.settings.sandbox)
    if order.status != "open" or order.expires_at <= now:
        raise OrderNotOpen(status="closed" if order.status == "open" else order.status)
    openid = await _openid(session, vault, payer) if trade_type == "jsapi" else None
    attempt = await queries.live_attempt(session, order.id, trade_type)
    if attempt is None:
        attempt = PaymentAttempt(
            id=new_id(),
            order_id=order.id,
            out_trade_no=f"{order.number}{random_code(8)}",
            trade_type=trade_type,
            status="created",
            amount_fen=order.amount_fen,
            created_at=system_now(),
            asked_at=system_now(),
        )
        begin(session, ATTEMPT, attempt, actor=payer, at=now)
        await session.flush()
        await audit.record(
            session, payer, "payment.start", subject="payment_attempt", subject_ids=[attempt.id]
        )
    request = await _request(session, database, order, attempt)
    return Asked(attempt.id, attempt.prepay, request, openid)


async def _payable(session: AsyncSession, payer: Principal, order_id: UUID) -> ContributionOrder:
    """The payer's order, locked: a member's own, or one that this caseworker opened."""
    order: ContributionOrder | None
    if payer.kind == "member":
        order = await queries.order_of_account(session, payer.id, order_id)
    else:
        order = await queries.order_opened_by(session, payer.id, order_id)
    if order is None:
        raise OrderNotFound
    order = await queries.order(session, order.id, lock=True)
    await session.refresh(order)
    if order.payer != "member" or order.amount_fen == 0:
        raise NothingToPay
    return order


async def _openid(session: AsyncSession, vault: Vault, payer: Principal) -> str:
    account = await session.get(MemberAccount, payer.id) if payer.kind == "member" else None
    if account is None or account.openid_index is None:
        raise WeChatLoginNeeded
    return str(vault.open("member_account", account.id, account.sealed)["openid"])


async def _request(
    session: AsyncSession, database: Database, order: ContributionOrder, attempt: PaymentAttempt
) -> OrderRequest:
    """The same attempt is always asked for with the same content, its expiry included.

    The gateway goes by the system clock; an order that ends earlier is closed there.
    """
    terms = (await plans.version_of(session, order.plan_version_id)).terms
    return OrderRequest(
        out_trade_no=attempt.out_trade_no,
        description=f"{terms.name.zh} {order.shares}份"[:127],
        amount_fen=attempt.amount_fen,
        notify_url=database.settings.public_base_url.rstrip("/") + PAYMENTS_PATH,
        expires_at=attempt.created_at + OPEN_FOR,
        attach=order.number,
    )


async def _ask(database: Database, gateway: WeChatPay, asked: Asked) -> str:
    """Ask for the prepay id or the code to scan; no transaction is open here."""
    try:
        if asked.openid is not None:
            return await gateway.prepay_jsapi(asked.request, asked.openid)
        return await gateway.prepay_native(asked.request)
    except (Unreachable, OutcomeUnknown) as error:
        log.warning("prepay unanswered", error=type(error).__name__)
        raise Unavailable from error
    except Refused as error:
        log.warning("prepay refused", code=error.code)
        async with database.transaction() as session:
            attempt = await queries.attempt(session, asked.attempt_id, lock=True)
            # ORDERPAID: the reconciler asks what was paid; the attempt stays live.
            if attempt.status == "created" and error.code != "ORDERPAID":
                await move(
                    session,
                    ATTEMPT,
                    attempt,
                    "failed",
                    actor=SYSTEM,
                    at=system_now(),
                    reason_code=error.code.lower(),
                )
        raise PaymentRefused from error
