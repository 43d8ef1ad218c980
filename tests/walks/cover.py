"""Orders, policies and payment agreements in each status, and their doors."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy import select, text

from app.billing.models import REFUND, Refund
from app.kernel.clock import system_now
from app.kernel.ids import new_id
from app.kernel.principal import SYSTEM
from app.organisations.models import Organisation
from app.policies.events import POLICY_VOIDED
from app.policies.recording import Change, locked_policy, record_change
from tests.access_fixtures import SignedIn
from tests.billing.test_agreements import contract_resource, covered
from tests.billing.test_notices import refund_through_the_gateway
from tests.claims.factories import make_policy
from tests.cover_fixtures import Gateway, make_rider, order
from tests.simulators_fixture import Simulators
from tests.walks.people import moved
from tests.walks.walk import Door, Person, Subject, Table

Notice = tuple[dict[str, str], bytes]


def says(name: str) -> Callable[[Subject], dict[str, Any]]:
    """What the gateway says of a subject, signed anew each time."""

    def form(subject: Subject) -> dict[str, Any]:
        headers, content = subject.more[name]()
        return {"content": content, "headers": headers}

    return form


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
        "startPaymentOnSite": Door("caseworker", {"trade_type": "native"}),
        "takePaymentNotice": Door("gateway", form=says("paid")),
    },
    """
                    ope pai clo rfg rfd
cancelOrder         clo no  =   no  no
refundOrder         no  rfg no  no  no
startPayment        +   no  no  no  no
startPaymentOnSite  +   no  no  no  no
takePaymentNotice   .   =   rfg =   =
""",
    rests_in={"ope", "pai", "clo", "rfg", "rfd"},
)


async def order_in_each_status(
    app: FastAPI, client: httpx.AsyncClient, gateway: Gateway, caseworker: SignedIn
) -> dict[str, Subject]:
    """Opened with the help of a caseworker, whom it is shown to as well."""
    found = {}
    for head in ORDERS.heads:
        rider = await make_rider(app)
        made = await order(client, rider)
        path = f"/v1/me/orders/{made['id']}"
        more: dict[str, Any] = {}
        if head != "ope":
            paid = await gateway.pay(rider, made["id"])
            more["paid"] = partial(gateway.payment_notice, paid, made["amount_fen"])
        if head == "clo":
            answer = await client.post(f"{path}/cancellation", headers=rider.keyed)
            assert answer.status_code == 200, answer.text
        if head in ("pai", "rfg", "rfd"):
            assert await gateway.deliver(more["paid"]()) == 204
        if head in ("rfg", "rfd"):
            answer = await client.post(f"{path}/refund", headers=rider.keyed)
            assert answer.status_code == 202, answer.text
        if head == "rfd":
            await refund_through_the_gateway(app, gateway, app.state.database, made["id"])
        async with app.state.database.transaction() as session:
            await session.execute(
                text("update contribution_order set enrolled_by = :staff where id = :id"),
                {"staff": caseworker.account_id, "id": made["id"]},
            )
        people: dict[str, Person] = {"member": rider, "caseworker": caseworker, "gateway": None}
        found[head] = Subject(made["id"], people, more=more)
    return found


# What was withdrawn is owed no more: the gateway was never asked for it.
REFUNDS = Table(
    "refund",
    {
        "req": "requested",
        "acc": "accepted",
        "suc": "succeeded",
        "rej": "rejected",
        "wdn": "withdrawn",
    },
    {"ru": "refund-under-way", "nc": "policy-not-cancelled", "nd": "notice-differs"},
    {
        "takeRefundNotice:paid": Door("gateway", form=says("paid")),
        "takeRefundNotice:closed": Door("gateway", form=says("closed")),
        "reinstatePolicy": Door("reviewer", {"reason": "cancelled_by_mistake"}),
    },
    """
                         req acc suc rej wdn
