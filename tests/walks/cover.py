"""Orders, policies and payment agreements in each status, and their doors."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from app.kernel.clock import system_now
from app.kernel.ids import new_id
from app.kernel.principal import SYSTEM
from app.organisations.models import Organisation
from app.policies.events import POLICY_VOIDED
from app.policies.recording import Change, locked_policy, record_change
from tests.access_fixtures import SignedIn
from tests.billing.test_agreements import covered
from tests.billing.test_notices import refund_through_the_gateway
from tests.claims.factories import make_policy
from tests.cover_fixtures import Gateway, make_rider, order
from tests.simulators_fixture import Simulators
from tests.walks.walk import Door, Person, Subject, Table


def _notice(subject: Subject) -> Any:
    """What the gateway says once more, signed anew."""
    headers, content = NOTICES[subject.id]()
    return {"content": content, "headers": headers}


NOTICES: dict[str, Callable[[], tuple[dict[str, str], bytes]]] = {}
# `clo` was paid at the gateway after it was closed. What is suspended is owed back at once:
# no order rests there.
ORDERS = Table(
    "contribution_order",
    {
        "ope": "open",
        "pai": "paid",
        "clo": "closed",
        "spd": "suspended",
        "rfg": "refunding",
        "rfd": "refunded",
    },
    {"no": "order-not-open"},
    {
        "cancelOrder": Door("member"),
        "refundOrder": Door("member"),
        "startPayment": Door("member", {"trade_type": "native"}),
        "takePaymentNotice": Door("gateway", form=_notice),
    },
    """
                    ope pai clo rfg rfd
cancelOrder         clo no  =   no  no
refundOrder         no  rfg no  no  no
startPayment        +   no  no  no  no
takePaymentNotice   .   =   rfg =   =
""",
    rests_in={"ope", "pai", "clo", "rfg", "rfd"},
)


async def order_in_each_status(
    app: FastAPI, client: httpx.AsyncClient, gateway: Gateway
) -> dict[str, Subject]:
    found = {}
    for head in ORDERS.heads:
        rider = await make_rider(app)
        made = await order(client, rider)
        path = f"/v1/me/orders/{made['id']}"
        if head != "ope":
            paid = await gateway.pay(rider, made["id"])
            NOTICES[made["id"]] = _again(gateway, paid, made["amount_fen"])
        if head == "clo":
            answer = await client.post(f"{path}/cancellation", headers=rider.keyed)
            assert answer.status_code == 200, answer.text
        if head in ("pai", "rfg", "rfd"):
            assert await gateway.deliver(NOTICES[made["id"]]()) == 204
        if head in ("rfg", "rfd"):
            answer = await client.post(f"{path}/refund", headers=rider.keyed)
            assert answer.status_code == 202, answer.text
        if head == "rfd":
            await refund_through_the_gateway(app, gateway, app.state.database, made["id"])
        found[head] = Subject(made["id"], {"member": rider, "gateway": None})
    return found


def _again(
    gateway: Gateway, paid: dict[str, Any], fen: int
) -> Callable[[], tuple[dict[str, str], bytes]]:
    return lambda: gateway.payment_notice(paid, fen)


CORRECTION = {
    "kind": "occupation",
    "occupation": "delivery_rider",
    "reason": "录入有误",
    "evidence": "单位证明",
    "card_seen": True,
}
BENEFICIARY = {"name": "王芳", "relation": "spouse", "share_percent": 100}
# A pending policy waits for what its member still has to do.
POLICIES = Table(
    "policy",
    {"pen": "pending", "inf": "in_force", "can": "cancelled", "voi": "void"},
    {
        "nr": "policy-not-running",
        "nc": "policy-not-cancelled",
        "no": "renewal-not-offered",
        "nf": "renewal-agreement-not-found",
    },
    {
        "cancelPolicy": Door("member"),
        "cancelPolicyForMember": Door("caseworker"),
        "reinstatePolicy": Door("reviewer", {"reason": "cancelled_by_mistake"}),
        "endorsePolicy": Door("reviewer", CORRECTION),
        "nameBeneficiaries": Door("member", {"beneficiaries": [BENEFICIARY]}),
        "requestRenewalAgreement": Door("member", {"most_fen": 5000}),
        "endRenewalAgreement": Door("member"),
    },
    """
                          pen inf can voi
cancelPolicy              can can nr  nr
cancelPolicyForMember     can can nr  nr
reinstatePolicy           nc  nc  inf nc
endorsePolicy             +   +   nr  nr
nameBeneficiaries         +   +   nr  nr
requestRenewalAgreement   no  +   no  no
endRenewalAgreement       nf  nf  nf  nf
""",
)


async def policy_in_each_status(
    app: FastAPI, client: httpx.AsyncClient, office: Organisation, staff: dict[str, SignedIn]
) -> dict[str, Subject]:
    found = {}
    for head in POLICIES.heads:
        proven = head not in ("pen", "voi")
        rider = await make_rider(
            app, openid=f"o-{new_id().hex}", organisation_id=office.id, verified=proven
        )
        policy = await make_policy(app, rider, office.id, started_days_ago=-1)
        if head == "voi":
            await _void(app, policy.id)
        if head == "can":
            path = f"/v1/me/policies/{policy.id}/cancellation"
            answer = await client.post(path, headers=rider.keyed)
            assert answer.status_code == 201, answer.text
        people: dict[str, Person] = {"member": rider, **staff}
        found[head] = Subject(str(policy.id), people)
    return found


async def _void(app: FastAPI, policy_id: UUID) -> None:
    async with app.state.database.transaction() as session:
        policy = await locked_policy(session, policy_id)
        change = Change("cancel", "shares_over_limit", "policy.void", POLICY_VOIDED, "void")
        await record_change(
            session, policy, change, effective_at=policy.starts_at, actor=SYSTEM, now=system_now()
        )


AGREEMENTS = Table(
    "payment_agreement",
    {"req": "requested", "act": "active", "end": "ended"},
    {"ex": "renewal-agreement-exists"},
    {
        "endRenewalAgreement": Door("member"),
        "requestRenewalAgreement:same": Door("member", {"most_fen": 10_000}),
        "requestRenewalAgreement:other": Door("member", {"most_fen": 9_000}),
    },
    """
                                req act end
endRenewalAgreement             end end =
requestRenewalAgreement:same    =   ex  +
requestRenewalAgreement:other   end ex  +
""",
)


async def agreement_in_each_status(
    app: FastAPI, client: httpx.AsyncClient, gateway: Gateway, simulators: Simulators
) -> dict[str, Subject]:
    found = {}
    for head in AGREEMENTS.heads:
        cover = await covered(app, client, gateway, simulators)
        asked = await cover.request() if head != "act" else None
        view = asked.json() if asked is not None else await cover.sign()
        if head == "end":
            ended = await client.delete(cover.path, headers=cover.rider.headers)
            assert ended.status_code == 204, ended.text
        ids = {"policy_id": cover.policy["id"]}
        found[head] = Subject(view["id"], {"member": cover.rider}, ids)
    return found
