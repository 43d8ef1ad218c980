"""Attempts to pay an order in each status, and their doors."""

import secrets
from functools import partial
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from app.billing.models import ATTEMPT, PaymentAttempt
from app.kernel.clock import system_now
from app.kernel.ids import new_id
from app.kernel.principal import SYSTEM
from app.kernel.transitions import begin
from tests.cover_fixtures import Gateway, make_rider, order
from tests.walks.cover import says
from tests.walks.people import moved
from tests.walks.walk import Door, Person, Subject, Table

HEADS = {
    "cre": "created",
    "pre": "prepared",
    "clo": "closed",
    "fai": "failed",
    "suc": "succeeded",
}
LEGEND = {"no": "order-not-open", "nd": "notice-differs"}
PAID = {
    "takePaymentNotice:paid": Door("gateway", form=says("paid")),
    "takePaymentNotice:otherwise": Door("gateway", form=says("otherwise")),
    "takePaymentNotice:refused": Door("gateway", form=says("refused")),
}
# What was paid is paid, whatever we thought of the attempt: as cover while its order is open,
# else to go back. One attempt is paid by one payment. That a payment made by hand was refused
# says nothing: it can be tried again.
OF_OPEN_ORDERS = Table(
    "payment_attempt",
    HEADS,
    LEGEND,
    {
        "startPayment:same": Door("member", {"trade_type": "native"}),
        "startPayment:other": Door("member", {"trade_type": "jsapi"}),
        "cancelOrder": Door("member"),
        **PAID,
    },
    """
                             cre pre clo fai suc
startPayment:same            pre =   +   +   no
startPayment:other           +   +   +   +   no
cancelOrder                  +   +   +   +   no
takePaymentNotice:paid       suc suc suc suc =
takePaymentNotice:otherwise  suc suc suc suc nd
takePaymentNotice:refused    =   =   =   =   =
""",
)
_OVER = """
                             cre pre clo fai suc
takePaymentNotice:paid       suc suc suc suc =
takePaymentNotice:otherwise  suc suc suc suc nd
takePaymentNotice:refused    =   =   =   =   =
"""
OF_CLOSED_ORDERS = Table("attempt of a closed order", HEADS, LEGEND, PAID, _OVER, "payment_attempt")
OF_PAID_ORDERS = Table(
    "attempt of an order that another one paid", HEADS, LEGEND, PAID, _OVER, "payment_attempt"
)
_WAYS: dict[str, tuple[str, ...]] = {
    "cre": (),
    "pre": ("prepared",),
    "clo": ("closed",),
    "fai": ("failed",),
}


async def attempt_in_each_status(
    app: FastAPI, client: httpx.AsyncClient, gateway: Gateway, table: Table
) -> dict[str, Subject]:
    found = {}
    for head in table.heads:
        rider = await make_rider(app, openid=f"o-{secrets.token_hex(10)}")
        made = await order(client, rider)
        await _not_plain(app, made["id"])
        if table is OF_PAID_ORDERS:
            await gateway.settle(rider, made)
        attempt = await _begun(app, made)
        if table is OF_CLOSED_ORDERS:
            path = f"/v1/me/orders/{made['id']}/cancellation"
            answer = await client.post(path, headers=rider.keyed)
            assert answer.status_code == 200, answer.text
        more = _notices(gateway, attempt)
        if head == "suc":
            assert await gateway.deliver(more["paid"]()) == 204
        else:
            given = {"prepay": "weixin://wxpay/bizpayurl?pr=walk"} if head == "pre" else {}
            await moved(app, ATTEMPT, PaymentAttempt, attempt.id, _WAYS[head], **given)
        people: dict[str, Person] = {"member": rider, "gateway": None}
        found[head] = Subject(str(attempt.id), people, {"order_id": made["id"]}, more)
    return found


async def _not_plain(app: FastAPI, order_id: str) -> None:
    """A plain order is settled by one hot statement, which no rehearsal can take back."""
    async with app.state.database.transaction() as session:
        await session.execute(
            text("update contribution_order set deposit_fen = 1 where id = :id"), {"id": order_id}
        )


async def _begun(app: FastAPI, made: dict[str, Any]) -> PaymentAttempt:
    attempt = PaymentAttempt(
        id=new_id(),
        order_id=UUID(made["id"]),
        out_trade_no=f"{made['number']}{secrets.token_hex(4).upper()}",
        trade_type="native",
        status="created",
        amount_fen=made["amount_fen"],
        created_at=system_now(),
        asked_at=system_now(),
    )
    async with app.state.database.transaction() as session:
        begin(session, ATTEMPT, attempt, actor=SYSTEM, at=system_now())
    return attempt


def _notices(gateway: Gateway, attempt: PaymentAttempt) -> dict[str, Any]:
    def notice(payment: str, **resource: str) -> partial[tuple[dict[str, str], bytes]]:
        paid = {"out_trade_no": attempt.out_trade_no, "transaction_id": payment}
        return partial(gateway.payment_notice, paid, attempt.amount_fen, resource=resource)

    first, second = (f"42{secrets.randbelow(10**26):026d}" for _ in range(2))
    return {
        "paid": notice(first),
        "otherwise": notice(second),
        "refused": notice(first, trade_state="PAYERROR"),
    }