takeRefundNotice:paid    suc suc =   suc nd
takeRefundNotice:closed  rej rej =   =   nd
reinstatePolicy          wdn ru  ru  ru  nc
""",
)
_REFUNDED: dict[str, tuple[str, ...]] = {
    "req": (),
    "acc": ("accepted",),
    "suc": ("accepted", "succeeded"),
    "rej": ("rejected",),
    "wdn": (),
}


async def refund_in_each_status(
    app: FastAPI,
    client: httpx.AsyncClient,
    gateway: Gateway,
    office: Organisation,
    reviewer: SignedIn,
) -> dict[str, Subject]:
    """Of cover that was cancelled before it began."""
    found = {}
    for head in REFUNDS.heads:
        rider = await make_rider(app, organisation_id=office.id)
        made = await gateway.settle(rider, await order(client, rider))
        path = f"/v1/me/orders/{made['id']}/refund"
        answer = await client.post(path, headers=rider.keyed)
        assert answer.status_code == 202, answer.text
        policy_id = made["policy"]["id"]
        async with app.state.database.transaction() as session:
            refund = await session.scalar(select(Refund).where(Refund.order_id == UUID(made["id"])))
        assert refund is not None
        await moved(app, REFUND, Refund, refund.id, _REFUNDED[head])
        if head == "wdn":
            path = f"/v1/staff/policies/{policy_id}/reinstatement"
            body = {"reason": "cancelled_by_mistake"}
            answer = await client.post(path, headers=reviewer.keyed, json=body)
            assert answer.status_code == 201, answer.text
        more = {
            "paid": partial(_refund_notice, app, gateway, refund, "SUCCESS"),
            "closed": partial(_refund_notice, app, gateway, refund, "CLOSED"),
        }
        people: dict[str, Person] = {"gateway": None, "reviewer": reviewer}
        found[head] = Subject(str(refund.id), people, {"policy_id": policy_id}, more)
    return found


def _refund_notice(app: FastAPI, gateway: Gateway, refund: Refund, state: str) -> Notice:
    resource = {
        "mchid": app.state.outside.wechat_pay.mchid,
        "out_trade_no": refund.out_refund_no[1:-4],
        "out_refund_no": refund.out_refund_no,
        "transaction_id": "4200000000000000000000000001",
        "refund_id": "50300000000000000000000000001",
        "refund_status": state,
        "success_time": system_now().isoformat(timespec="seconds"),
        "amount": {"total": refund.amount_fen, "refund": refund.amount_fen},
    }
    return gateway.notice(f"REFUND.{state}", "refund", resource)


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


AT_THE_GATEWAY = Table(
    "payment_agreement",
    AGREEMENTS.columns,
    {},
    {
        "takeAgreementNotice:signed": Door("gateway", form=says("signed")),
        "takeAgreementNotice:ended": Door("gateway", form=says("ended")),
    },
    """
                                req act end
takeAgreementNotice:signed      act =   +
takeAgreementNotice:ended       end end =
""",
)


async def agreement_at_the_gateway(
    app: FastAPI, client: httpx.AsyncClient, gateway: Gateway, simulators: Simulators
) -> dict[str, Subject]:
    """All confirmed in WeChat; of the first we have not heard yet."""
    found = {}
    for head in AT_THE_GATEWAY.heads:
        cover = await covered(app, client, gateway, simulators)
        view = (await cover.request()).json() if head == "req" else await cover.sign()
        if head == "req":
            ticket = view["signing"]["path"].rpartition("=")[2]
            simulators.control("agreements/sign", pre_entrustweb_id=ticket, behaviour="dropped")
        known = await app.state.outside.wechat_pay.query_contract(await cover.contract_code())
        if head == "end":
            ended = await client.delete(cover.path, headers=cover.rider.headers)
            assert ended.status_code == 204, ended.text
        said = contract_resource(known, cover)
        over = said | {"contract_state": "TERMINATED"}
        more = {
            "signed": partial(gateway.notice, "PAPAY.SIGN", "contract", said),
            "ended": partial(gateway.notice, "PAPAY.TERMINATE", "contract", over),
        }
        found[head] = Subject(view["id"], {"gateway": None}, more=more)
    return found


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
